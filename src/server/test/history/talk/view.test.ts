import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Placed } from '../events.ts';
import { type Stretch, View } from './view.ts';

it('shows everything once and in order, whatever comes twice, early or in pieces', () => {
  const piece = fc.record({ from: fc.integer({ min: 1, max: 30 }), length: fc.integer({ min: 1, max: 8 }) });
  const property = fc.property(fc.array(piece), fc.nat(10), (pieces, position) => {
    const view = new View('!room', position);
    const shown: number[] = [];
    const show = ({ from, through }: Stretch) => shown.push(...seqs(from, through));
    for (const { from, length } of pieces) view.take(records(from, from + length - 1), show);
    expect(shown).toEqual(seqs(position + 1, view.position));
    // What the gap names is all that is missing.
    for (let gap = view.gap; gap !== null; gap = view.gap) view.take(records(gap.from, gap.through), show);
    const last = Math.max(position, ...pieces.map(({ from, length }) => from + length - 1));
    expect(shown).toEqual(seqs(position + 1, last));
  });
  fc.assert(property, { numRuns: 500 });
});

it('forgets what waits when its connection is gone', () => {
  const view = new View('!room', 3);
  view.take(records(6, 7), () => {});
  expect(view.gap).toEqual({ from: 4, through: 5 });
  view.forget();
  expect([view.gap, view.position]).toEqual([null, 3]);
});

function records(from: number, through: number): Placed[] {
  return seqs(from, through).map((seq) => ({ seq, hash: `hash ${seq}` }));
}

function seqs(from: number, through: number): number[] {
  return Array.from({ length: Math.max(0, through - from + 1) }, (_, n) => from + n);
}
