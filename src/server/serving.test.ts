import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { rejected } from '#actors/kernel/effects.ts';
import type { AnswerBody } from '#actors/kernel/messages.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { type Served, Serving, serveNothing, servingLimits } from './serving.ts';

const { REJECTION_BUSY, REJECTION_UNAVAILABLE, REJECTION_UNSUPPORTED } = Rejection;
const done: AnswerBody = { $case: 'done', value: {} };
const asked = (user: string): Served => ({ user, device: 1, body: { $case: 'checkBackup', value: {} } });

/** A part that answers when the test says so. */
function slow(limits: Partial<typeof servingLimits> = {}) {
  const ends: PromiseWithResolvers<AnswerBody>[] = [];
  const failures: unknown[] = [];
  const answers: (Rejection | string)[] = [];
  const serve = () => {
    ends.push(Promise.withResolvers());
    return ends.at(-1)!.promise;
  };
  const serving = new Serving({ serve, failed: (error) => failures.push(error), limits });
  const begin = (user: string) =>
    serving.begin(asked(user), (body) => answers.push(body.$case === 'rejected' ? body.value.code : body.$case));
  return { serving, ends, failures, answers, begin };
}

const settled = () => vi.advanceTimersByTimeAsync(0);
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('what is served', () => {
  it('is answered once, as the part that serves it says', async () => {
    const { serving, ends, answers, begin } = slow();
    begin('@a:lux');
    expect([answers, serving.size]).toEqual([[], 1]);
    ends[0]?.resolve(done);
    await settled();
    expect([answers, serving.size]).toEqual([['done'], 0]);
    await vi.advanceTimersByTimeAsync(servingLimits.timeoutMs);
    expect(answers).toEqual(['done']);
  });

  it('is answered UNAVAILABLE where it fails, and that is told', async () => {
    const { ends, answers, failures, begin } = slow();
    begin('@a:lux');
    ends[0]?.reject(new Error('no store'));
    await settled();
    expect([answers, failures.length]).toEqual([[REJECTION_UNAVAILABLE], 1]);
  });

  it('tells of one failure a second', async () => {
    const { ends, answers, failures, begin } = slow();
    const fail = async () => {
      begin('@a:lux');
      ends.at(-1)?.reject(new Error('no store'));
      await settled();
    };
    for (const ms of [0, 999, 1]) {
      await vi.advanceTimersByTimeAsync(ms);
      await fail();
    }
    expect([answers.length, failures.length]).toEqual([3, 2]);
  });

  it('is answered UNAVAILABLE after the time-out and never again, and keeps its place until it ends', async () => {
    const { serving, ends, answers, begin } = slow({ timeoutMs: 10 });
    begin('@a:lux');
    await vi.advanceTimersByTimeAsync(9);
    expect(answers).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect([answers, serving.size]).toEqual([[REJECTION_UNAVAILABLE], 1]);
    ends[0]?.resolve(done);
    await settled();
    expect([answers, serving.size]).toEqual([[REJECTION_UNAVAILABLE], 0]);
  });

  it('is bounded in all, and of one user', async () => {
    const { serving, ends, answers, begin } = slow({ inFlightMax: 3, userInFlightMax: 2 });
    for (const user of ['@a:lux', '@a:lux', '@a:lux']) begin(user);
    expect([answers.splice(0), serving.size]).toEqual([[REJECTION_BUSY], 2]);
    for (const user of ['@b:lux', '@b:lux']) begin(user);
    expect([answers.splice(0), serving.size]).toEqual([[REJECTION_BUSY], 3]);
    ends[0]?.resolve(done);
    await settled();
    begin('@a:lux');
    expect([answers, serving.size]).toEqual([['done'], 3]);
  });

  it('is nothing where a node has no such part', async () => {
    expect(await serveNothing(asked('@a:lux'))).toEqual(rejected(REJECTION_UNSUPPORTED));
  });
});
