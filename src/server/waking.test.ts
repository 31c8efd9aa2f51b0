// How often a sweep wakes an actor whose log fails whenever it is opened, on a virtual clock with a sweep a minute.
import { describe, expect, it } from 'vitest';
import { coveredKey, encodeCovered, nothingCovered } from '#actors/log/covered.ts';
import { wakeLater } from '#actors/log/due.ts';
import { InMemoryStore } from './storage/memory/store.ts';
import { sweepDue } from './storage/sweep.ts';
import { Waking, wakingLimits } from './waking.ts';

const log = 'user/@alice:localhost';
const minuteMs = 60_000;

/** A restless log, swept every minute; `minutes` at which it was woken, before each of which it did nothing. */
async function restless() {
  let now = 0;
  const store = new InMemoryStore(() => now);
  const waking = new Waking();
  const minutes: number[] = [];
  let sub = 0;
  const say = (restless: boolean) => {
    const value = encodeCovered({ ...nothingCovered, restless });
    return store.writeState([{ log, rows: [{ key: coveredKey, value, segment: 1, seq: 1, sub: sub++ }] }]);
  };
  const wake = (name: string) => {
    if (waking.mayWake(name, now)) minutes.push(now / minuteMs);
  };
  const pass = async (sweeps: number) => {
    for (; sweeps > 0; sweeps--) {
      now += minuteMs;
      await sweepDue({ store, get: () => undefined, now, wake });
      waking.swept();
    }
  };
  await say(true);
  await store.writeRows([wakeLater(log, now)]);
  return { waking, minutes, pass, settle: () => say(false), again: () => say(true), store, now: () => now };
}

describe('the sweep of restless actors', () => {
  it('wakes one whose log keeps failing after twice as long each time, up to an hour', async () => {
    const { minutes, pass } = await restless();
    await pass(250);
    expect(minutes).toEqual([1, 2, 4, 8, 16, 32, 64, 124, 184, 244]);
    expect(wakingLimits).toEqual({ retryMs: minuteMs, retryMaxMs: 60 * minuteMs });
  });

  it('begins anew once the log was well', async () => {
    const { waking, minutes, pass } = await restless();
    await pass(20);
    waking.worked(log);
    await pass(4);
    expect(minutes).toEqual([1, 2, 4, 8, 16, 21, 22, 24]);
  });

  it('forgets what has settled, and keeps others waiting', async () => {
    const { waking, minutes, pass, settle, again, store, now } = await restless();
    await pass(5);
    waking.mayWake('room/!other', now());
    expect(waking.size).toBe(2);
    await settle();
    await pass(1);
    expect(waking.size).toBe(1);
    await pass(1);
    expect(waking.size).toBe(0);
    await again();
    await store.writeRows([wakeLater(log, now())]);
    await pass(2);
    expect(minutes).toEqual([1, 2, 4, 8, 9]);
  });
});
