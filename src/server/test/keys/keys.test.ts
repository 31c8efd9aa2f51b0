// A short story of the soak in `soak.ts`, and how it judges. Real processes; the seed is in the name of the test: KEYS_SEED=<seed> plays it again.
import { describe, expect, it } from 'vitest';
import { play } from './story.ts';
import { judge, type Shown } from './verdict.ts';

describe('what can not be shown', () => {
  const seed = Number(process.env.KEYS_SEED ?? Math.floor(Math.random() * 1e9));
  it(`is explained by what happened, or comes (seed ${seed})`, { timeout: 120_000 }, async () => {
    const plan = { seed, messages: 60, people: 3, rotation: 5, batch: 8, settleMs: 7_000, local: true };
    const { rooms, faults, lost } = await play(plan);
    expect({ unexplained: rooms.flatMap((room) => room.unexplained), faults, lost }).toEqual({
      ...{ unexplained: [], faults: [], lost: 0 },
    });
  });
});

describe('the judge', () => {
  const shown = (over: Partial<Shown> = {}): Shown => ({
    ...{ device: 'a1', user: '@a', listedMs: 100, secured: false, troubles: [] },
    texts: new Map([
      [2, 'x'],
      [3, 'y'],
    ]),
    ...over,
  });
  const moves = [{ seq: 1, user: '@a', joined: true }];
  const lacks = (over: Partial<Shown> = {}, at = 50, cause = 'NO_KEY') =>
    shown({ texts: new Map([[3, 'y']]), troubles: [{ seq: 2, at, cause }], ...over });
  const other = (over: Partial<Shown> = {}) => shown({ device: 'b1', user: '@b', ...over });
  const blames = (...all: Shown[]) => judge('!room', all, moves).unexplained.length;

  it('accepts what was written before a device of somebody without a backup, where nobody of theirs has it', () => {
    expect(blames(lacks(), other())).toBe(0);
    expect(judge('!room', [lacks(), other()], moves).explained.size).toBe(1);
  });

  it.each([
    ['written since', [lacks({}, 100), other()]],
    ['in a backup', [lacks({ secured: true }), other()]],
    ['on another device of theirs', [lacks(), shown({ device: 'a2' })]],
    ['of another cause', [lacks({}, 50, 'KEY_MISMATCH'), other()]],
    ['missing', [shown({ texts: new Map() }), other({ texts: new Map([[2, 'x']]) })]],
    ['another text', [shown({ texts: new Map([[2, 'z']]) }), other({ texts: new Map([[2, 'x']]) })]],
  ])('blames what is %s', (_, all) => {
    expect(blames(...all)).toBeGreaterThan(0);
  });

  it('asks nothing from before the last joining, nor of one who is out', () => {
    const late = [...moves, { seq: 2, user: '@a', joined: false }, { seq: 4, user: '@a', joined: true }];
    expect(judge('!room', [shown({ texts: new Map() }), other()], late).unexplained).toEqual([]);
    expect(judge('!room', [shown({ texts: new Map() }), other()], late.slice(0, 2)).unexplained).toEqual([]);
  });
});
