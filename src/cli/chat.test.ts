// What a conversation does beside showing lines.
import { expect, it } from 'vitest';
import { Emitter } from '#client/emitter.ts';
import type { ClientEvents } from '#client/events.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import type { TimelineItem } from '#client/shown.ts';
import { Talk } from './chat.ts';
import type { Screen } from './screen.ts';
import type { Session } from './session.ts';

it('says where it can not be noted how far one has read', async () => {
  const failed: unknown[] = [];
  const bug = new TypeError('x is not a function');
  const client = { markRead: (_: string, seq: number) => (seq === 1 ? Promise.reject(bug) : Promise.resolve()) };
  const screen = { say: () => {}, fail: (error: unknown) => failed.push(error) } as unknown as Screen;
  const talk = new Talk({ client: client as LuxchatClient } as Session, '!room', screen);
  for (const seq of [1, 2]) talk.show({ id: `m${seq}`, kind: 'message', seq, sending: 'waiting' } as TimelineItem);
  await talk.read;
  expect(failed).toEqual([bug]);
});

// "No connection: what you write waits", said on a device that was logged out.
it('says nothing of the connection before it is known that the device is logged in', () => {
  const events = new Emitter<ClientEvents>();
  const said: unknown[] = [];
  const screen = { say: (one: unknown) => said.push(one), fail: () => {} } as unknown as Screen;
  const client = { on: events.on.bind(events) } as unknown as LuxchatClient;
  const talk = new Talk({ client, args: { call: 'luxchat' } } as unknown as Session, '!room', screen);
  talk.follow();
  events.emit('connection', 'offline');
  expect(said).toEqual([]);
  talk.sayConnection('live');
  events.emit('connection', 'offline');
  events.emit('connection', 'live');
  const states = ['offline', 'live'].map((state) => ({ type: 'connection', state }));
  expect(said).toEqual(states);
});
