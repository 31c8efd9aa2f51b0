import { describe, expect, it } from 'vitest';
import { Disconnect, Rejection } from '#proto/gen/codes.ts';
import { roomAddress, sessionAddress, userAddress } from './address.ts';
import { defaultLimits } from './limits.ts';
import { samples } from './samples.ts';
import { answerOf, done, fetch, rejectedWith, room, session, stage } from './testing/system-stage.ts';

describe('the system', () => {
  it('creates a room on its first message and hands answers to the session', () => {
    const { system, answers, kinds } = stage(answerOf);
    system.tell(session, { kind: 'opened' });
    system.tell(room, fetch(1));
    system.tell(room, fetch(2));
    expect(system.run()).toBe(false);
    expect(kinds(room)).toEqual(['fetch', 'fetch']);
    expect(answers()).toEqual([1, 2].map((request) => ({ kind: 'answer', request, body: done })));
  });

  it('creates a session by `opened` alone', () => {
    const { system, kinds } = stage(() => []);
    system.tell(session, samples.frames);
    system.tell(session, samples.answer);
    system.run();
    expect(system.size).toBe(0);
    system.tell(session, samples.opened);
    system.tell(session, samples.frames);
    system.run();
    expect(kinds(session)).toEqual(['opened', 'frames']);
    expect(system.counters.get('kernel.late')).toBe(2);
  });

  it('bounces the message that is one too many', () => {
    const { system, answers, kinds } = stage(answerOf);
    system.tell(session, samples.opened);
    const { messagesMax } = defaultLimits.mailbox.room;
    for (let request = 1; request <= messagesMax; request++) system.tell(room, fetch(request));
    expect(system.counters.get('kernel.bounced')).toBe(0);
    system.tell(room, fetch(9999));
    system.tell(room, samples.standingKept);
    system.run();
    expect(kinds(room)).toHaveLength(messagesMax + 1);
    expect(kinds(room)[0]).toBe('standingKept');
    expect(answers()[0]).toEqual(rejectedWith(9999, Rejection.REJECTION_BUSY, 500));
    expect(answers()).toHaveLength(messagesMax + 1);
  });

  it('bounces the bytes that are too many, as the sender or the frames weigh them', () => {
    const { system, performed, answers } = stage(answerOf);
    const { bytesMax } = defaultLimits.mailbox.room;
    system.tell(session, samples.opened);
    system.tell(room, fetch(1), bytesMax);
    system.tell(room, fetch(2), 1);
    expect(system.counters.get('kernel.bounced')).toBe(1);
    system.tell(session, { kind: 'frames', frames: [new Uint8Array(2 ** 20), new Uint8Array(2 ** 20 - 128)] });
    expect(performed).toEqual([]);
    system.tell(session, samples.frames);
    expect(performed.map(({ effect }) => effect)).toEqual([
      { kind: 'disconnect', session: 7, code: Disconnect.DISCONNECT_BUSY, retryAfterMs: 500 },
    ]);
    system.run();
    expect(answers().map(({ request }) => request)).toEqual([2, 1]);
  });

  it('tells all sessions of a user, or those of a device', () => {
    const { system, kinds } = stage((message) => {
      if (message.kind !== 'request') return [];
      const tell = { kind: 'tellSessions', user: '@ann:lux', message: samples.mayWrite } as const;
      return [tell, { ...tell, device: 2 }];
    });
    system.tell(sessionAddress(7), samples.opened);
    system.tell(sessionAddress(8), samples.opened);
    system.tell(userAddress('@ann:lux'), samples.request);
    system.run();
    expect(kinds(sessionAddress(7))).toEqual(['opened', 'mayWrite']);
    expect(kinds(sessionAddress(8))).toEqual(['opened', 'mayWrite', 'mayWrite']);
  });

  it('tells the sessions of a user that they lost a room, when the world has them leave it', () => {
    const { system, kinds, performed } = stage((message) =>
      message.kind === 'request' ? [{ kind: 'evict', user: '@ann:lux', room: '!r:lux' }] : [],
    );
    system.tell(sessionAddress(7), samples.opened);
    system.tell(userAddress('@ann:lux'), samples.request);
    system.run();
    expect(kinds(sessionAddress(7))).toEqual(['opened', 'evicted']);
    expect(performed.map(({ effect }) => effect.kind)).toEqual(['evict']);
  });

  it('counts what actors count', () => {
    const { system } = stage(() => [{ kind: 'count', counter: 'x', by: 2 }]);
    system.tell(room, fetch(1));
    system.tell(room, fetch(2));
    system.run();
    expect(system.counters.all()).toEqual(new Map([['x', 4]]));
  });

  it('wakes the host once, and not while it runs', () => {
    const { system, time } = stage(answerOf);
    system.tell(session, samples.opened);
    system.tell(room, fetch(1));
    expect(time.wakes).toBe(1);
    system.run();
    expect(time.wakes).toBe(1);
    system.tell(room, fetch(2));
    expect(time.wakes).toBe(2);
  });
});

describe('a turn', () => {
  it('ends after 64 messages, then the others have theirs', () => {
    const { system, heard } = stage(() => []);
    const other = roomAddress('!other:lux');
    for (let n = 0; n < 65; n++) system.tell(room, fetch(n));
    system.tell(other, fetch(1));
    system.run();
    expect(heard.map(({ to }) => to).indexOf(other)).toBe(64);
    expect(heard).toHaveLength(66);
  });

  it('ends at 5 ms, and the run at 20 ms', () => {
    const { system, time, heard } = stage(() => {
      time.stopwatch += 2.5;
      return [];
    });
    const rooms = Array.from({ length: 20 }, (_, n) => roomAddress(`!${n}:lux`));
    for (const each of rooms) for (let n = 0; n < 5; n++) system.tell(each, fetch(n));
    expect(system.run()).toBe(true);
    // Two messages make 5 ms, eight make 20.
    expect(heard.map(({ to }) => to)).toEqual(rooms.slice(0, 4).flatMap((each) => [each, each]));
    while (system.run());
    expect(heard).toHaveLength(100);
  });
});

describe('timers', () => {
  it('come back as messages when they are due', () => {
    const { system, time, heard } = stage((message) =>
      message.kind === 'fetch' ? [{ kind: 'startTimer', name: 'x', delayMs: 50 }] : [],
    );
    system.tell(room, fetch(1));
    system.run();
    expect(system.nextDue()).toBe(1_000_050);
    time.now += 49;
    system.run();
    expect(heard).toHaveLength(1);
    time.now += 1;
    system.run();
    expect(heard[1]?.message).toEqual({ kind: 'timer', name: 'x' });
  });

  it('do not come once cancelled, even if they had fired and waited to be handled', () => {
    const { system, time, kinds } = stage((message) => {
      if (message.kind === 'fetch') return [{ kind: 'startTimer', name: 'x', delayMs: 50 }];
      if (message.kind === 'standingKept') return [{ kind: 'cancelTimer', name: 'x' }];
      return [];
    });
    system.tell(room, fetch(1));
    system.run();
    time.now += 60;
    system.tell(room, samples.standingKept);
    system.run();
    expect(kinds(room)).toEqual(['fetch', 'standingKept']);
  });
});
