// What the crypto engine must remember, kept in the local store: which step of which session an event used, and how old sessions are.
import type { CryptoLedger, SessionBegan } from '../crypto/engine.ts';
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
      await store.write([
        { table: 'account', key: `session ${room}`, value: new TextEncoder().encode(JSON.stringify(began)) },
      ]);
    },
  };
}
