import { describe, expect, it } from 'vitest';
import { calm } from './faults.ts';
import { runPart } from './seeds.ts';
import { simulate } from './simulate.ts';

describe('a simulated provider', () => {
  it('keeps its promises, seeds 1 to 500', { timeout: 120_000 }, () => {
    expect(runPart(0)).toEqual([]);
  });

  it('is the same run for the same seed, line by line', () => {
    const tell = () => {
      const lines: string[] = [];
      simulate({ seed: 7, trace: (line) => lines.push(line) });
      return lines;
    };
    const lines = tell();
    expect(lines.length).toBeGreaterThan(50);
    expect(tell()).toEqual(lines);
  });

  it('meets what it is for: lost answers, dead processes, cut connections, and people who get through all the same', () => {
    const results = Array.from({ length: 30 }, (_, seed) => simulate({ seed: 10_000 + seed }));
    const sum = (count: (result: (typeof results)[number]) => number) =>
      results.reduce((all, one) => all + count(one), 0);
    expect(sum(({ processes }) => processes)).toBeGreaterThan(60);
    expect(sum(({ accepted }) => accepted)).toBeGreaterThan(500);
  });

  // Found by wakes: a user actor whose process was fenced refused what was long true at its successor.
  it('hears no refusal from an owner that is one no more, seed 245', () => {
    expect(simulate({ seed: 245, forgets: false, faults: { wakes: 1 } }).violations).toEqual([]);
  });

  // A known limit, and why runs that erase an account have room for 16: see README.md. A seed that passes here some day proves nothing, where other code made another run of it: scan for
  // another one with `activeMax: 4` and `forgets: true`.
  it('wakes an erased account and its rooms over and over where they alone fill the memory, seed 4789', () => {
    const left = 'nobody is there and nothing to do, and there is left 4 addresses, 4 logs: ';
    expect(simulate({ seed: 4789, activeMax: 4 }).violations).toEqual([left]);
    expect(simulate({ seed: 4789 }).violations).toEqual([]);
  });

  it('says nothing of faults where there are none', () => {
    const { violations, processes } = simulate({ seed: 3, faults: calm });
    expect({ violations, processes }).toEqual({ violations: [], processes: 2 });
  });
});
