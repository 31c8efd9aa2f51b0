// For tests of the system: actors that all follow one script, and a clock that the test moves.
import type { Rejection } from '#proto/gen/codes.ts';
import { type Address, roomAddress, sessionAddress, userAddress } from '../address.ts';
import type { Effect } from '../effects.ts';
import type { KernelLimits } from '../limits.ts';
import type { Message } from '../messages.ts';
import { samples } from '../samples.ts';
import { System } from '../system.ts';
import type { World, WorldEffect } from '../world.ts';

export const room = roomAddress('!r:lux');
export const session = sessionAddress(7);
export const done = { $case: 'done', value: {} } as const;

export type Script = (message: Message, me: { address: Address; incarnation: number }) => readonly Effect[];

/** A system whose actors all follow one script, with a clock that the test moves. */
export function stage(script: Script, limits: Partial<KernelLimits> = {}) {
  const heard: { to: Address; incarnation: number; message: Message }[] = [];
  const performed: { effect: WorldEffect; from: Address; incarnation: number }[] = [];
  const ended: { from: Address; incarnation: number; error: unknown }[] = [];
  const time = { now: 1_000_000, stopwatch: 0, wakes: 0, idle: true };
  const actor = (address: Address, incarnation: number) => ({
    receive(message: Message) {
      heard.push({ to: address, incarnation, message });
      return script(message, { address, incarnation });
    },
    idle: () => time.idle,
  });
  const world: World = {
    perform: (effect, from, incarnation) => performed.push({ effect, from, incarnation }),
    ended: (from, incarnation, error) => ended.push({ from, incarnation, error }),
    sessionsOf: (_user, device) => (device === undefined ? [7, 8] : [8]),
  };
  const system = new System({
    create: {
      session: (id, incarnation) => actor(sessionAddress(id), incarnation),
      user: (id, incarnation) => actor(userAddress(id), incarnation),
      room: (id, incarnation) => actor(roomAddress(id), incarnation),
    },
    world,
    clock: () => time.now,
    stopwatch: () => time.stopwatch,
    wake: () => time.wakes++,
    limits,
  });
  const kinds = (to: Address) => heard.filter((one) => one.to === to).map(({ message }) => message.kind);
  const answers = () => heard.flatMap(({ message }) => (message.kind === 'answer' ? [message] : []));
  return { system, world, heard, performed, ended, time, kinds, answers };
}

export const fetch = (request: number): Message => ({ ...samples.fetch, from: { ...samples.fetch.from, request } });
export const answerOf = (message: Message): Effect[] =>
  message.kind === 'fetch' ? [{ kind: 'answer', session: 7, request: message.from.request, body: done }] : [];
export const rejectedWith = (request: number, code: number, retryAfterMs: number): Message => ({
  kind: 'answer',
  request,
  body: {
    $case: 'rejected',
    value: { code: code as Rejection, retryAfterMs, control: undefined, manifest: undefined },
  },
});
