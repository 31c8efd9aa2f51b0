import { describe, expect, it } from 'vitest';
import { mutations } from './mutations.ts';
import { failureOf, seedsInTests, seedsOfNodes } from './seeds.ts';
import { simulate } from './simulate.ts';

/** What a log notices of its actor by itself proves nothing about the simulator. */
function isFound(violation: string): boolean {
  return !violation.startsWith('a log was used wrongly');
}

describe('a planted mistake is found within the seeds of a test run, by a seed that replays it', () => {
  it.each(Object.entries(mutations))('%s', { timeout: 120_000 }, (_, plant) => {
    const { nodes = 1 } = plant();
    const seeds = nodes === 1 ? seedsInTests : seedsOfNodes;
    const run = (seed: number) => simulate({ seed, nodes, mutation: plant() }).violations;
    let seed = 1;
    let violations = run(seed);
    while (seed < seeds && !violations.some(isFound)) violations = run(++seed);
    expect(violations.some(isFound)).toBe(true);
    const replayed = Number(/--seed (\d+)/.exec(failureOf(seed, violations))?.[1]);
    expect(run(replayed)).toEqual(violations);
  });
});
