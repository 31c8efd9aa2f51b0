// Which request goes to which actor. Ids are looked at here, before anything is addressed: whatever is malformed creates no actor. Whether the
// room exists and the asker may do it is for the room to say, whether the body makes sense for whoever handles it. Backups and the
// directory are no actor's: the world serves them.

import { type Address, roomAddress, userAddress } from '#actors/kernel/address.ts';
import type { Message, Requester, ServedRequest } from '#actors/kernel/messages.ts';
import type { ClientFrame, Report } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { attemptBytes } from '#proto/rules/bytes/hash.ts';
import { isRoomId, isUserId } from '#proto/rules/ids.ts';
import { limits } from '#proto/rules/limits.ts';
import { frankingKeyBytes } from '#proto/rules/record/payload.ts';
import { backupFault } from './backups.ts';
import { directoryFault } from './directory.ts';
import type { DeviceRateClass, UserRateClass } from './limits.ts';

/** A body of a client frame that one actor answers. */
export type RoutedBody = Exclude<NonNullable<ClientFrame['body']>, { $case: 'hello' | 'subscribe' | 'sendEphemeral' }>;

/** Where a request goes, or why it does not. */
export type Route =
  | { readonly to: Address; readonly message: Message }
  | { readonly served: ServedRequest }
  | { readonly refused: Rejection };

const badRequest: Route = { refused: Rejection.REJECTION_BAD_REQUEST };
const tooLarge: Route = { refused: Rejection.REJECTION_TOO_LARGE };

/** The route of a request of `from`. */
export function routeOf(body: RoutedBody, from: Requester): Route {
  switch (body.$case) {
    case 'submit': {
      const { room, event } = body.value;
      if (event === undefined) return badRequest;
      if (event.header.length > limits.headerBytesMax || event.body.length > limits.bodyBytesMax) return tooLarge;
      return toRoom(room, { kind: 'submit', from, submit: body.value });
    }
    case 'fetchRecords':
      return toRoom(body.value.room, { kind: 'fetch', from, fetch: body.value });
    case 'putReceipt': {
      const { room, write } = body.value;
      if (write.length > limits.slotWriteBytesMax) return tooLarge;
      return toRoom(room, { kind: 'putReceipt', from, write });
    }
    case 'readRoom':
      return toRoom(body.value.room, { kind: 'readRoom', from, read: body.value });
    case 'sendDeviceMessages': {
      const { room, messages } = body.value;
      if (!isCount(messages.length, limits.deviceMessagesMax) || !isRoomOrNone(room)) return badRequest;
      if (!messages.every(({ user }) => isUserId(user))) return badRequest;
      break;
    }
    case 'queryKeys': {
      const { room, users } = body.value;
      if (!isCount(users.length, limits.queryUsersMax) || !isRoomOrNone(room) || !users.every(isUserId))
        return badRequest;
      break;
    }
    case 'claimKeys': {
      const { room, targets } = body.value;
      if (!isCount(targets.length, limits.claimTargetsMax) || !isRoomOrNone(room)) return badRequest;
      if (!targets.every(({ user }) => isUserId(user))) return badRequest;
      break;
    }
    case 'deactivateAccount':
    case 'eraseAccount':
      if (body.value.grant?.attempt.length !== attemptBytes) return badRequest;
      break;
    case 'readAccount':
      if (!isRoomOrNone(body.value.after)) return badRequest;
      break;
    case 'setBlock':
      if (!isUserId(body.value.user)) return badRequest;
      break;
    case 'report': {
      const refused = reportFault(body.value);
      return refused === null ? { served: body } : { refused };
    }
    case 'checkBackup':
    case 'createBackup':
    case 'fetchBackup':
    case 'putBackup':
    case 'listBackup':
    case 'dropBackup': {
      const refused = backupFault(body);
      return refused === null ? { served: body } : { refused };
    }
    case 'readListing':
    case 'setListing':
    case 'searchDirectory': {
      const refused = directoryFault(body);
      return refused === null ? { served: body } : { refused };
    }
  }
  return { to: userAddress(from.user), message: { kind: 'request', from, body } };
}

/** May only a device that the newest manifest lists ask for this? */
export function isForListed({ $case }: RoutedBody): boolean {
  return $case === 'submit' || $case === 'putReceipt';
}

/** The same, but for an account without any manifest: its devices may. */
export function isForUnlistedAtFirst({ $case }: RoutedBody): boolean {
  return $case === 'createBackup' || $case === 'putBackup' || $case === 'dropBackup' || $case === 'setListing';
}

/** What a request of this user counts against. */
export function rateOf(
  body: RoutedBody,
  own: string,
): { readonly of: 'device'; readonly name: DeviceRateClass } | { readonly of: 'user'; readonly name: UserRateClass } {
  switch (body.$case) {
    case 'submit':
      return { of: 'device', name: 'submit' };
    case 'putReceipt':
      return { of: 'device', name: 'receipt' };
    case 'sendDeviceMessages':
      return { of: 'device', name: 'deviceMessages' };
    case 'queryKeys':
      // The own keys cost nobody else anything, and ten devices that each look at them when one of them moves must not stand in each other's way.
      return body.value.users.every((user) => user === own)
        ? { of: 'device', name: 'read' }
        : { of: 'user', name: 'query' };
    case 'searchDirectory':
      return { of: 'user', name: 'query' };
    case 'claimKeys':
      return { of: 'user', name: 'claim' };
    case 'uploadKeys':
    case 'uploadCrossSigning':
    case 'uploadSignatures':
    case 'publishManifest':
    case 'renameDevice':
    case 'removeDevice':
    case 'setBlock':
    case 'deactivateAccount':
    case 'eraseAccount':
    case 'report':
    case 'createBackup':
    case 'fetchBackup':
    case 'dropBackup':
    case 'setListing':
      return { of: 'user', name: 'change' };
    case 'putBackup':
    case 'listBackup':
      return { of: 'device', name: 'backup' };
    case 'listRooms':
    case 'fetchRecords':
    case 'readRoom':
    case 'fetchInbox':
    case 'ackInbox':
    case 'listDevices':
    case 'listBlocks':
    case 'readAccount':
    case 'checkBackup':
    case 'readListing':
      return { of: 'device', name: 'read' };
  }
}

/** Is it about a room that the user wants to hear nothing of? What is written there goes its way, since one may leave it. */
export function isHidden(body: RoutedBody, hidden: ReadonlySet<string>): boolean {
  switch (body.$case) {
    case 'fetchRecords':
    case 'readRoom':
    case 'putReceipt':
      return hidden.has(body.value.room);
    default:
      return false;
  }
}

/** To whoever asks for such a room. */
export const hiddenRoom: Route = { refused: Rejection.REJECTION_NOT_FOUND };

function reportFault({ room, seq, frankingKey, inner, reason }: Report): Rejection | null {
  const fits = isRoomId(room) && seq > 0 && frankingKey.length === frankingKeyBytes && inner.length > 0;
  if (!fits || [...reason].length > limits.reportReasonCharactersMax) return Rejection.REJECTION_BAD_REQUEST;
  return inner.length > limits.reportBytesMax ? Rejection.REJECTION_TOO_LARGE : null;
}

function toRoom(room: string, message: Message): Route {
  return isRoomId(room) ? { to: roomAddress(room), message } : badRequest;
}

function isRoomOrNone(room: string): boolean {
  return room === '' || isRoomId(room);
}

function isCount(count: number, max: number): boolean {
  return count >= 1 && count <= max;
}
