import { beforeEach, describe, expect, it } from 'vitest';
import type { RowWrite } from '#actors/ports/log-store.ts';
import { RowBatch } from './row-batch.ts';

/** A call of the store, in the hands of the test. */
interface Call {
  readonly logs: readonly string[];
  done(at: number): void;
  end(): void;
  fail(): void;
}

describe('the batch of rows', () => {
  let calls: Call[];
  let told: string[];
  let timers: { run: () => void; delayMs: number; cancelled: boolean }[];
  let batch: RowBatch;

  const store = {
    writeRows(writes: readonly RowWrite[], done: (at: number) => void = () => {}): Promise<void> {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const logs = writes.map(({ log }) => log);
      calls.push({ logs, done, end: resolve, fail: () => reject(new Error('nothing heard')) });
      return promise;
    },
  };
  const begin = (callsMax: number, slowMs: number) => {
    const turns = { before: () => {}, after: () => void told.push('after') };
    const later = (run: () => void, delayMs: number) => {
      const timer = { run, delayMs, cancelled: false };
      timers.push(timer);
      return () => {
        timer.cancelled = true;
      };
    };
    batch = new RowBatch(store, { callsMax, slowMs, turns, later });
  };
  beforeEach(() => {
    [calls, told, timers] = [[], [], []];
    begin(2, 250);
  });
  const add = (...logs: string[]) => {
    for (const log of logs) {
      const write = { log, segment: 1, rows: [], replace: false, dueMs: null };
      batch.add(write, (written) => void told.push(`${log} ${written ? 'written' : 'unknown'}`));
    }
    batch.flush();
  };
  const settle = () => new Promise((resolve) => setImmediate(resolve));

  it('tells of each write as soon as the store does, and of the rest with the call', async () => {
    add('a', 'b', 'c');
    calls[0]!.done(1);
    expect(told).toEqual(['b written']);
    calls[0]!.end();
    await settle();
    expect(told).toEqual(['b written', 'a written', 'c written', 'after']);
  });

  it('knows nothing only of those that the store did not tell of before it failed', async () => {
    add('a', 'b', 'c');
    calls[0]!.done(0);
    calls[0]!.done(2);
    calls[0]!.done(2);
    calls[0]!.fail();
    await settle();
    expect(told).toEqual(['a written', 'c written', 'b unknown', 'after']);
  });

  it('begins others in place of calls that are slow, and not before', async () => {
    for (const log of ['a', 'b', 'c', 'd']) add(log);
    expect(calls.map(({ logs }) => logs)).toEqual([['a'], ['b']]);
    expect(timers.map(({ delayMs }) => delayMs)).toEqual([250, 250]);
    timers[0]!.run();
    expect(calls.map(({ logs }) => logs)).toEqual([['a'], ['b'], ['c', 'd']]);
    add('e');
    calls[2]!.end();
    await settle();
    expect(told).toEqual(['c written', 'd written', 'after']);
    expect(calls[3]?.logs).toEqual(['e']);
    expect(timers[2]!.cancelled).toBe(true);
    // The slow one ends at last: it frees no second place.
    calls[0]!.end();
    await settle();
    add('f');
    expect(calls).toHaveLength(4);
  });

  it('has eight slow calls for each that counts, and not one more', async () => {
    for (let n = 0; n < 16; n++) {
      add(`${n}`);
      timers.at(-1)!.run();
    }
    expect(calls).toHaveLength(16);
    add('one more');
    expect(calls).toHaveLength(16);
    calls[3]!.end();
    await settle();
    expect(calls).toHaveLength(17);
  });

  it('counts every call to its end where all wait for one disk', async () => {
    begin(1, Number.POSITIVE_INFINITY);
    add('a');
    add('b');
    expect([calls.length, timers.length]).toEqual([1, 0]);
    calls[0]!.end();
    await settle();
    expect(calls).toHaveLength(2);
  });

  it('is idle when the last call has ended, slow ones too', async () => {
    add('a');
    timers[0]!.run();
    let idle = false;
    void batch.idle().then(() => {
      idle = true;
    });
    await settle();
    expect(idle).toBe(false);
    calls[0]!.end();
    await settle();
    expect(idle).toBe(true);
  });
});
