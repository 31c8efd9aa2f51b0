// Every limit and rate of a session at n and at n + 1. One without a case does not compile, and fails.
import { describe, expect, it } from 'vitest';
import { roomAddress } from '#actors/kernel/address.ts';
import type { AnswerBody, RequestBody } from '#actors/kernel/messages.ts';
import { ServerFrame } from '#proto/gen/client.ts';
import { Disconnect, Rejection } from '#proto/gen/codes.ts';
import { Bucket } from './bucket.ts';
import { botRates, defaultRates, defaultSessionLimits, type Rate, retryAfterMs, type SessionLimits } from './limits.ts';
import { listDevices, rejection, room, type SeenEffect, Stage } from './stage.ts';

const { DISCONNECT_HELLO_TIMEOUT, DISCONNECT_FLOODING } = Disconnect;
const ending = (effects: readonly SeenEffect[]) =>
  effects.flatMap((effect) => (effect.kind === 'disconnect' ? [[effect.code, effect.retryAfterMs]] : []));
/** A frame that a session turns down. */
const wrong: RequestBody = {
  $case: 'fetchRecords',
  value: { room: '', fromSeq: 0, throughSeq: 0, limit: 0, newestFirst: false },
};

const limits: { readonly [Key in keyof SessionLimits]: () => void } = {
  helloTimeoutMs() {
    const stage = new Stage({ limits: { helloTimeoutMs: 5 } });
    expect(stage.tell({ kind: 'opened' })).toEqual([{ kind: 'startTimer', name: 'hello', delayMs: 5 }]);
    const late = stage.tell({ kind: 'timer', name: 'hello' });
    expect(ending(late)).toEqual([[DISCONNECT_HELLO_TIMEOUT, retryAfterMs.helloTimeout]]);
  },
  requestsMax() {
    const stage = new Stage({ limits: { requestsMax: 2 } }).live();
    const ask = (request: number) => stage.send(request, listDevices)[0];
    expect([ask(2), ask(3)]).toMatchObject([{ kind: 'send' }, { kind: 'send' }]);
    expect(ask(4)).toEqual(rejection(4, Rejection.REJECTION_LIMIT_REACHED));
  },
  subscribeTimeoutMs() {
    const stage = new Stage({ limits: { subscribeTimeoutMs: 5 } }).live();
    const effects = stage.send(2, { $case: 'subscribe', value: { rooms: [room] } });
    expect(effects).toMatchObject([{ to: roomAddress(room) }, { kind: 'startTimer', delayMs: 5 }]);
    expect(stage.tell({ kind: 'timer', name: 'subscribe/1' })).toMatchObject([
      { body: { value: { deferred: [room] } } },
    ]);
  },
  turnedDownMax() {
    const stage = new Stage({ limits: { turnedDownMax: 3 } }).live();
    for (let n = 1; n <= 3; n++) expect(ending(stage.send(n, wrong))).toEqual([]);
    expect(ending(stage.send(4, wrong))).toEqual([[DISCONNECT_FLOODING, retryAfterMs.flooding]]);
  },
  turnedDownWindowMs() {
    for (const [ms, codes] of [
      [9, [[DISCONNECT_FLOODING, retryAfterMs.flooding]]],
      [10, []],
    ] as const) {
      const stage = new Stage({ limits: { turnedDownMax: 1, turnedDownWindowMs: 10 } }).live();
      stage.send(2, wrong);
      stage.now += ms;
      expect(ending(stage.send(3, wrong))).toEqual(codes);
    }
  },
  answerBytesMax() {
    const body: AnswerBody = { $case: 'keyCounts', value: { oneTimeKeys: 0, unusedFallback: ['x'.repeat(80)] } };
    const bytes = ServerFrame.encode({ request: 2, body }).finish().length;
    const answered = (answerBytesMax: number) => {
      const stage = new Stage({ limits: { answerBytesMax } }).live();
      stage.send(2, listDevices);
      return stage.tell({ kind: 'answer', request: 2, body });
    };
    expect(answered(bytes)).toMatchObject([{ request: 2, body: { $case: 'keyCounts' } }]);
    expect(answered(bytes - 1)).toEqual([rejection(2, Rejection.REJECTION_TOO_LARGE)]);
  },
};

describe('a limit of a session holds at n and at n + 1', () => {
  it.each(Object.entries(limits))('%s', (_, holds) => holds());

  it('each of them', () => {
    expect(Object.keys(limits).sort()).toEqual(Object.keys(defaultSessionLimits).sort());
  });

  it.each(
    Object.entries({ people: defaultRates, bots: botRates }).flatMap(([whose, rates]) =>
      Object.entries(rates).map(([name, rate]) => [name, whose, rate as Rate] as const),
    ),
  )('the rate %s of %s', (_, _whose, rate) => {
    const bucket = new Bucket(rate, 0);
    for (let n = 0; n < rate.burst; n++) expect(bucket.take(0)).toBe(0);
    const waitMs = bucket.take(0);
    expect(waitMs).toBe(Math.ceil(1000 / rate.perSecond));
    expect(bucket.take(waitMs - 1)).toBeGreaterThan(0);
    expect(bucket.take(waitMs)).toBe(0);
    expect(bucket.take(waitMs)).toBeGreaterThan(0);
  });
});
