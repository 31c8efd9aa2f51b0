// The same promises where a provider is several nodes: links break, processes die and stand still, shards move under the feet of everybody.
import { describe, expect, it } from 'vitest';
import { calm, unsettled } from './faults.ts';
import { failureOf, seedsOfNodes } from './seeds.ts';
import { simulate } from './simulate.ts';

describe.each([2, 3])('a simulated provider of %i nodes', (nodes) => {
  it(`keeps its promises, seeds 1 to ${seedsOfNodes}`, { timeout: 120_000 }, () => {
    const failures: string[] = [];
    for (let seed = 1; seed <= seedsOfNodes; seed++) {
      const { violations } = simulate({ seed, nodes });
      if (violations.length > 0) failures.push(`${failureOf(seed, violations)} --nodes ${nodes}`);
    }
    expect(failures).toEqual([]);
  });

  it(`says nothing that is long otherwise where processes are taken over from all the time, seeds 1 to ${seedsOfNodes}`, {
    timeout: 120_000,
  }, () => {
    const failures: string[] = [];
    for (let seed = 1; seed <= seedsOfNodes; seed++) {
      const { violations } = simulate({ seed, nodes, faults: unsettled });
      if (violations.length > 0) failures.push(`${failureOf(seed, violations)} --nodes ${nodes} --unsettled`);
    }
    expect(failures).toEqual([]);
  });

  it('has nothing to complain of where nothing goes wrong', () => {
    const { violations, accepted } = simulate({ seed: 3, nodes, faults: calm });
    expect(violations).toEqual([]);
    expect(accepted).toBeGreaterThan(10);
  });
});

// An answer that had found an old chain was given a second time by whoever was listed as invited, while the account was made: the log had been read before.
it('blames no provider for what people do while the account is made, seed 85', () => {
  expect(simulate({ seed: 85, nodes: 3, forgets: true }).violations).toEqual([]);
});
