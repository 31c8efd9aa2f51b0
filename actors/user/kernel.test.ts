// User actors in the real kernel: every ask is answered, so that nobody waits and nothing keeps an idle actor in memory.
import { expect, it } from 'vitest';
import { testPrimitives } from '#proto/golden/cast.ts';
import { utf8Bytes } from '#proto/rules/bytes/bytes.ts';
import type { Actor } from '../kernel/actor.ts';
import { type Address, parseAddress, sessionAddress, userAddress } from '../kernel/address.ts';
import type { Message, RoomMessage, SessionMessage, UserRequest } from '../kernel/messages.ts';
import { type ActorFactories, System } from '../kernel/system.ts';
import type { WorldEffect } from '../kernel/world.ts';
import { MemoryLog, settingsWith } from './testing/street.ts';
import { UserActor } from './user.ts';

const alice = '@alice:example.org';
const bob = '@bob:example.org';
const room = `!g${'a'.repeat(32)}:example.org`;

function town() {
  let now = 1_800_000_000_000;
  const logs = new Map<Address, MemoryLog>();
  const heard: Message[] = [];
  const ended: unknown[] = [];
  const session: Actor<SessionMessage> = {
    receive: (message) => {
      heard.push(message);
      return [];
    },
    idle: () => true,
  };
  const hub: Actor<RoomMessage> = {
    receive: (message) => {
      if (message.kind !== 'authorise') return [];
      const { token, users, replyTo } = message;
      return [{ kind: 'send', to: replyTo, message: { kind: 'authorised', token, allowed: users, invited: [] } }];
    },
    idle: () => true,
  };
  const create: ActorFactories = {
    session: () => session,
    user: (user, incarnation) => new UserActor(user, incarnation, settingsWith(testPrimitives)) as Actor<never>,
    room: () => hub,
  };
  const system: System = new System({
    create,
    clock: () => now,
    world: {
      perform(effect: WorldEffect, from: Address, incarnation: number): void {
        if (effect.kind !== 'log') return;
        const log = logs.get(from) ?? new MemoryLog();
        logs.set(from, log);
        const answer = log.perform(effect.command);
        if (answer !== null) system.tellFrom(from, incarnation, { kind: 'log', answer });
      },
      ended: (from, _incarnation, error) => {
        if (parseAddress(from).kind === 'user') ended.push(error);
      },
      sessionsOf: () => [],
    },
  });
  const run = () => {
    while (system.run());
  };
  const ask = (user: string, request: number, body: UserRequest) => {
    system.tell(userAddress(user), {
      kind: 'request',
      from: { session: 1, request, user, device: 1, mayEnter: true, mayInvite: true },
      body,
    });
    run();
    return heard.findLast((message) => message.kind === 'answer' && message.request === request);
  };
  const hello = (user: string) => {
    system.tell(sessionAddress(1), { kind: 'opened' });
    system.tell(userAddress(user), { kind: 'hello', session: 1, device: 1, deviceId: 'A', deviceName: 'phone' });
    run();
  };
  const wait = (ms: number) => {
    for (const end = now + ms; now < end; now += 1000) run();
  };
  return { system, heard, ended, ask, hello, wait, logs };
}

it('answers everything, sleeps after half a minute, and comes back', () => {
  const { system, heard, ended, ask, hello, wait, logs } = town();
  hello(alice);
  hello(bob);
  expect(heard.filter(({ kind }) => kind === 'welcomed')).toHaveLength(2);
  const message = { user: bob, device: 1, type: 't', content: utf8Bytes('c'), id: utf8Bytes('1') };
  const requests: UserRequest[] = [
    { $case: 'sendDeviceMessages', value: { room, messages: [message, { ...message, user: '@ghost:example.org' }] } },
    { $case: 'queryKeys', value: { room, users: [bob, alice, '@ghost:example.org'], manifestsAbove: 0 } },
    { $case: 'claimKeys', value: { room, targets: [{ user: bob, device: 1 }] } },
    { $case: 'listRooms', value: { after: '', room: '' } },
    { $case: 'fetchInbox', value: { after: 0, limit: 0 } },
    { $case: 'ackInbox', value: { through: 1, synced: true } },
    { $case: 'listDevices', value: {} },
    { $case: 'publishManifest', value: { manifest: undefined } },
  ];
  for (const [request, body] of requests.entries()) expect(ask(alice, request + 1, body)).toBeDefined();
  expect(ask(bob, 100, { $case: 'fetchInbox', value: { after: 1, limit: 0 } })).toMatchObject({
    body: { $case: 'inboxPage', value: { entries: [{ body: { $case: 'deviceMessage' } }] } },
  });
  wait(120_000);
  expect(system.active).toBe(0);
  expect(ended.every((error) => error === undefined)).toBe(true);
  expect(logs.get(userAddress('@ghost:example.org'))?.exists).toBe(false);
  expect(ask(alice, 200, { $case: 'listDevices', value: {} })).toMatchObject({
    body: { value: { devices: [{ device: 1 }] } },
  });
});

it('logs a removed device out without leaving its hello open', () => {
  const { system, ended, ask, hello, wait } = town();
  hello(alice);
  ask(alice, 1, { $case: 'removeDevice', value: { device: 1 } });
  hello(alice);
  wait(120_000);
  expect(system.active).toBe(0);
  expect(ended).toEqual([undefined]);
});
