// The engine's ledger over the device's local store: durable wherever the store is.
// Guarantees: of two events that claim one step, however close together, exactly one gets it, for ever.
// Does not: forget. A step is some 80 bytes; dropping old ones would open them to replays again.
import { utf8Bytes } from '#proto/rules/bytes.ts';
import { type LocalStore, orderedNumber } from '../store.ts';
import type { CryptoLedger, RoomId, SessionBegan } from './engine.ts';
import { Lock } from './olm/lock.ts';

const decoder = new TextDecoder();

/** A {@link CryptoLedger} in the tables `replay` and `account` of a store. Its calls reject as the store's do. */
export class LocalLedger implements CryptoLedger {
  #store: LocalStore;
  // Reading and writing a step are two calls of the store: nothing may come between them.
  #lock = new Lock();

  constructor(store: LocalStore) {
    this.#store = store;
  }

  claimIndex(sessionId: string, index: number, eventId: string): Promise<string> {
    const key = `${sessionId} ${orderedNumber(index)}`;
    return this.#lock.run(async () => {
      const holder = await this.#store.get('replay', key);
      if (holder !== undefined) return decoder.decode(holder);
      await this.#store.write([{ table: 'replay', key, value: utf8Bytes(eventId) }]);
      return eventId;
    });
  }

  async sessionBegan(room: RoomId): Promise<SessionBegan | undefined> {
    const value = await this.#store.get('account', sessionKey(room));
    return value === undefined ? undefined : (JSON.parse(decoder.decode(value)) as SessionBegan);
  }

  setSessionBegan(room: RoomId, { sessionId, atMs }: SessionBegan): Promise<void> {
    const value = utf8Bytes(JSON.stringify({ sessionId, atMs }));
    return this.#store.write([{ table: 'account', key: sessionKey(room), value }]);
  }
}

function sessionKey(room: RoomId): string {
  return `session ${room}`;
}
