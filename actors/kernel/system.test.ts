import { describe, expect, it } from 'vitest';
import { Disconnect, Rejection } from '#proto/gen/codes.ts';
import { type Address, parseAddress, roomAddress, sessionAddress, userAddress } from './address.ts';
import type { Effect } from './effects.ts';
import { defaultLimits, type KernelLimits } from './limits.ts';
import type { Message } from './messages.ts';
import { samples } from './samples.ts';
import { System } from './system.ts';
import type { World, WorldEffect } from './world.ts';

const room = roomAddress('!r:lux');
const session = sessionAddress(7);
const done = { $case: 'done', value: {} } as const;

type Script = (message: Message, me: { address: Address; incarnation: number }) => readonly Effect[];

/** A system whose actors all follow one script, with a clock that the test moves. */
function stage(script: Script, limits: Partial<KernelLimits> = {}) {
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

const fetch = (request: number): Message => ({ ...samples.fetch, from: { ...samples.fetch.from, request } });
const answerOf = (message: Message): Effect[] =>
  message.kind === 'fetch' ? [{ kind: 'answer', session: 7, request: message.from.request, body: done }] : [];
const rejectedWith = (request: number, code: number, retryAfterMs: number): Message => ({
  kind: 'answer',
  request,
  body: {
    $case: 'rejected',
    value: { code: code as Rejection, retryAfterMs, control: undefined, manifest: undefined },
  },
});

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

describe('an actor that throws', () => {
  const bomb = roomAddress('!bomb:lux');
  const script: Script = (message, { address }) => {
    if (address === bomb && message.kind === 'putReceipt') throw new Error('bug');
    return address === room ? answerOf(message) : [];
  };

  it('loses its state; all it owed and all that waits is answered UNAVAILABLE; others live on', () => {
    const { system, ended, answers } = stage(script);
    system.tell(session, samples.opened);
    system.tell(bomb, fetch(1));
    system.tell(bomb, { ...samples.putReceipt, from: { ...samples.putReceipt.from, request: 2 } });
    system.tell(bomb, fetch(3));
    system.tell(bomb, samples.standing);
    system.tell(room, fetch(4));
    system.run();
    expect(ended).toEqual([{ from: bomb, incarnation: expect.any(Number), error: new Error('bug') }]);
    expect(answers()).toEqual([
      ...[1, 2, 3].map((request) => rejectedWith(request, Rejection.REJECTION_UNAVAILABLE, 1000)),
      { kind: 'answer', request: 4, body: done },
    ]);
    expect(system.counters.get('kernel.crashed.room')).toBe(1);
    expect(system.counters.get('kernel.dropped')).toBe(1);
  });

  it('is created anew on the next message, under a new incarnation, and hears nothing meant for the old one', () => {
    const { system, heard, time } = stage((message) =>
      message.kind === 'fetch'
        ? [{ kind: 'startTimer', name: 'x', delayMs: 50 }]
        : script(message, { address: bomb, incarnation: 0 }),
    );
    system.tell(bomb, fetch(1));
    system.run();
    const first = heard[0]?.incarnation as number;
    system.tell(bomb, samples.putReceipt);
    system.run();
    system.tellFrom(bomb, first, samples.log);
    system.tell(bomb, samples.readRoom);
    system.run();
    system.tellFrom(bomb, first, samples.log);
    time.now += 60;
    system.run();
    const second = heard.at(-1)?.incarnation as number;
    expect(second).toBeGreaterThan(first);
    expect(heard.filter(({ incarnation }) => incarnation === second).map(({ message }) => message.kind)).toEqual([
      'readRoom',
    ]);
    system.tellFrom(bomb, second, samples.log);
    system.run();
    expect(heard.at(-1)).toEqual({ to: bomb, incarnation: second, message: samples.log });
  });

  it('rests for a minute after the third time within a minute', () => {
    const { system, time, answers, heard } = stage(script);
    system.tell(session, samples.opened);
    for (let n = 1; n <= 3; n++) {
      system.tell(bomb, samples.putReceipt);
      system.run();
      time.now += 1000;
    }
    expect(system.counters.get('kernel.quarantined')).toBe(1);
    expect(answers().map(({ body }) => body.$case === 'rejected' && body.value.retryAfterMs)).toEqual([
      1000, 1000, 60_000,
    ]);
    const before = heard.length;
    system.tell(bomb, fetch(9));
    system.run();
    expect(answers().at(-1)).toEqual(rejectedWith(9, Rejection.REJECTION_UNAVAILABLE, 59_000));
    expect(heard).toHaveLength(before + 1);
    time.now += 59_000;
    system.tell(bomb, fetch(10));
    system.run();
    expect(heard.at(-1)).toMatchObject({ to: bomb, message: { kind: 'fetch' } });
  });

  it('when it is a session, loses its connection and is not created again', () => {
    const { system, performed, ended } = stage((message) => {
      if (message.kind === 'frames') throw new Error('bug');
      return [];
    });
    system.tell(session, samples.opened);
    system.tell(session, samples.frames);
    system.tell(session, samples.frames);
    system.run();
    expect(performed.map(({ effect }) => effect)).toEqual([
      { kind: 'disconnect', session: 7, code: Disconnect.DISCONNECT_INTERNAL, retryAfterMs: 1000 },
    ]);
    expect(ended).toHaveLength(1);
    expect(system.size).toBe(0);
  });

  it('in its very factory is supervised too', () => {
    const performed: unknown[] = [];
    const fail = () => {
      throw new Error('bug');
    };
    const system = new System({
      create: { session: fail, user: fail, room: fail },
      world: { perform: (effect) => performed.push(effect), ended: () => {}, sessionsOf: () => [] },
      clock: () => 0,
    });
    system.tell(room, samples.summarise);
    system.run();
    expect(performed).toEqual([{ kind: 'summarised', user: '@bob:lux', token: 5, summary: null }]);
    expect(system.size).toBe(0);
  });
});

describe('passivation', () => {
  /** Stops when told, after one answer of the log. */
  const closing: Script = (message) => {
    if (message.kind === 'timer' && message.name === 'passivate') return [{ kind: 'log', command: {} as never }];
    if (message.kind === 'log') return [{ kind: 'stop' }];
    return [];
  };
  const passivate: Message = { kind: 'timer', name: 'passivate' };

  it('tells an actor that had no work for its time, and frees its address when it stops', () => {
    const { system, time, heard, performed, ended } = stage(closing);
    system.tell(room, samples.standing);
    system.run();
    time.now += 59_999;
    system.run();
    expect(heard).toHaveLength(1);
    time.now += 1;
    expect(system.nextDue()).toBeLessThanOrEqual(time.now);
    system.run();
    expect(heard[1]?.message).toEqual(passivate);
    expect(performed[0]?.effect.kind).toBe('log');
    system.tellFrom(room, performed[0]?.incarnation as number, samples.log);
    system.run();
    expect(ended).toEqual([{ from: room, incarnation: performed[0]?.incarnation, error: undefined }]);
    expect([system.active, system.size, system.nextDue()]).toEqual([0, 0, Number.POSITIVE_INFINITY]);
  });

  it('lets users go after 30 s', () => {
    const { system, time, heard } = stage(closing);
    system.tell(userAddress('@ann:lux'), samples.manifestMoved);
    system.run();
    time.now += 30_000;
    system.run();
    expect(heard[1]?.message).toEqual(passivate);
  });

  it('leaves alone who is not idle or owes an answer, and asks again later', () => {
    const { system, time, heard } = stage((message) => (message.kind === 'standing' ? answerOf(fetch(1)) : []));
    system.tell(room, fetch(1));
    system.run();
    time.now += 60_000;
    system.run();
    expect(heard).toHaveLength(1);
    system.tell(room, samples.standing);
    system.run();
    time.idle = false;
    time.now += 60_000;
    system.run();
    expect(heard).toHaveLength(2);
    time.idle = true;
    time.now += 60_000;
    system.run();
    expect(heard.at(-1)?.message).toEqual(passivate);
  });

  it('keeps work that comes meanwhile for the next incarnation', () => {
    const { system, time, heard, performed } = stage(closing);
    system.tell(room, samples.standing);
    system.run();
    time.now += 60_000;
    system.run();
    system.tell(room, fetch(1));
    system.tell(room, samples.deviceRevoked);
    system.run();
    expect(heard.at(-1)?.message).toEqual(passivate);
    system.tellFrom(room, performed[0]?.incarnation as number, samples.log);
    system.run();
    const [first, next, last] = heard.slice(-3);
    expect(first?.message.kind).toBe('log');
    expect([next?.message.kind, last?.message.kind]).toEqual(['fetch', 'deviceRevoked']);
    expect(next?.incarnation).toBeGreaterThan(first?.incarnation as number);
    expect(system.active).toBe(1);
  });

  it('drops an actor that does not stop in time', () => {
    const { system, time, ended } = stage(() => []);
    system.tell(room, samples.standing);
    system.run();
    time.now += 60_000;
    system.run();
    time.now += 29_999;
    system.run();
    expect(ended).toEqual([]);
    time.now += 1;
    system.run();
    expect(ended).toHaveLength(1);
    expect(system.size).toBe(0);
    expect(system.counters.get('kernel.abandoned')).toBe(1);
  });

  it('sends the least recently used away when there are too many', () => {
    const { system, time, heard } = stage(closing, { activeMax: 2 });
    for (const id of ['!1:lux', '!2:lux', '!1:lux', '!3:lux']) {
      time.now += 1;
      system.tell(roomAddress(id), samples.standing);
      system.run();
    }
    const told = heard.filter(({ message }) => message.kind === 'timer').map(({ to }) => parseAddress(to).id);
    expect(told).toEqual(['!2:lux']);
  });

  it('refuses to create more than the hard limit', () => {
    const { system, answers } = stage(answerOf, { activeMax: 2, activeHardMax: 3 });
    system.tell(session, samples.opened);
    for (const id of ['!1:lux', '!2:lux', '!3:lux', '!4:lux']) system.tell(roomAddress(id), fetch(Number(id[1])));
    system.run();
    expect(system.active).toBe(3);
    expect(answers()).toContainEqual(rejectedWith(4, Rejection.REJECTION_BUSY, 500));
  });

  it('empties the system when the host drains', () => {
    const { system } = stage((message) => (message.kind === 'timer' ? [{ kind: 'stop' }] : []));
    for (let n = 0; n < 100; n++) system.tell(roomAddress(`!${n}:lux`), samples.standing);
    system.run();
    expect(system.drain()).toBe(100);
    system.run();
    expect(system.drain()).toBe(0);
  });

  it('answers for an actor that stops while it owes', () => {
    const { system, answers } = stage((message) => (message.kind === 'fetch' ? [{ kind: 'stop' }] : []));
    system.tell(session, samples.opened);
    system.tell(room, fetch(1));
    system.run();
    expect(answers()).toEqual([rejectedWith(1, Rejection.REJECTION_UNAVAILABLE, 1000)]);
  });
});

describe('actors that are given away', () => {
  /** A system whose host takes everything for the room elsewhere, from when it says so. */
  function leaving(script: Script) {
    const forwarded: Message[] = [];
    const made = stage(script);
    let isGiving = false;
    Object.assign(made.world, {
      forward: (_to: Address, message: Message) => {
        if (isGiving) forwarded.push(message);
        return isGiving;
      },
    });
    const give = () => {
      isGiving = true;
    };
    return { ...made, forwarded, give, isTheirs: (address: Address) => address === room };
  }

  it('stop when they are idle, and are counted until then; other actors stay', () => {
    const { system, time, give, isTheirs, kinds } = leaving((message) =>
      message.kind === 'timer' && message.name === 'passivate' ? [{ kind: 'stop' }] : [],
    );
    for (const to of [room, userAddress('@ann:lux')]) system.tell(to, samples.standing);
    system.run();
    time.idle = false;
    give();
    expect(system.release(isTheirs)).toHaveLength(1);
    system.run();
    expect(system.release(isTheirs)).toHaveLength(1);
    time.idle = true;
    expect(system.release(isTheirs)).toHaveLength(1);
    system.run();
    expect(system.release(isTheirs)).toHaveLength(0);
    expect([system.active, kinds(room)]).toEqual([1, ['standing', 'timer']]);
  });

  it('stop not before they have answered', () => {
    const { system, give, isTheirs, kinds } = leaving(() => []);
    system.tell(room, fetch(1));
    system.run();
    give();
    expect(system.release(isTheirs)).toHaveLength(1);
    system.run();
    expect(kinds(room)).toEqual(['fetch']);
  });

  it('go at once when they are abandoned: what they owe is refused, and no session ends', () => {
    const { system, give, isTheirs, answers, ended } = leaving(() => []);
    system.tell(session, samples.opened);
    system.tell(room, fetch(1));
    system.run();
    give();
    system.abandon(isTheirs);
    system.run();
    expect(answers()).toEqual([rejectedWith(1, Rejection.REJECTION_UNAVAILABLE, defaultLimits.crashRetryMs)]);
    expect(ended.map(({ from }) => from)).toEqual([room]);
    expect(system.counters.get('kernel.abandoned')).toBe(1);
    expect(system.release(isTheirs)).toHaveLength(0);
  });

  it('start no more: what waits in order goes elsewhere, orders first', () => {
    const user = userAddress('@ann:lux');
    const { system, give, forwarded, kinds } = leaving(() => []);
    system.tell(user, samples.request);
    system.tell(user, samples.deviceRevoked);
    system.tell(user, samples.claim);
    give();
    // None of it was begun. Orders were lost here, since only work was told anew.
    expect(system.release((address) => address === user)).toHaveLength(0);
    system.run();
    expect(forwarded.map(({ kind }) => kind)).toEqual(['deviceRevoked', 'request', 'claim']);
    expect([system.active, kinds(user)]).toEqual([0, []]);
  });

  it('hear answers as long as they are there, and work no more', () => {
    const { system, give, forwarded, kinds } = leaving(() => []);
    system.tell(room, fetch(1));
    system.run();
    give();
    system.tell(room, samples.identityKept);
    system.tell(room, fetch(2));
    system.run();
    expect(kinds(room)).toEqual(['fetch', 'identityKept']);
    expect(forwarded.map(({ kind }) => kind)).toEqual(['fetch']);
  });

  it('leave orders that came while they stopped to whoever has them next', () => {
    const user = userAddress('@ann:lux');
    const { system, give, forwarded } = leaving((message) =>
      message.kind === 'timer' && message.name === 'passivate' ? [{ kind: 'stop' }] : [],
    );
    system.tell(user, samples.standing);
    system.run();
    give();
    expect(system.release((address) => address === user)).toHaveLength(1);
    system.tell(user, samples.deviceRevoked);
    system.run();
    expect(forwarded.map(({ kind }) => kind)).toEqual(['deviceRevoked']);
    expect(system.active).toBe(0);
  });
});
