import { describe, expect, it } from 'vitest';
import { limits } from '../limits.ts';
import { afterStay, mayRead, openStay, readableFrom, readableRanges } from './reading.ts';

describe('what a member may read', () => {
  const join = { fromStart: false };

  it('starts with the own ACCEPT and ends with the event that took access', () => {
    const stays = afterStay(openStay([], 10, join), 20);
    expect(stays).toEqual([{ from: 10, through: 20 }]);
    expect([9, 10, 20, 21].map((seq) => mayRead(stays, seq))).toEqual([false, true, true, false]);
    const again = openStay(stays, 30, join);
    expect(readableRanges(again, 1, 40)).toEqual([
      { from: 10, through: 20 },
      { from: 30, through: 40 },
    ]);
    expect(readableRanges(again, 15, 25)).toEqual([{ from: 15, through: 20 }]);
    expect(readableRanges(again, 22, 25)).toEqual([]);
    expect([readableFrom(again, 1), readableFrom(again, 25), readableFrom(stays, 21)]).toEqual([10, 30, 0]);
  });

  it('is everything from the floor on where the policy says so', () => {
    const stays = openStay([{ from: 10, through: 20 }], 30, { fromStart: true });
    expect(readableRanges(stays, 5, 40)).toEqual([{ from: 5, through: 40 }]);
  });

  it('is forgotten stay by stay above sixteen', () => {
    let stays = openStay([], 1, join);
    for (let seq = 3; seq <= 2 * limits.staysMax - 1; seq += 2) stays = openStay(afterStay(stays, seq - 1), seq, join);
    expect([stays.length, stays[0]?.from]).toEqual([limits.staysMax, 1]);
    stays = openStay(afterStay(stays, 40), 41, join);
    expect([stays.length, stays[0]?.from]).toEqual([limits.staysMax, 3]);
  });
});
