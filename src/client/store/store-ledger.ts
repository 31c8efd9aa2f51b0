// What the crypto engine must remember, kept in the local store: which step of which session an event used, how old
// sessions are, and who made them.

import { fromBase64, toBase64 } from '#proto/rules/bytes/base.ts';
import type { CryptoLedger, SessionBegan } from '../crypto/engine.ts';
import type { RoomId } from '../crypto/ids.ts';
import type { SessionOrigin } from '../crypto/keeping.ts';
import { ClientError } from '../errors.ts';
import { Lock } from '../lock.ts';
import { type LocalChange, type LocalStore, orderedNumber, prefixRange } from './store.ts';

/** Rows of one room that are let go of in one go; what is more stays until the room is left again. */
const begunMax = 100_000;
const table = 'account';
const currentKey = (room: RoomId) => `session ${room}`;
const begunKey = (room: RoomId, sessionId: string) => `began ${room} ${sessionId}`;

/** A ledger over a local store. One writer at a time asks for a step, so that two events never get the same one. */
export function storeLedger(store: LocalStore): CryptoLedger {
  const claims = new Lock();
  const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);
  return {
    claimIndex(sessionId, index, eventId) {
      return claims.run(async () => {
        const key = `${sessionId} ${orderedNumber(index)}`;
        const holder = text(await store.get('replay', key));
        if (holder !== undefined) return holder;
        await store.write([{ table: 'replay', key, value: new TextEncoder().encode(eventId) }]);
        return eventId;
      });
    },
    async sessionBegan(room) {
      const row = text(await store.get(table, currentKey(room)));
      return row === undefined ? undefined : (JSON.parse(row) as SessionBegan);
    },
    async setSessionBegan(room, began) {
      const row = (key: string, value: unknown): LocalChange => {
        return { table, key, value: new TextEncoder().encode(JSON.stringify(value)) };
      };
      const { sessionId, audience } = began;
      const kept = audience === undefined ? [] : [row(begunKey(room, sessionId), audience)];
      await store.write([row(currentKey(room), began), ...kept]);
    },
    async sessionAudience(room, sessionId) {
      const row = text(await store.get(table, begunKey(room, sessionId)));
      return row === undefined ? undefined : Number(row);
    },
    async sessionOrigin(room, sessionId) {
      const row = text(await store.get('origins', `${room} ${sessionId}`));
      return row === undefined ? undefined : { room, sessionId, sender: senderIn(row) };
    },
    async setSessionOrigins(origins) {
      const rows = origins.map(({ room, sessionId, sender }) => ({
        table: 'origins' as const,
        key: `${room} ${sessionId}`,
        value: new TextEncoder().encode(JSON.stringify(sender ? { ...sender, key: toBase64(sender.key) } : {})),
      }));
      if (rows.length > 0) await store.write(rows);
    },
  };
}

/** What a ledger notes of the sessions that this device began in a room, gone: nobody is given one by somebody who left. */
export async function begunSessionsGone(store: LocalStore, room: RoomId): Promise<LocalChange[]> {
  const rows = await store.list(table, { ...prefixRange(begunKey(room, '')), limit: begunMax });
  return [currentKey(room), ...rows.map(({ key }) => key)].map((key) => ({ table, key, value: undefined }));
}

function senderIn(row: string): SessionOrigin['sender'] {
  const { user, device, key } = JSON.parse(row) as { user?: string; device?: string; key?: string };
  if (user === undefined) return undefined;
  const bytes = fromBase64(key ?? '');
  if (device === undefined || bytes === null) throw new ClientError('STORE', 'An origin in the local store is damaged');
  return { user, device, key: bytes };
}
