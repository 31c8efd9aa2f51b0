// Why the server refused, in words. What a person can do about it follows where there is something.
import { type ClientError, disconnectName, rejectionName } from '#client/errors.ts';
import { Rejection } from '#proto/gen/codes.ts';

const words: Readonly<Record<Rejection, string>> = {
  [Rejection.REJECTION_UNSPECIFIED]: 'it did not say why',
  [Rejection.REJECTION_BUSY]: 'it has too much to do just now',
  [Rejection.REJECTION_UNAVAILABLE]: 'what it needs for that is out of order just now',
  [Rejection.REJECTION_RATE_LIMITED]: 'that was asked for too often',
  [Rejection.REJECTION_LANE_FULL]: 'too much of yours waits for them already',
  [Rejection.REJECTION_STALE_STATE]: 'somebody else changed this meanwhile',
  [Rejection.REJECTION_TOO_OLD]: 'it waited here for too long',
  [Rejection.REJECTION_ID_REUSED]: 'this was taken for something that it has already',
  [Rejection.REJECTION_ROOM_EXISTS]: 'this room is there already',
  [Rejection.REJECTION_STALE_MANIFEST]: 'your list of devices changed meanwhile',
  [Rejection.REJECTION_BAD_REQUEST]: 'it takes nothing of this kind',
  [Rejection.REJECTION_BAD_EVENT]: 'it takes nothing of this kind',
  [Rejection.REJECTION_BAD_SIGNATURE]: 'it could not verify who signed this',
  [Rejection.REJECTION_TOO_LARGE]: 'it is too large',
  [Rejection.REJECTION_NOT_MEMBER]: 'you, or the other of a 1:1 chat, are not in this room any more',
  [Rejection.REJECTION_FORBIDDEN]: 'you may not do that',
  [Rejection.REJECTION_NOT_FOUND]: 'there is no such thing, or not for you',
  [Rejection.REJECTION_LIMIT_REACHED]: 'there is as much of it as there may be',
  [Rejection.REJECTION_NOT_LOGGED_IN]: 'this device is not logged in',
  [Rejection.REJECTION_UNSUPPORTED]: 'it does not know this yet',
  [Rejection.REJECTION_BELOW_FLOOR]: 'what was there is gone by now',
  [Rejection.REJECTION_INVALID_CONTROL]: 'the rules of the room do not allow it',
  [Rejection.REJECTION_SUSPENDED]: 'you started over, and nobody has let you in again yet',
};

/** Why it refused, as part of a sentence. `name`: as `TimelineItem.failure` has it. */
export function refusalWords(name: string | undefined): string {
  const code = Object.values(Rejection).find((one) => rejectionName(one) === name);
  return code === undefined ? 'for a reason that this version has no word for' : words[code];
}

/** An error in a sentence for people: where the SDK could name a code alone, what that means. */
export function plainMessage(error: ClientError): string {
  const { rejection, disconnect, message, retryAfterMs } = error;
  if (rejection !== undefined && message.includes(rejectionName(rejection)))
    return `The server refused: ${refusalWords(rejectionName(rejection))}.${waitWords(retryAfterMs)}`;
  if (disconnect !== undefined && message.includes(disconnectName(disconnect)))
    return 'The server ended the connection. Try again.';
  return `${message}${waitWords(retryAfterMs)}`;
}

/** How long to wait, where that is known. */
export function waitWords(ms: number): string {
  if (ms < 2_000) return '';
  const minutes = Math.ceil(ms / 60_000);
  if (ms < 90_000) return ` Try again in ${Math.ceil(ms / 1_000)} seconds.`;
  return minutes < 90 ? ` Try again in ${minutes} minutes.` : ` Try again in ${Math.ceil(minutes / 60)} hours.`;
}
