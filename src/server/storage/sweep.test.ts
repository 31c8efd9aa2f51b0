// How much one sweep looks at: pages, and what may be left in a shard before the next one's turn.
import { beforeEach, expect, it } from 'vitest';
import { coveredKey, encodeCovered, nothingCovered } from '#actors/log/covered.ts';
import { shardOf } from '#actors/log/shards.ts';
import { InMemoryStore } from './memory/store.ts';
import { leftMax, pageMax, sweepDue } from './sweep.ts';

const shard = 5;
const logs = Array.from({ length: 90_000 }, (_, n) => `room/!${n}`).filter((log) => shardOf(log) === shard);
let store: InMemoryStore;
/** Limits of the reads that a sweep made in the shard, and how many rows each gave. */
let reads: [limit: number, found: number][];
beforeEach(() => {
  reads = [];
  store = new (class extends InMemoryStore {
    override async readDue(...args: Parameters<InMemoryStore['readDue']>): ReturnType<InMemoryStore['readDue']> {
      const found = await super.readDue(...args);
      if (args[0] === shard) reads.push([args[2], found.length]);
      return found;
    }
  })(() => 0);
});

/** Makes logs due; those that stay have something left to do. */
async function due(count: number, stays: boolean): Promise<void> {
  for (const log of logs.slice(0, count)) {
    await store.writeRows([{ log, segment: 0, rows: [], replace: false, dueMs: 1 }]);
    const covered = encodeCovered({ ...nothingCovered, restless: stays });
    await store.writeState([{ log, rows: [{ key: coveredKey, value: covered, segment: 1, seq: 0, sub: 0 }] }]);
  }
}

async function sweep(): Promise<{ left: number; woken: number }> {
  let woken = 0;
  const left = await sweepDue({ store, get: () => undefined, now: 2, wake: () => void woken++ });
  return { left, woken };
}

it('reads 100 due things at a time, and goes on where there were as many', async () => {
  expect(pageMax).toBe(100);
  await due(pageMax - 1, false);
  expect(await sweep()).toEqual({ left: 0, woken: 0 });
  expect(reads).toEqual([[pageMax, pageMax - 1]]);
  reads = [];
  await due(pageMax, false);
  await sweep();
  expect(reads).toEqual([
    [pageMax, pageMax],
    [pageMax, 0],
  ]);
});

it('leaves 1,000 in a shard and looks no further in this sweep', async () => {
  expect(leftMax).toBe(1_000);
  await due(leftMax, true);
  expect(await sweep()).toEqual({ left: leftMax, woken: leftMax });
  await due(leftMax + 1, true);
  reads = [];
  expect(await sweep()).toEqual({ left: leftMax, woken: leftMax });
  expect(reads.at(-1)).toEqual([leftMax, leftMax]);
});
