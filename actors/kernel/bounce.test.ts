import { describe, expect, it } from 'vitest';
import { Disconnect, Rejection } from '#proto/gen/codes.ts';
import { roomAddress, sessionAddress, userAddress } from './address.ts';
import { Asks } from './asks.ts';
import { bounce } from './bounce.ts';
import type { Effect } from './effects.ts';
import { laneOf, wakes, weigh } from './message-kinds.ts';
import type { Message } from './messages.ts';
import { samples } from './samples.ts';

const busy = { code: Rejection.REJECTION_BUSY, retryAfterMs: 500 } as const;
const bob = userAddress('@bob:lux');
const ann = userAddress('@ann:lux');
const room = roomAddress('!r:lux');

const rejection: Effect = {
  kind: 'answer',
  session: 7,
  request: 3,
  body: { $case: 'rejected', value: { ...busy, control: undefined, manifest: undefined } },
};
const toBob = (message: Message): Effect => ({ kind: 'send', to: bob, message });

/** What must come out for each kind that is not dropped. */
const negative: Partial<Record<Message['kind'], readonly [ReturnType<typeof roomAddress>, readonly Effect[]]>> = {
  frames: [
    sessionAddress(7),
    [{ kind: 'disconnect', session: 7, code: Disconnect.DISCONNECT_BUSY, retryAfterMs: 500 }],
  ],
  hello: [ann, [{ kind: 'disconnect', session: 7, code: Disconnect.DISCONNECT_BUSY, retryAfterMs: 500 }]],
  request: [ann, [rejection]],
  submit: [room, [rejection]],
  fetch: [room, [rejection]],
  putReceipt: [room, [rejection]],
  readRoom: [room, [rejection]],
  subscribe: [room, [toBob({ kind: 'subscribedPart', token: 5, room: '!r:lux', entry: null, busy: true })]],
  deposit: [
    ann,
    [
      toBob({
        kind: 'deposited',
        token: 5,
        user: '@ann:lux',
        undelivered: [
          { index: 4, ...busy },
          { index: 9, ...busy },
        ],
      }),
    ],
  ],
  claim: [ann, [toBob({ kind: 'claimed', token: 5, user: '@ann:lux', keys: [], busy: true })]],
  readKeys: [ann, [toBob({ kind: 'keysRead', token: 5, user: '@ann:lux', keys: null, busy: true })]],
  authorise: [room, [toBob({ kind: 'authorised', token: 5, allowed: [], invited: [], busy: true })]],
  summarise: [room, [{ kind: 'summarised', user: '@bob:lux', token: 5, summary: null }]],
};

/** Work that may be dropped: the list of bounce.ts. */
const droppable = ['standing', 'manifestMoved', 'identityMoved', 'ephemeral', 'newcomer', 'invited'];

describe('a message that can not be taken', () => {
  it.each(Object.values(samples))('$kind gets its negative answer, or may be dropped', (message: Message) => {
    const expected = negative[message.kind];
    if (expected === undefined) expect(bounce(room, message, busy)).toEqual([]);
    else expect(bounce(expected[0], message, busy)).toEqual(expected[1]);
  });

  it('is never work that gets no answer, but for the kinds that say so', () => {
    const work = Object.values(samples).filter((message) => laneOf(message) === 'work');
    expect(work.map(({ kind }) => kind).sort()).toEqual([...Object.keys(negative), ...droppable].sort());
  });

  it('settles the ask that the actor would have owed', () => {
    for (const message of Object.values(samples)) {
      if (message.kind === 'frames') continue;
      const asks = new Asks();
      asks.note(message);
      expect(asks.open).toBe(negative[message.kind] === undefined ? 0 : 1);
      for (const effect of bounce(negative[message.kind]?.[0] ?? room, message, busy)) asks.settle(effect);
      expect(asks.open).toBe(0);
    }
  });
});

describe('a kind of message', () => {
  it('never wakes an actor when it is an answer', () => {
    const waking = Object.values(samples).filter((message) => laneOf(message) === 'control' && wakes(message));
    expect(waking.map(({ kind }) => kind).sort()).toEqual(['deviceRevoked', 'opened']);
  });

  it('weighs what it carries', () => {
    expect(weigh(samples.frames)).toBe(128 + 30);
    expect(weigh(samples.deposit)).toBe(128 + 2 * 228);
    expect(weigh(samples.claim)).toBe(256);
    expect(weigh(samples.authorise)).toBe(256);
    expect(weigh(samples.closed)).toBe(128);
  });
});
