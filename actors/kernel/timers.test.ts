import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { roomAddress } from './address.ts';
import { Timers } from './timers.ts';

const a = roomAddress('!a:x');
const b = roomAddress('!b:x');

describe('timers', () => {
  it('fire in order of time, then of starting, and never early', () => {
    const timers = new Timers();
    timers.start(a, 'late', 20);
    timers.start(b, 'first', 10);
    timers.start(a, 'second', 10);
    expect(timers.nextDue()).toBe(10);
    expect(timers.due(9)).toEqual([]);
    expect(timers.due(10).map(({ name }) => name)).toEqual(['first', 'second']);
    expect(timers.nextDue()).toBe(20);
    expect(timers.due(99).map(({ owner, name }) => [owner, name])).toEqual([[a, 'late']]);
    expect(timers.nextDue()).toBe(Number.POSITIVE_INFINITY);
  });

  it('are one per owner and name: starting again replaces', () => {
    const timers = new Timers();
    timers.start(a, 'x', 10);
    timers.start(a, 'x', 30);
    timers.start(b, 'x', 20);
    expect(timers.size).toBe(2);
    expect(timers.due(100).map(({ owner }) => owner)).toEqual([b, a]);
  });

  it('fire at most as many as asked for, the rest later', () => {
    const timers = new Timers();
    for (const name of ['1', '2', '3']) timers.start(a, name, 5);
    expect(timers.due(5, 2).map(({ name }) => name)).toEqual(['1', '2']);
    expect(timers.due(5, 2).map(({ name }) => name)).toEqual(['3']);
  });

  it('behave like a sorted list whatever is done to them', () => {
    const owner = fc.constantFrom(a, b);
    const name = fc.constantFrom('p', 'q', 'r');
    const step = fc.oneof(
      fc.record({ do: fc.constant('start' as const), owner, name, at: fc.nat(100) }),
      fc.record({ do: fc.constant('cancel' as const), owner, name }),
      fc.record({ do: fc.constant('cancelAll' as const), owner }),
      fc.record({ do: fc.constant('due' as const), at: fc.nat(100) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const timers = new Timers();
        let model: { owner: string; name: string; at: number }[] = [];
        for (const each of steps) {
          if (each.do === 'start') {
            timers.start(each.owner, each.name, each.at);
            model = model.filter((one) => one.owner !== each.owner || one.name !== each.name);
            model.push({ owner: each.owner, name: each.name, at: each.at });
          } else if (each.do === 'cancel') {
            timers.cancel(each.owner, each.name);
            model = model.filter((one) => one.owner !== each.owner || one.name !== each.name);
          } else if (each.do === 'cancelAll') {
            timers.cancelAll(each.owner);
            model = model.filter((one) => one.owner !== each.owner);
          } else {
            const due = model.filter(({ at }) => at <= each.at).sort((one, other) => one.at - other.at);
            const fired = timers.due(each.at).map((one) => ({ owner: one.owner, name: one.name }));
            expect(fired).toEqual(due.map((one) => ({ owner: one.owner, name: one.name })));
            model = model.filter(({ at }) => at > each.at);
          }
          expect(timers.size).toBe(model.length);
          expect(timers.nextDue()).toBe(Math.min(Number.POSITIVE_INFINITY, ...model.map(({ at }) => at)));
        }
      }),
    );
  });
});
