import { describe, expect, it } from 'vitest';
import type { SeenSign } from './hints.ts';
import type { NodePlace } from './links.ts';
import { type Evidence, Neighbours, neighbourLimits } from './neighbours.ts';

const place: NodePlace = { node: 'b', gen: 4, seat: 2, address: 'b:1' };
const sign: SeenSign = { ...place, leaving: false, ageMs: 0 };
const none: Evidence = {
  places: [],
  signs: [],
  canAskRedis: true,
  isLinked: () => false,
  isGone: () => false,
  isStrange: () => false,
};
const { silentMs, unlinkedMs, goneMs, renewedMs } = neighbourLimits;
const alive = { node: 'b', gen: 4, leaving: false, linked: null };

/** Node b, seen at 0. */
function met(evidence: Partial<Evidence> = { places: [place] }): Neighbours {
  const neighbours = new Neighbours('a');
  neighbours.look({ ...none, ...evidence }, 0);
  return neighbours;
}

describe('a neighbour', () => {
  it('is met by the register or by Redis, is linked or not, and never this node', () => {
    const neighbours = new Neighbours('a');
    expect(neighbours.look({ ...none, places: [place, { ...place, node: 'a' }] }, 0)).toEqual([alive]);
    expect(neighbours.look({ ...none, isLinked: (seat) => seat === 2 }, 0)).toEqual([{ ...alive, linked: 2 }]);
    expect(new Neighbours('a').look({ ...none, signs: [sign] }, 0)).toEqual([alive]);
    expect(neighbours.places).toEqual([place]);
  });

  it('is dead after a short silence where Redis can be asked', () => {
    const neighbours = met();
    expect(neighbours.look(none, silentMs)).toEqual([alive]);
    expect(neighbours.look(none, silentMs + 1)).toEqual([]);
  });

  it('is given more time where Redis can not be asked', () => {
    const neighbours = met();
    const blind = { ...none, canAskRedis: false };
    expect(neighbours.look(blind, unlinkedMs)).toEqual([alive]);
    expect(neighbours.look(blind, unlinkedMs + 1)).toEqual([]);
  });

  // It was dialled for ever.
  it('is dialled no more when it is dead and nobody names it any more', () => {
    const neighbours = met();
    neighbours.look({ ...none, places: [place] }, silentMs + 1);
    expect(neighbours.places).toEqual([place]);
    neighbours.look({ ...none, canAskRedis: false }, unlinkedMs);
    expect(neighbours.places).toEqual([place]);
    neighbours.look({ ...none, canAskRedis: false }, unlinkedMs + 1);
    expect(neighbours.places).toEqual([]);
  });

  // What Redis said last was believed as long as Redis was away.
  it('is not alive by what Redis said before it was gone', () => {
    const neighbours = met();
    const blind = { ...none, signs: [sign], canAskRedis: false };
    expect(neighbours.look(blind, unlinkedMs + 1)).toEqual([]);
    expect(new Neighbours('a').look(blind, 0)).toEqual([]);
  });

  // A node with another secret saw nobody, held all for dead after ten seconds, and fenced them.
  it('lives as long as it answers, though no link comes about', () => {
    const neighbours = met();
    const strange = { ...none, canAskRedis: false, isStrange: (seat: number) => seat === 2 };
    expect(neighbours.look(strange, 10 * unlinkedMs)).toEqual([alive]);
    expect(neighbours.look({ ...none, canAskRedis: false }, 11 * unlinkedMs + 1)).toEqual([]);
  });

  it('lives as long as it is linked or shown', () => {
    const neighbours = met();
    expect(neighbours.look({ ...none, signs: [sign] }, 50_000)).toEqual([alive]);
    expect(neighbours.look({ ...none, isLinked: () => true }, 100_000)).toEqual([{ ...alive, linked: 2 }]);
    expect(neighbours.look(none, 100_000 + silentMs)).toEqual([alive]);
  });

  // A sign that lives on for two and a half seconds hid that the port refused.
  it.each([true, false])(
    'is dead soon when it is not where it answers and shows nothing new: Redis there %s',
    (canAskRedis) => {
      const neighbours = met({ signs: [sign], places: [place] });
      const old = { ...sign, ageMs: renewedMs + 1 };
      const gone = { ...none, signs: [old], canAskRedis, isGone: () => true };
      expect(neighbours.look(gone, goneMs)).toEqual([alive]);
      expect(neighbours.look(gone, goneMs + 1)).toEqual([]);
    },
  );

  // A port on loopback, or a firewall that rejects, made nodes that ran fence each other without end.
  it('lives on as long as it goes on showing itself, though it is not where it answers', () => {
    const neighbours = met({ signs: [sign], places: [place] });
    const refused = { ...none, signs: [{ ...sign, ageMs: renewedMs }], isGone: () => true };
    expect(neighbours.look(refused, 60_000)).toEqual([alive]);
    expect(neighbours.isInDoubt).toBe(true);
    expect(neighbours.look({ ...refused, signs: [] }, 60_000 + goneMs + 1)).toEqual([]);
    expect(neighbours.isInDoubt).toBe(false);
  });

  it('is not given up for a refusal before Redis had time to answer', () => {
    const early = { ...none, canAskRedis: null, isGone: () => true };
    const neighbours = met();
    expect(neighbours.look(early, unlinkedMs)).toEqual([alive]);
    expect(neighbours.look(early, unlinkedMs + 1)).toEqual([]);
  });

  it('is leaving from when it says so', () => {
    const neighbours = met();
    expect(neighbours.look({ ...none, signs: [{ ...sign, leaving: true }] }, 1)).toEqual([{ ...alive, leaving: true }]);
    expect(neighbours.look(none, 2)).toEqual([{ ...alive, leaving: true }]);
  });

  it('is leaving from when it says so over its link, without Redis', () => {
    const neighbours = met();
    neighbours.leaves(place.seat);
    expect(neighbours.look(none, 1)).toEqual([{ ...alive, leaving: true }]);
  });

  it('is its newest process, whoever shows the older one', () => {
    const neighbours = met({ signs: [{ ...sign, leaving: true }] });
    const newer = { ...place, gen: 5, seat: 9, address: 'b:2' };
    expect(neighbours.look({ ...none, places: [newer] }, 1)).toEqual([{ ...alive, gen: 5 }]);
    expect(neighbours.look({ ...none, places: [place], signs: [sign], isLinked: (seat) => seat === 2 }, 2)).toEqual([
      { ...alive, gen: 5 },
    ]);
    expect(neighbours.places).toEqual([newer]);
  });
});
