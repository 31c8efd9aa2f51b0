import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { portionBytesMax, portionFramesMax, portionsOf } from './portions.ts';

const frames = (...lengths: number[]) => lengths.map((length) => new Uint8Array(length));

describe('portions', () => {
  it('are one where they fit, and cut at the frame and at the byte that is too many', () => {
    const fitting = frames(...Array.from({ length: portionFramesMax }, () => 1));
    expect(portionsOf(fitting)).toEqual([fitting]);
    expect(portionsOf([...fitting, new Uint8Array(1)]).map(({ length }) => length)).toEqual([portionFramesMax, 1]);
    expect(portionsOf(frames(portionBytesMax - 1, 1)).map(({ length }) => length)).toEqual([2]);
    expect(portionsOf(frames(portionBytesMax - 1, 2)).map(({ length }) => length)).toEqual([1, 1]);
    expect(portionsOf([])).toEqual([]);
  });

  it('lose nothing, keep the order and their bounds', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(65_536), { maxLength: 200 }), (lengths) => {
        const all = frames(...lengths);
        const portions = portionsOf(all);
        expect(portions.flat()).toEqual(all);
        for (const portion of portions) {
          expect(portion.length).toBeGreaterThan(0);
          expect(portion.length).toBeLessThanOrEqual(portionFramesMax);
          const bytes = portion.reduce((sum, { length }) => sum + length, 0);
          if (portion.length > 1) expect(bytes).toBeLessThanOrEqual(portionBytesMax);
        }
      }),
      { numRuns: 30 },
    );
  });
});
