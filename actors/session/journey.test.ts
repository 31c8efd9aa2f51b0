import { describe, expect, it } from 'vitest';
import { roomAddress, sessionAddress } from '#actors/kernel/address.ts';
import { Audiences } from '#actors/kernel/audience.ts';
import { rejected } from '#actors/kernel/effects.ts';
import type { AnswerBody, RoomMessage, UserMessage } from '#actors/kernel/messages.ts';
import { System } from '#actors/kernel/system.ts';
import { ServerFrame } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { DeviceBuckets } from './bucket.ts';
import { defaultRates, defaultSessionLimits } from './limits.ts';
import { Session } from './session.ts';
import { ann, bytesOf, hello, manifest, room, submit, welcome } from './stage.ts';

/** A node in miniature: real kernel, real sessions and audiences; a user actor and a room that follow the test. */
function node(answer: (message: RoomMessage) => AnswerBody) {
  const audiences = new Audiences();
  const pushed: [session: number, request: number, code: string | number][] = [];
  const closed: number[] = [];
  const user = (message: UserMessage) => {
    if (message.kind === 'timer') return [{ kind: 'stop' } as const];
    if (message.kind !== 'hello') return [];
    const to = sessionAddress(message.session);
    return [
      {
        kind: 'send',
        to,
        message: {
          kind: 'welcomed',
          body: welcome,
          mayWrite: true,
          manifest,
          mayEnter: true,
          consent: { hidden: [], inviteFromMs: 0 },
        },
      } as const,
    ];
  };
  const shared = { buckets: new DeviceBuckets(() => defaultRates), limits: defaultSessionLimits };
  const system: System = new System({
    create: {
      session: (session) => new Session(session, shared),
      user: () => ({ receive: user, idle: () => true }),
      room: () => ({
        receive: (message) => {
          if (message.kind !== 'submit') return [];
          const { session, request } = message.from;
          return [{ kind: 'answer', session, request, body: answer(message) }];
        },
        idle: () => true,
      }),
    },
    world: {
      perform(effect, from, incarnation) {
        if (effect.kind === 'checkToken') {
          const identity = { user: ann, device: effect.session, deviceId: 'AB', deviceName: 'phone' };
          audiences.enter(effect.session, identity.user, identity.device);
          system.tellFrom(from, incarnation, { kind: 'tokenChecked', identity });
        } else if (effect.kind === 'push') {
          const { request, body } = ServerFrame.decode(effect.frame);
          const code = body?.$case === 'rejected' ? body.value.code : (body?.$case ?? '');
          pushed.push([effect.session, request, code]);
        } else if (effect.kind === 'disconnect') {
          closed.push(effect.session);
          audiences.close(effect.session);
          system.tell(sessionAddress(effect.session), { kind: 'closed' });
        }
      },
      ended: () => {},
      sessionsOf: (of, device) => audiences.sessionsOf(of, device),
    },
    clock: () => 1_000_000,
  });
  const open = (session: number) => {
    system.tell(sessionAddress(session), { kind: 'opened' });
    system.tell(sessionAddress(session), { kind: 'frames', frames: [bytesOf(1, hello)] });
    while (system.run());
  };
  const send = (session: number, ...requests: number[]) => {
    const frames = requests.map((request) => bytesOf(request, submit));
    system.tell(sessionAddress(session), { kind: 'frames', frames });
    while (system.run());
  };
  return { system, pushed, closed, open, send };
}

describe('a request on its way through the actors', () => {
  it('comes back to the session that asked, in order', () => {
    const { pushed, open, send } = node(() => welcome);
    open(1);
    open(2);
    send(2, 7, 8);
    send(1, 7);
    expect(pushed.slice(2)).toEqual([
      [2, 7, 'done'],
      [2, 8, 'done'],
      [1, 7, 'done'],
    ]);
  });

  it('is answered UNAVAILABLE when its room crashes, and the window is free again', () => {
    const { pushed, open, send, system } = node(() => {
      throw new Error('bug');
    });
    open(1);
    for (let round = 0; round < 3; round++) send(1, ...Array.from({ length: 20 }, (_, n) => n + 2));
    const codes = pushed.slice(1).map(([, , code]) => code);
    expect(codes).toHaveLength(60);
    expect(new Set(codes)).toEqual(new Set([Rejection.REJECTION_UNAVAILABLE]));
    expect(system.counters.get('kernel.quarantined')).toBe(1);
    send(1, 100);
    expect(pushed.at(-1)?.[1]).toBe(100);
  });

  it('goes on while the user actor is away from memory', () => {
    const { system, pushed, open, send } = node(() => rejected(Rejection.REJECTION_FORBIDDEN));
    open(1);
    system.drain();
    while (system.run());
    send(1, 2);
    expect(pushed.at(-1)).toEqual([1, 2, Rejection.REJECTION_FORBIDDEN]);
  });

  it('leaves nothing behind once the socket is gone', () => {
    const { system, closed, open } = node(() => welcome);
    open(1);
    system.tell(sessionAddress(1), { kind: 'frames', frames: [new Uint8Array([255])] });
    system.tell(roomAddress(room), { kind: 'summarise', token: 1, user: ann });
    while (system.run());
    expect(closed).toEqual([1]);
    system.drain();
    system.tell(sessionAddress(1), { kind: 'answer', request: 2, body: welcome });
    while (system.run());
    expect(system.counters.get('kernel.late')).toBe(1);
    expect(system.size - system.active).toBe(0);
  });
});
