import { describe, expect, it } from 'vitest';
import { Searches, searchLimits } from './searches.ts';

const t0 = 1_700_000_000_000;
const small = { userBurst: 3, userEveryMs: 1_000, userDayMax: 1e6, nodeBurst: 5, nodeEveryMs: 100, usersMax: 4 };
const take = (searches: Searches, user: string, count: number, now = t0) =>
  Array.from({ length: count }, () => searches.take(user, now));

describe('searches', () => {
  it('are 40 at once of a user, then one a minute, and not one more', () => {
    const searches = new Searches();
    expect(take(searches, 'ann', 41)).toEqual([...Array(40).fill(0), 60_000]);
    expect(searches.take('ann', t0 + 59_999)).toBe(1);
    expect(take(searches, 'ann', 2, t0 + 60_000)).toEqual([0, 60_000]);
    expect(searches.take('ben', t0 + 60_000)).toBe(0);
    expect(take(searches, 'ann', 41, t0 + 3_600_000)).toEqual([...Array(40).fill(0), 60_000]);
  });

  it('are 400 of a user on the first day and 200 on each that follows, and not one more', () => {
    const searches = new Searches();
    const everyMs = 432_000;
    let now = t0;
    const inDay = () => {
      const until = now + 86_400_000;
      let taken = 0;
      while (now < until) {
        const waitMs = searches.take('ann', now);
        if (waitMs === 0) taken++;
        else now += waitMs;
      }
      return taken;
    };
    const [first, second, third] = [inDay(), inDay(), inDay()];
    expect([second, third]).toEqual([200, 200]);
    expect(first).toBeLessThanOrEqual(400);
    expect(first).toBeGreaterThan(398);
    expect([searches.take('ann', now), searches.take('ben', now)]).toEqual([expect.any(Number), 0]);
    expect(searches.take('ann', now)).toBeLessThanOrEqual(everyMs);
  });

  it('are 200 at once of a node, then 50 a second, and not one more', () => {
    const searches = new Searches();
    const users = Array.from({ length: 201 }, (_, n) => searches.take(`user ${n}`, t0));
    expect(users).toEqual([...Array(200).fill(0), 20]);
    expect([searches.take('ann', t0 + 19), searches.take('ann', t0 + 20), searches.take('ann', t0 + 20)]).toEqual([
      ...[1, 0, 20],
    ]);
  });

  it('of someone who is refused take nothing from others', () => {
    const searches = new Searches({ ...small, nodeBurst: 4 });
    expect(take(searches, 'ann', 10).filter((wait) => wait === 0)).toHaveLength(3);
    expect(take(searches, 'ben', 2)).toEqual([0, 100]);
    expect(take(searches, 'ben', 3, t0 + 400)).toEqual([0, 0, 600]);
  });

  it('are refused where another user can not be remembered', () => {
    const searches = new Searches({ ...small, nodeBurst: 100 });
    for (const user of ['a', 'b', 'c', 'd']) expect(searches.take(user, t0)).toBe(0);
    expect([searches.take('e', t0), searches.take('a', t0), searches.size]).toEqual([3_000, 0, 4]);
    // Whoever may search all at once again is forgotten.
    expect([searches.take('e', t0 + 1_000), searches.size]).toEqual([0, 5]);
    // Of the day there is place for twice as many.
    for (let n = 2; n <= 4; n++) expect(searches.take(`${n}`, t0 + n * 1_000)).toBe(0);
    expect(searches.size).toBeLessThanOrEqual(8);
    expect(searchLimits.usersMax).toBe(100_000);
  });

  it('keep nobody out whose clock went back', () => {
    const searches = new Searches(small);
    take(searches, 'ann', 4, t0 + 86_400_000);
    expect([searches.take('ann', t0), searches.take('ann', t0 + 1_000)]).toEqual([1_000, 0]);
  });
});
