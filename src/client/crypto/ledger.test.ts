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

    test('remembers for whom a session began, also when it ended', async () => {
      const ledger = open();
      await ledger.setSessionBegan('!a:lux', { sessionId: 'one', atMs: 1, audience: 3 });
      await ledger.setSessionBegan('!a:lux', { sessionId: 'two', atMs: 2 });
      expect(await ledger.sessionAudience('!a:lux', 'one')).toBe(3);
      expect(await ledger.sessionAudience('!a:lux', 'two')).toBeUndefined();
      expect(await ledger.sessionAudience('!b:lux', 'one')).toBeUndefined();
    });

    test('remembers where sessions came from, with and without a sender', async () => {
      const ledger = open();
      const sender = { user: '@a:lux', device: 'PHONE', key: new Uint8Array(32).fill(3) };
      const known = { room: '!a:lux', sessionId: 'one', sender };
      const unproven = { room: '!a:lux', sessionId: 'two', sender: undefined };
      await ledger.setSessionOrigins([]);
      await ledger.setSessionOrigins([known, unproven]);
      expect(await ledger.sessionOrigin('!a:lux', 'one')).toEqual(known);
      expect(await ledger.sessionOrigin('!a:lux', 'two')).toEqual(unproven);
      expect(await ledger.sessionOrigin('!b:lux', 'one')).toBeUndefined();
    });
  });
}
