// Random schedules of three generations, crashes, hand-overs, rolls and time-outs over replicas that see writes at different times. The protocol holds in
// all of them; with any one rule left out some schedule breaks, which shows that the schedules reach what the rules are for.
import { describe, expect, it } from 'vitest';
import type { Rule } from './rules.ts';
import { runSchedule } from './testing/schedule.ts';

const seeds = 3_000;
/** Within how many seeds a rule left out must be noticed. */
const mutantSeeds = 20_000;

describe('the log under every interleaving that comes up', () => {
  it(`holds in ${seeds} schedules`, () => {
    let [acks, takeovers] = [0, 0];
    for (let seed = 1; seed <= seeds; seed++) {
      const outcome = runSchedule({ seed });
      expect(outcome.violation, `seed ${seed}`).toBeNull();
      acks += outcome.acks;
      takeovers += outcome.takeovers;
    }
    // Schedules in which nothing happens would hold as well.
    expect(acks).toBeGreaterThan(seeds);
    expect(takeovers).toBeGreaterThan(seeds);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] satisfies Rule[])('breaks when rule %i is left out', (omit) => {
    let seed = 1;
    while (seed <= mutantSeeds && runSchedule({ seed, omit }).violation === null) seed++;
    expect(seed, 'the first seed that notices').toBeLessThanOrEqual(mutantSeeds);
  });
});
