// The engine's port to the server, over the connection: device ids become device numbers, every batch stays within a frame, and each request names
// a room that both sides share, since that is what allows it.
import type { ClaimTarget as WireTarget, UserKeys as WireUserKeys } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { utf8Bytes } from '#proto/rules/bytes/bytes.ts';
import { limits } from '#proto/rules/limits.ts';
import type { ClientBody } from '../connection/connection.ts';
import { packed } from '../connection/packing.ts';
import { pause } from '../connection/requests.ts';
import type { DeviceParts } from '../device-parts.ts';
import { ClientError, isRetryable, rejectionName } from '../errors.ts';
import type { ClaimedKey, CryptoServer, DeviceMessage, UserKeys } from './engine.ts';

const batchSize = {
  itemsMax: 200,
  bytesMax: 40_000,
  bytesOf: ({ content }: { readonly content: Uint8Array }) => content.length + 160,
};
// Who was busy is asked again a few times at once: a message must not go out without the keys of one who was busy for a moment.
const againTries = 6;
const againMs = 150;
const againLongestMs = 2_000;
const refusedUploadMs = 60_000;

/** What this needs to know of rooms. */
export interface CryptoServerPorts {
  readonly parts: () => Pick<DeviceParts, 'request' | 'user' | 'deviceId' | 'primitives' | 'count'>;
  /** A room that this device's user shares with another, or ''. */
  readonly sharedRoom: (user: string) => string;
  readonly now: () => number;
  /** The inbox of a device was full: the key of this room did not reach it. */
  readonly laneFull: (room: string) => void;
}

