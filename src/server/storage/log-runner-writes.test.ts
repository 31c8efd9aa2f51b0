// How many calls the rows of many logs cost: gathered, cut at limits, so many under way, and acknowledged by reads of the fence that came later.
import { beforeEach, expect, it } from 'vitest';
import { writeLimits } from '#actors/ports/log-store.ts';
import { RunnerStage } from './testing/runner-stage.ts';

let stage: RunnerStage;
beforeEach(async () => {
  stage = await RunnerStage.start();
});

it('writes the rows of one turn in one call and covers them with one fence read', async () => {
  const logs = Array.from({ length: 40 }, (_, i) => `room/!${i}`);
  for (const log of logs) stage.runner.command(log, 1, { kind: 'open', create: true });
  await stage.settle();
  stage.store.calls = [];
  for (const log of logs) stage.append(log, 1, 1, 'a');
  for (const log of logs) stage.append(log, 1, 2, 'b');
  await stage.settle();
  expect(stage.store.calls).toEqual(['writeRows 40', 'readFence']);
  for (const log of logs) expect(stage.kinds(log)).toEqual(['opened', 'appended']);
});

it('gathers what an actor appends while the store is busy, and keeps the order of its commands', async () => {
  await stage.open('room/!a');
  stage.append('room/!a', 1, 1, 'a');
  stage.append('room/!a', 1, 2, 'b');
  stage.runner.command('room/!a', 1, { kind: 'save', token: 9, changes: [] });
  stage.append('room/!a', 1, 3, 'c', 'd');
  stage.append('room/!a', 1, 5, 'e');
  stage.store.calls = [];
  await stage.settle();
  // What came before the save went to the log with it.
  expect(stage.store.calls.filter((call) => call.startsWith('writeRows'))).toEqual(['writeRows 2']);
  expect(stage.answers.at(-1)?.[2]).toEqual({ kind: 'appended', throughSeq: 5 });
  expect(await stage.read('room/!a', 1)).toEqual(['a', 'b', 'c', 'd', 'e']);
});

it('gathers 256 rows of a log, and not one more', async () => {
  await stage.open('room/!a');
  stage.store.calls = [];
  for (let seq = 1; seq <= 256; seq++) stage.append('room/!a', 1, seq, '');
  await stage.settle();
  expect(stage.store.calls.filter((call) => call.startsWith('writeRows'))).toEqual(['writeRows 1']);
  stage.store.calls = [];
  for (let seq = 257; seq <= 513; seq++) stage.append('room/!a', 1, seq, '');
  await stage.settle();
  expect(stage.store.calls.filter((call) => call.startsWith('writeRows'))).toEqual(['writeRows 2']);
  expect(stage.answers.at(-1)?.[2]).toEqual({ kind: 'appended', throughSeq: 513 });
});

it.each([2, 5])('has %i calls for rows under way where its store says so, and not one more', async (callsMax) => {
  stage.store.writeCallsMax = callsMax;
  stage.runner = await stage.begin();
  const logs = Array.from({ length: callsMax + 3 }, (_, n) => `room/!${n}`);
  for (const log of logs) await stage.open(log);
  const held = Promise.withResolvers<void>();
  stage.store.held = held.promise;
  stage.store.calls = [];
  const calls = () => stage.store.calls.filter((call) => call !== 'readFence');
  for (const log of logs) {
    stage.append(log, 1, 1, 'a');
    await stage.settle();
  }
  expect(calls()).toEqual(new Array(callsMax).fill('writeRows 1'));
  held.resolve();
  await stage.settle();
  expect(calls()).toEqual([...new Array(callsMax).fill('writeRows 1'), 'writeRows 3']);
  for (const log of logs) expect(await stage.read(log, 1)).toEqual(['a']);
});

it('acks what is written beside a log that hangs, after a read of the fence that came later, and never the other', async () => {
  stage.runner = await stage.begin({ later: () => {} });
  await stage.open('room/!hangs');
  await stage.open('room/!a');
  stage.store.hanging.add('room/!hangs');
  stage.store.calls = [];
  stage.append('room/!hangs', 1, 1, 'x');
  stage.append('room/!a', 1, 1, 'a');
  await stage.settle();
  expect(stage.store.calls).toEqual(['writeRows 2', 'readFence']);
  expect([stage.kinds('room/!a'), stage.kinds('room/!hangs')]).toEqual([['opened', 'appended'], ['opened']]);
  // Written, but the fence can't be read any more: no ack on the strength of the earlier read.
  stage.store.fenceFails = true;
  stage.append('room/!a', 1, 2, 'b');
  await stage.settle();
  expect(stage.kinds('room/!a')).toEqual(['opened', 'appended']);
});

it('cuts a call at its limit of rows, and not one row below', async () => {
  await stage.open('room/!a');
  await stage.open('room/!b');
  stage.store.calls = [];
  const half = new Array<string>(writeLimits.rows / 2).fill('');
  stage.append('room/!a', 1, 1, ...half);
  stage.append('room/!b', 1, 1, ...half);
  await stage.settle();
  expect(stage.store.calls.filter((call) => call !== 'readFence')).toEqual(['writeRows 2']);
  stage.store.calls = [];
  stage.append('room/!a', 1, half.length + 1, ...half);
  stage.append('room/!b', 1, half.length + 1, ...half, '');
  await stage.settle();
  expect(stage.store.calls.filter((call) => call !== 'readFence')).toEqual(['writeRows 1', 'writeRows 1']);
});
