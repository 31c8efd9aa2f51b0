// Heads of logs that nobody has open, read off the store as their actors left them.
import { beforeEach, expect, it } from 'vitest';
import { bytes } from './contract-owner.ts';
import { peekHeads } from './heads.ts';
import { RunnerStage } from './testing/runner-stage.ts';

let stage: RunnerStage;
beforeEach(async () => {
  stage = await RunnerStage.start();
});

it('tells the heads of logs that are asleep and covered, and no others', async () => {
  for (const log of ['room/!clean', 'room/!crashed', 'room/!behind']) {
    await stage.open(log);
    stage.append(log, 1, 1, 'x');
    await stage.settle();
  }
  await stage.close('room/!clean', 1, 1);
  await stage.close('room/!behind', 1, 1);
  await stage.open('room/!behind', 2);
  stage.append('room/!behind', 2, 2, 'y');
  await stage.settle();
  const heads = await peekHeads(stage.store, ['room/!clean', 'room/!crashed', 'room/!behind', 'room/!none'], 'summary');
  expect([...heads]).toEqual([['room/!clean', { nextSeq: 2, value: bytes('head 1') }]]);
});