/** Makes the port. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure over what a device has asked; each of its functions is short.
export function createCryptoServer(ports: CryptoServerPorts): CryptoServer {
  const numbers = new Map<string, number>();
  /** Devices that had no key for some seconds when last asked. */
  const keyless = new Set<string>();
  const nameOf = ({ user, device }: { readonly user: string; readonly device: number }) => `${user}/${device}`;
  const key = (user: string, device: string) => `${user}/${device}`;

  /** Users in groups that one request may name: own, or sharing a room. */
  function grouped(users: readonly string[], room: string | undefined): Map<string, string[]> {
    const groups = new Map<string, string[]>();
    for (const user of users) {
      const via = user === ports.parts().user ? '' : (room ?? ports.sharedRoom(user));
      // Without a room one user by exact id may be asked for at a time.
      const group = via === '' ? `${user}` : via;
      groups.set(group, [...(groups.get(group) ?? []), user]);
    }
    return groups;
  }
  const roomOf = (group: string) => (group.startsWith('!') ? group : '');

  async function queryKeys(users: readonly string[], room?: string): Promise<UserKeys[]> {
    const found: UserKeys[] = [];
    for (const [group, some] of grouped(users, room)) {
      let waiting = some;
      for (let attempt = 0; waiting.length > 0; attempt++) {
        const asked = waiting.slice(0, limits.queryUsersMax);
        const value = { room: roomOf(group), users: asked, manifestsAbove: 0 };
        const answer = await ports.parts().request({ $case: 'queryKeys', value }, 'keysAnswer');
        for (const keys of answer.users) found.push(learn(keys));
        waiting = [...waiting.slice(asked.length), ...answer.deferred];
        if (answer.deferred.length < asked.length) continue;
        if (attempt >= againTries) throw busy();
        await pause(Math.min(againMs * 2 ** attempt, againLongestMs));
      }
    }
    return found;
  }

  function learn(keys: WireUserKeys): UserKeys {
    const { user, devices, masterJson, selfSigningJson, userSigningJson } = keys;
    for (const device of devices) numbers.set(key(user, device.deviceId), device.device);
    return {
      user,
      deviceKeys: devices.map((device) => device.deviceJson),
      ...(masterJson.length > 0 ? { masterKey: masterJson } : {}),
      ...(selfSigningJson.length > 0 ? { selfSigningKey: selfSigningJson } : {}),
      ...(userSigningJson.length > 0 ? { userSigningKey: userSigningJson } : {}),
    };
  }

  async function numberOf(user: string, device: string, room: string | undefined): Promise<number | undefined> {
    if (!numbers.has(key(user, device))) await queryKeys([user], room);
    return numbers.get(key(user, device));
  }

  /** A device that is missing in an answer was busy, or has no key at all. It is asked for again for some seconds, since what is written meanwhile
   * it could never read; one that stayed without is asked for once from then on, so that nobody can hold a room up. */
  async function claimAll(wanted: readonly WireTarget[], room: string): Promise<ClaimedKey[]> {
    const claimed: ClaimedKey[] = [];
    let waiting = wanted;
    for (let attempt = 0; waiting.length > 0; ) {
      const targets = waiting.slice(0, limits.claimTargetsMax);
      const { keys } = await ports.parts().request({ $case: 'claimKeys', value: { room, targets } }, 'claimsAnswer');
      claimed.push(...keys.map(({ user, deviceId, keyId, key: bytes }) => ({ user, device: deviceId, keyId, bytes })));
      const got = new Set(keys.map(nameOf));
      for (const name of got) keyless.delete(name);
      const missing = targets.filter((target) => !got.has(nameOf(target)));
      const again = missing.filter((target) => !keyless.has(nameOf(target)));
      waiting = [...waiting.slice(targets.length), ...again];
      if (again.length === 0 || missing.length < targets.length) continue;
      attempt += 1;
      if (attempt > againTries) break;
      await pause(Math.min(againMs * 2 ** (attempt - 1), againLongestMs));
    }
    for (const target of waiting) keyless.add(nameOf(target));
    if (waiting.length > 0) ports.parts().count('claims.missing', waiting.length);
    return claimed;
  }

  async function claimKeys(targets: readonly { user: string; device: string }[], room?: string): Promise<ClaimedKey[]> {
    const claimed: ClaimedKey[] = [];
    const users = [...new Set(targets.map((target) => target.user))];
    for (const [group, some] of grouped(users, room)) {
      const wanted: WireTarget[] = [];
      for (const { user, device } of targets.filter((target) => some.includes(target.user))) {
        const number = await numberOf(user, device, room);
        if (number) wanted.push({ user, device: number });
      }
      claimed.push(...(await claimAll(wanted, roomOf(group))));
    }
    return claimed;
  }

  async function sendDeviceMessages(id: string, messages: readonly DeviceMessage[], room?: string): Promise<void> {
    const { user: self, deviceId, primitives } = ports.parts();
    const spread: DeviceMessage[] = [];
    for (const message of messages) {
      if (message.device !== '*') spread.push(message);
      else {
        await queryKeys([message.user]);
        const devices = [...numbers.keys()]
          .filter((known) => known.startsWith(`${message.user}/`))
          .map((known) => known.slice(message.user.length + 1));
        spread.push(
          ...devices
            .filter((device) => message.user !== self || device !== deviceId)
            .map((device) => ({ ...message, device })),
        );
      }
    }
    for (const [group, users] of grouped([...new Set(spread.map((message) => message.user))], room)) {
      const addressed = [];
      for (const { user, device, type, bytes } of spread.filter((message) => users.includes(message.user))) {
        const number = await numberOf(user, device, room);
        // The same message has the same id at every try, and is stored once.
        const messageId = primitives.sha256(utf8Bytes(`${id} ${user} ${device}`)).subarray(0, 16);
        if (number) addressed.push({ user, device: number, type, content: bytes, id: messageId });
      }
      for (const batch of packed(addressed, batchSize)) {
        const value = { room: roomOf(group), messages: batch };
        const { undelivered } = await ports.parts().request({ $case: 'sendDeviceMessages', value }, 'deliveryReport');
        refuseLosses(undelivered, room);
      }
    }
  }

  function refuseLosses(
    undelivered: readonly { code: Rejection; retryAfterMs: number }[],
    room: string | undefined,
  ): void {
    for (const { code, retryAfterMs } of undelivered) {
      ports.parts().count(`undelivered.${rejectionName(code)}`);
      // A full lane is a device that has not come for long: it will be told to sync, and must not stop a whole room.
      if (code === Rejection.REJECTION_LANE_FULL && room) ports.laneFull(room);
      if (code === Rejection.REJECTION_LANE_FULL || !isRetryable(code)) continue;
      throw new ClientError('REJECTED', 'Some device messages were not stored yet.', { rejection: code, retryAfterMs });
    }
  }

  /** Keys that the server refuses for good are offered again, since the library can't take them back; but not at every turn. */
  let refused: { readonly untilMs: number; readonly error: ClientError } | undefined;
  async function uploadOnce(body: ClientBody): Promise<{ oneTimeKeys: number }> {
    if (refused && ports.now() < refused.untilMs) throw refused.error;
    refused = undefined;
    try {
      const counts = await ports.parts().request(body, 'keyCounts');
      return { oneTimeKeys: counts.oneTimeKeys };
    } catch (error) {
      const final = error instanceof ClientError && error.rejection !== undefined && !isRetryable(error.rejection);
      if (final) refused = { untilMs: ports.now() + refusedUploadMs, error };
      if (final) ports.parts().count('upload.refused');
      throw error;
    }
  }

  return {
    queryKeys,
    claimKeys,
    sendDeviceMessages,
    uploadKeys: async ({ deviceKeys, oneTimeKeys, fallbackKeys }) => {
      const wire = (keys: typeof oneTimeKeys) => keys.map(({ keyId, bytes }) => ({ keyId, key: bytes }));
      const value = {
        deviceJson: deviceKeys ?? new Uint8Array(),
        oneTimeKeys: wire(oneTimeKeys),
        fallbackKeys: wire(fallbackKeys),
      };
      return uploadOnce({ $case: 'uploadKeys', value });
    },
    uploadCrossSigning: async ({ master, selfSigning, userSigning }, grant) => {
      const value = { masterJson: master, selfSigningJson: selfSigning, userSigningJson: userSigning, grant };
      await ports.parts().request({ $case: 'uploadCrossSigning', value }, 'done');
    },
    uploadSignatures: async (signaturesJson) => {
      await ports.parts().request({ $case: 'uploadSignatures', value: { signaturesJson } }, 'done');
    },
  };
}

function busy(): ClientError {
  const rejection = Rejection.REJECTION_BUSY;
  return new ClientError('REJECTED', 'The server has no time for keys.', { rejection, retryAfterMs: 1_000 });
}
