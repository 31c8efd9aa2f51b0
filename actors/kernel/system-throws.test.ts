import { describe, expect, it } from 'vitest';
import { Disconnect, Rejection } from '#proto/gen/codes.ts';
import { roomAddress } from './address.ts';
import { samples } from './samples.ts';
import { System } from './system.ts';
import { answerOf, done, fetch, rejectedWith, room, type Script, session, stage } from './testing/system-stage.ts';

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
