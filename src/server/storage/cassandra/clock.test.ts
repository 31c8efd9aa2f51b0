import { describe, expect, it } from 'vitest';
import { middleOf } from './clock.ts';

describe('what time it is at the servers', () => {
  it.each([
    ['one is believed', [90], 90, 0],
    ['one of two that agrees with us is believed', [0, 90], 0, 90],
    ['the same the other way', [-90, -1], -1, 89],
    ['two that say so are believed', [80, 90], 80, 10],
    ['two that are both far away, on either side, are believed', [-80, 90], -80, 170],
    ['one of three is outvoted', [1, 90, 2], 2, 88],
    ['two of three are believed', [90, 91, 0], 90, 90],
    ['two of four are not', [90, 91, 0, 1], 1, 90],
    ['three of four are', [90, 91, 92, 1], 90, 89],
    ['one of five is outvoted', [-3600, 0, 1, 2, 3], 1, 3601],
  ] as const)('%s', (_, skews, skewMs, spreadMs) => {
    expect(middleOf(skews)).toEqual({ skewMs, spreadMs });
  });

  it('is not known where none answers', () => {
    expect(() => middleOf([])).toThrow('no server');
  });
});
