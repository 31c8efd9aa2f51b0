// Both ledgers keep the same promises; the local one keeps them in its store.
import { describe, expect, test } from 'vitest';
import { MemoryStore } from '../store/memory-store.ts';
import { storeLedger } from '../store/store-ledger.ts';
import type { CryptoLedger } from './engine.ts';
import { MemoryLedger } from './ledger.ts';

const ledgers: Record<string, () => CryptoLedger> = {
  'in memory': () => new MemoryLedger(),
  'in the local store': () => storeLedger(new MemoryStore()),
};

for (const [name, open] of Object.entries(ledgers)) {
  describe(`a ledger ${name}`, () => {
    test('gives a step to the event that claims it first, and to that one again', async () => {
      const ledger = open();
      expect(await ledger.claimIndex('session', 0, 'first')).toBe('first');
      expect(await ledger.claimIndex('session', 0, 'second')).toBe('first');
      expect(await ledger.claimIndex('session', 0, 'first')).toBe('first');
      expect(await ledger.claimIndex('session', 1, 'second')).toBe('second');
      expect(await ledger.claimIndex('other', 0, 'second')).toBe('second');
    });

    test('gives a step to one of many that claim it at once', async () => {
      const ledger = open();
      const events = Array.from({ length: 20 }, (_, at) => `event ${at}`);
      const holders = await Promise.all(events.map((event) => ledger.claimIndex('session', 7, event)));
      expect(new Set(holders).size).toBe(1);
    });

    test('remembers the beginning of the last session of each room', async () => {
      const ledger = open();
      expect(await ledger.sessionBegan('!a:lux')).toBeUndefined();
      await ledger.setSessionBegan('!a:lux', { sessionId: 'one', atMs: 1 });
      await ledger.setSessionBegan('!a:lux', { sessionId: 'two', atMs: 2 });
      expect(await ledger.sessionBegan('!a:lux')).toEqual({ sessionId: 'two', atMs: 2 });
      expect(await ledger.sessionBegan('!b:lux')).toBeUndefined();
    });
  });
}
