import { describe, expect, it } from 'vitest';
import { userAddress } from './address.ts';
import type { Message, RoomSummary } from './messages.ts';
import { samples } from './samples.ts';
import { answerTimeoutMs, Summaries } from './summaries.ts';

const user = userAddress('@ann:lux');
const rooms = ['!a:lux', '!b:lux', '!c:lux'];
const { summaries } = samples.summaries as Extract<Message, { kind: 'summaries' }>;
const summaryOf = (room: string): RoomSummary => ({ ...(summaries[0] as RoomSummary), entry: { room } as never });

/** A host whose time goes on when the test says so, and where one room sleeps. */
class Host {
  readonly asked: string[] = [];
  readonly told: [string, number, readonly string[]][] = [];
  readonly timers = new Set<() => void>();
  readonly summaries: Summaries;

  constructor(sleeping: string) {
    this.summaries = new Summaries({
      peek: (room, found) => found(room === sleeping ? summaryOf(room) : null),
      tell: (to, message) => this.asked.push(`${to} ${message.kind}`),
      tellFrom: (to, incarnation, message) => {
        if (message.kind === 'summaries')
          this.told.push([to, incarnation, message.summaries.map(({ entry }) => entry.room)]);
      },
      later: (delayMs, run) => {
        expect(delayMs).toBe(answerTimeoutMs);
        this.timers.add(run);
        return () => void this.timers.delete(run);
      },
    });
    this.summaries.begin({ user, incarnation: 7, token: 5, rooms });
  }
}

describe('the heads of many rooms', () => {
  it('are asked of rooms that are awake, read of those that sleep, and told together', () => {
    const host = new Host('!b:lux');
    expect(host.asked).toEqual(['room/!a:lux summarise', 'room/!c:lux summarise']);
    host.summaries.take(1, '!c:lux', summaryOf('!c:lux'));
    host.summaries.take(1, '!c:lux', summaryOf('!c:lux'));
    expect(host.told).toEqual([]);
    host.summaries.take(1, '!a:lux', null);
    expect(host.told).toEqual([[user, 7, ['!b:lux', '!c:lux']]]);
    expect([host.summaries.size, host.timers.size]).toEqual([0, 0]);
  });

  it('are told without the silent ones when time is up', () => {
    const host = new Host('!b:lux');
    for (const run of host.timers) run();
    host.summaries.take(1, '!a:lux', summaryOf('!a:lux'));
    expect(host.told).toEqual([[user, 7, ['!b:lux']]]);
    expect(host.summaries.size).toBe(0);
  });

  it('are told at once where there are no rooms', () => {
    const host = new Host('!b:lux');
    host.summaries.begin({ user, incarnation: 8, token: 6, rooms: [] });
    expect(host.told).toEqual([[user, 8, []]]);
  });
});
