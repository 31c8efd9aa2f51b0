// Logs and their actors over a store that fails, and over runners that come and go: who is told what, and what is kept for the next one.
import { beforeEach, expect, it } from 'vitest';
import { shardOf } from '#actors/log/shards.ts';
import { RunnerStage } from './testing/runner-stage.ts';

let stage: RunnerStage;
beforeEach(async () => {
  stage = await RunnerStage.start();
});

it('says nothing of an incarnation that has ended, and lets the next one find its rows', async () => {
  await stage.open('room/!a', 1);
  stage.append('room/!a', 1, 1, 'a');
  stage.flush?.();
  stage.runner.forget('room/!a', 1);
  await stage.open('room/!a', 2);
  expect(stage.answers.map(([, incarnation, { kind }]) => `${incarnation} ${kind}`)).toEqual(['1 opened', '2 opened']);
  stage.append('room/!a', 1, 2, 'late');
  await stage.settle();
  expect(await stage.read('room/!a', 2)).toEqual(['a']);
});

it('drops the old log when a new incarnation opens without a word', async () => {
  await stage.open('room/!a', 1);
  stage.append('room/!a', 1, 1, 'a');
  stage.flush?.();
  await stage.open('room/!a', 2);
  stage.append('room/!a', 2, 2, 'b');
  await stage.settle();
  expect(stage.answers.filter(([, incarnation]) => incarnation === 1)).toHaveLength(1);
  expect(await stage.read('room/!a', 2)).toEqual(['a', 'b']);
  expect(stage.runner.size).toBe(1);
});

it('repeats what failed, waiting longer each time', async () => {
  await stage.open('room/!a');
  stage.store.failures = 3;
  stage.append('room/!a', 1, 1, 'a');
  await stage.settle();
  expect(stage.kinds('room/!a')).toEqual(['opened', 'appended']);
  expect(stage.delays).toEqual([50, 100, 200]);
});

it('tells what the store failed at, once a second at most', async () => {
  const told: unknown[] = [];
  stage.runner = await stage.begin({ failed: (cause) => told.push(cause) });
  await stage.open('room/!a');
  const fail = async (seq: number) => {
    stage.store.failures = 2;
    stage.append('room/!a', 1, seq, 'a');
    await stage.settle();
    return told.length;
  };
  expect(await fail(1)).toBe(1);
  stage.now += 999;
  expect(await fail(2)).toBe(1);
  stage.now += 1;
  expect(await fail(3)).toBe(2);
  expect(told[0]).toEqual(new Error('nothing heard'));
});

it('gives up a log after six failures, and is healthy again after the next answer', async () => {
  await stage.open('room/!a');
  stage.store.failures = 6;
  stage.append('room/!a', 1, 1, 'a');
  await stage.settle();
  expect(stage.answers.at(-1)?.[2]).toEqual({ kind: 'failed', code: 'UNAVAILABLE' });
  expect(stage.runner.size).toBe(0);
  await stage.open('room/!a', 2);
  expect(stage.runner.healthy()).toBe(true);
});

it('is not healthy while its fence can’t be read', async () => {
  const held: (() => void)[] = [];
  stage.runner = await stage.begin({ later: (run) => held.push(run) });
  await stage.open('room/!a');
  stage.store.fenceFails = true;
  stage.append('room/!a', 1, 1, 'a');
  await stage.settle();
  expect([stage.runner.healthy(), stage.kinds('room/!a')]).toEqual([false, ['opened']]);
  stage.store.fenceFails = false;
  for (const run of held) run();
  await stage.settle();
  expect([stage.runner.healthy(), stage.kinds('room/!a')]).toEqual([true, ['opened', 'appended']]);
});

it('tells once that the generation was fenced, and acks nothing more', async () => {
  let fenced = 0;
  stage.runner = await stage.begin({ fenced: () => fenced++ });
  await stage.open('room/!a');
  await stage.open('room/!b');
  const successor = await stage.begin();
  stage.append('room/!a', 1, 1, 'a');
  stage.append('room/!b', 1, 1, 'b');
  await stage.settle();
  expect(stage.answers.slice(-2).map(([, , answer]) => answer)).toEqual([
    { kind: 'failed', code: 'FENCED' },
    { kind: 'failed', code: 'FENCED' },
  ]);
  expect([fenced, stage.runner.healthy(), successor.healthy()]).toEqual([1, false, true]);
});

it('answers that it was stopped', async () => {
  await stage.open('room/!a');
  stage.append('room/!a', 1, 1, 'a');
  stage.flush?.();
  await stage.runner.stop();
  const before = stage.answers.length;
  stage.runner.command('room/!a', 2, { kind: 'open', create: true });
  await stage.settle();
  expect(stage.answers.slice(before)).toEqual([['room/!a', 2, { kind: 'failed', code: 'UNAVAILABLE' }]]);
});

it('reports an actor that breaks the contract', async () => {
  const reasons: string[] = [];
  stage.runner = await stage.begin({ broken: (reason) => reasons.push(reason) });
  await stage.open('room/!a');
  stage.append('room/!a', 1, 7, 'a');
  stage.flush?.();
  expect(reasons).toEqual(['append out of order']);
  expect(stage.runner.size).toBe(0);
});

it('remembers clean closes up to n logs, and forgets the oldest at n + 1', async () => {
  stage.runner = await stage.begin({ stubsMax: 2 });
  for (const log of ['room/!a', 'room/!b', 'room/!c']) {
    await stage.open(log);
    stage.append(log, 1, 1, 'x');
    await stage.settle();
    await stage.close(log, 1, 1);
  }
  const versions = async () =>
    Promise.all(['a', 'b', 'c'].map(async (each) => (await stage.store.readMeta(`room/!${each}`))?.version));
  for (const log of ['room/!a', 'room/!b', 'room/!c']) await stage.open(log, 2);
  expect(await versions()).toEqual([2, 1, 1]);
});

// Its story: the other node's change of the meta came when this one was writing again, by its stub, and sealed the segment beneath it: what it acked
// was gone for the next owner.
it('opens a new segment where its shard was elsewhere meanwhile: rule 14', async () => {
  const log = 'room/!a';
  await stage.open(log);
  stage.append(log, 1, 1, 'x');
  await stage.settle();
  await stage.close(log, 1, 1);
  const home = stage.runner;
  stage.store.lateMetas = [];
  stage.runner = await stage.begin({ generation: await stage.store.createGeneration('other') });
  await stage.open(log);
  expect(stage.kinds(log).at(-1)).toBe('failed');
  const [late] = stage.store.lateMetas;
  stage.store.lateMetas = null;
  stage.runner = home;
  stage.runner.forgetStubs(new Set([shardOf(log)]));
  await stage.open(log, 2);
  expect(await late?.()).toBe(false);
  stage.append(log, 2, 2, 'y');
  await stage.settle();
  expect(stage.answers.at(-1)?.[2]).toEqual({ kind: 'appended', throughSeq: 2 });
  stage.runner = await stage.begin();
  await stage.open(log);
  expect(await stage.read(log, 1)).toEqual(['x', 'y']);
});
