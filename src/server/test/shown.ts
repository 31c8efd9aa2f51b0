// What a client of this process shows to its person: texts of a room, and whether anything went wrong meanwhile.
import { expect } from 'vitest';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import type { TimelineItem } from '#client/shown.ts';
import { eventually } from './harness.ts';

/** The text of a line, '' where it has none. */
export function textOf({ content }: TimelineItem): string {
  return content?.body?.$case === 'text' ? content.body.value.text : '';
}

/** Lines of a room in order, without notices; where one can't be shown, its cause. */
export async function texts(client: LuxchatClient, room: string): Promise<string[]> {
  const lines = await client.timeline(room);
  return lines.filter(({ kind }) => kind !== 'notice').map((line) => line.trouble ?? textOf(line));
}

/** Resolves when the client is in the room and shows this text; rejects after `withinMs`. */
export function reads(client: LuxchatClient, room: string, text: string, withinMs = 20_000): Promise<void> {
  const there = async () =>
    client.rooms().some((one) => one.room === room) && (await texts(client, room)).includes(text);
  return eventually(`${client.deviceId} reads ${text}`, there, withinMs, [client]);
}

/** No alarm was raised and no bug of the SDK met. */
export function expectSound(...clients: readonly LuxchatClient[]): void {
  for (const client of clients) {
    const bad = Object.entries(client.counters()).filter(([name]) => name === 'fault' || name.startsWith('alarm.'));
    expect(bad).toEqual([]);
  }
}
