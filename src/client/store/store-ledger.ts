// What the crypto engine must remember, kept in the local store: which step of which session an event used, how old
// sessions are, and who made them.
import { fromBase64, toBase64 } from '#proto/rules/bytes/base.ts';
import type { CryptoLedger, SessionBegan } from '../crypto/engine.ts';
import type { SessionOrigin } from '../crypto/keeping.ts';
import { ClientError } from '../errors.ts';
import { type LocalStore, orderedNumber } from './store.ts';

/** A ledger over a local store. One writer at a time asks for a step, so that two events never get the same one. */
export function storeLedger(store: LocalStore): CryptoLedger {
  let tail: Promise<unknown> = Promise.resolve();
  const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);
  return {
    claimIndex(sessionId, index, eventId) {
      const claim = tail.then(async () => {
        const key = `${sessionId} ${orderedNumber(index)}`;
        const holder = text(await store.get('replay', key));
        if (holder !== undefined) return holder;
        await store.write([{ table: 'replay', key, value: new TextEncoder().encode(eventId) }]);
        return eventId;
      });
      tail = claim.catch(() => {});
      return claim;
    },
    async sessionBegan(room) {
      const row = text(await store.get('account', `session ${room}`));
      return row === undefined ? undefined : (JSON.parse(row) as SessionBegan);
    },
    async setSessionBegan(room, began) {
      const row = (key: string, value: unknown) => {
        return { table: 'account' as const, key, value: new TextEncoder().encode(JSON.stringify(value)) };
      };
      const { sessionId, audience } = began;
      const kept = audience === undefined ? [] : [row(`began ${room} ${sessionId}`, audience)];
      await store.write([row(`session ${room}`, began), ...kept]);
    },
    async sessionAudience(room, sessionId) {
      const row = text(await store.get('account', `began ${room} ${sessionId}`));
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

function senderIn(row: string): SessionOrigin['sender'] {
  const { user, device, key } = JSON.parse(row) as { user?: string; device?: string; key?: string };
  if (user === undefined) return undefined;
  const bytes = fromBase64(key ?? '');
  if (device === undefined || bytes === null) throw new ClientError('STORE', 'An origin in the local store is damaged');
  return { user, device, key: bytes };
}
