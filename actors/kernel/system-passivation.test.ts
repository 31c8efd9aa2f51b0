import { describe, expect, it } from 'vitest';
import { Rejection } from '#proto/gen/codes.ts';
import { parseAddress, roomAddress, userAddress } from './address.ts';
import type { Message } from './messages.ts';
import { samples } from './samples.ts';
import { answerOf, fetch, rejectedWith, room, type Script, session, stage } from './testing/system-stage.ts';

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
