// What a conversation does beside showing lines.
import { expect, it } from 'vitest';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import type { TimelineItem } from '#client/shown.ts';
import { type Screen, Talk } from './chat.ts';
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
