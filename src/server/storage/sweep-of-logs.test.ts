// What a sweep does to logs that a runner wrote: it wakes who has something left to do, and forgets what is done.
import { beforeEach, expect, it } from 'vitest';
import { coveredKey, encodeCovered, nothingCovered } from '#actors/log/covered.ts';
import type { Log } from '#actors/log/log.ts';
import { shardOf } from '#actors/log/shards.ts';
import { bytes, yearMs } from './contract-owner.ts';
import { sweepDue } from './sweep.ts';
import { RunnerStage } from './testing/runner-stage.ts';

let stage: RunnerStage;
let woken: string[];
beforeEach(async () => {
  stage = await RunnerStage.start();
  woken = [];
});

function sweep(get: (log: string) => Log | undefined = (log) => stage.runner.get(log)): Promise<number> {
  return sweepDue({ store: stage.store, get, now: stage.now, wake: (log) => woken.push(log) });
}

it('wakes who has something left to do from a minute on, until that is done, and then forgets it', async () => {
  await stage.open('room/!a');
  const rows = [bytes('x'), bytes('y')].map((each) => ({
    bytes: each,
    acceptedMs: stage.now,
    expiresMs: stage.now + yearMs,
  }));
  // Gathered with a row that brings nothing to do.
  stage.runner.command('room/!a', 1, { kind: 'append', fromSeq: 1, rows: rows.slice(0, 1), restless: true });
  stage.runner.command('room/!a', 1, { kind: 'append', fromSeq: 2, rows: rows.slice(1) });
  await stage.settle();
  stage.runner.forget('room/!a', 1);
  expect(await sweep()).toBe(0);
  stage.now += 60_000;
  expect([await sweep(), await sweep(), woken]).toEqual([1, 1, ['room/!a', 'room/!a']]);
  await stage.open('room/!a', 2);
  stage.store.calls = [];
  expect([await sweep(), woken.length, stage.store.calls]).toEqual([1, 2, []]);
  await stage.close('room/!a', 2, 2);
  expect(await sweep()).toBe(0);
  expect(await stage.store.readDue(shardOf('room/!a'), stage.now, 9)).toEqual([]);
});

it('wakes logs that are due and forgets those that are sealed and covered', async () => {
  for (const log of ['room/!asleep', 'room/!awake']) {
    await stage.open(log);
    stage.append(log, 1, 1, 'x');
    await stage.settle();
  }
  await stage.close('room/!asleep', 1, 1);
  expect(await sweep()).toBe(0);
  stage.now += 7 * 24 * 3_600_000;
  expect(await sweep()).toBe(2);
  expect(woken).toEqual(['room/!asleep']);
  expect(stage.kinds('room/!awake').at(-1)).toBe('sealing');
  stage.runner.command('room/!awake', 1, { kind: 'sealed', changes: [] });
  await stage.open('room/!asleep', 2);
  stage.runner.command('room/!asleep', 2, { kind: 'sealed', changes: [] });
  await stage.settle();
  expect(await sweep()).toBe(0);
  for (const log of ['room/!asleep', 'room/!awake'])
    expect(await stage.store.readDue(shardOf(log), stage.now, 9)).toEqual([]);
});

it('comes to what is due behind much that stays', async () => {
  const shard = shardOf('room/!a');
  const logs = Array.from({ length: 20_000 }, (_, n) => `room/!${n}`).filter((log) => shardOf(log) === shard);
  const stays = logs.slice(0, 150);
  for (const log of [...stays, 'room/!a']) {
    await stage.store.writeRows([{ log, segment: 0, rows: [], replace: false, dueMs: log === 'room/!a' ? 2 : 1 }]);
    const covered = encodeCovered({ ...nothingCovered, restless: true });
    await stage.store.writeState([{ log, rows: [{ key: coveredKey, value: covered, segment: 1, seq: 0, sub: 0 }] }]);
  }
  expect(await sweep(() => undefined)).toBe(151);
  expect(woken).toContain('room/!a');
});
