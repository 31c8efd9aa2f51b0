import { describe, expect, it } from 'vitest';
import { mutations } from './mutations.ts';
import { seedsInTests } from './seeds.ts';
import { simulate } from './simulate.ts';

/** What a log notices of its actor by itself proves nothing about the simulator. */
function isFound(violation: string): boolean {
  return !violation.startsWith('a log was used wrongly');
}

describe('a planted mistake is found within the seeds of a test run', () => {
  it.each(Object.entries(mutations))('%s', { timeout: 120_000 }, (_, plant) => {
    let seed = 1;
    while (seed <= seedsInTests && !simulate({ seed, mutation: plant() }).violations.some(isFound)) seed++;
    expect(seed).toBeLessThanOrEqual(seedsInTests);
  });
});
