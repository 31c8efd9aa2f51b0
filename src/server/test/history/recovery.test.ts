import { expect, it } from 'vitest';
import type { HistoryEvent, Seen } from './events.ts';
import { recoveryTimes } from './recovery.ts';

const sent = (at: number, room: string, sendId = 1): Seen =>
  seen(at, { kind: 'sent', ...send(room, sendId), content: '' });
const accepted = (at: number, room: string, sendId = 1): Seen =>
  seen(at, { kind: 'accepted', ...send(room, sendId), seq: sendId, hash: '' });
const mark = (at: number, name: string): Seen => seen(at, { kind: 'mark', name });

it('counts from the mark while somebody waits, and over rooms', () => {
  const history = [
    sent(0, 'slow'),
    mark(100, 'kill n2'),
    sent(110, 'quick'),
    accepted(115, 'quick'),
    accepted(400, 'slow'),
    // Nobody waits here: that is no outage.
    sent(900, 'quick', 2),
    accepted(920, 'quick', 2),
    mark(1_000, 'n2 is back'),
    sent(1_100, 'slow', 2),
    mark(1_150, 'end'),
  ];
  const [killed, back, end] = recoveryTimes(history);
  expect(killed).toEqual({ mark: 'kill n2', rooms: 2, waiting: 0, p50: 20, p99: 300, max: 300, slowest: 'slow' });
  expect(back).toMatchObject({ mark: 'n2 is back', rooms: 1, waiting: 1, max: 50 });
  expect(end).toMatchObject({ waiting: 1, max: 0 });
});

it('counts each stretch between two acceptances, and does not take a rejection for one', () => {
  const rejected = (at: number, code: number): Seen => seen(at, { kind: 'rejected', ...send('room', 2), code });
  const history = [mark(0, 'pause'), sent(0, 'room'), sent(0, 'room', 2), accepted(50, 'room'), rejected(60, 1)];
  expect(recoveryTimes([...history, accepted(130, 'room', 2)])).toMatchObject([{ max: 80, waiting: 0 }]);
  expect(recoveryTimes([...history, rejected(130, 45)])).toMatchObject([{ max: 80, waiting: 0 }]);
});

function seen(at: number, event: HistoryEvent): Seen {
  return { ...event, at };
}

function send(room: string, sendId: number) {
  return { device: '@a/1', room, sendId };
}
