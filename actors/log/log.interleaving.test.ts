// Random schedules of three generations, crashes, hand-overs, rolls and time-outs over replicas that see writes at different times. The protocol holds in
// all of them; with any one rule left out some schedule breaks, which shows that the schedules reach what the rules are for.
import { describe, expect, it } from 'vitest';
import type { Rule } from './rules.ts';
import { runSchedule } from './testing/schedule.ts';

const seeds = 20_000;
/** Within how many seeds a rule left out must be noticed. */
const mutantSeeds = 20_000;
/** Schedules in which an owner that was fenced wakes up to close its log while the next one reads its state: what rule 13 was made for. */
const woken = [13_450, 46_476, 119_153, 171_674, 182_164];

describe('the log under every interleaving that comes up', () => {
  it(`holds in ${seeds} schedules`, { timeout: 60_000 }, () => {
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

  it.each(woken)('holds in schedule %i, which breaks when rule 13 is left out', (seed) => {
    expect(runSchedule({ seed }).violation).toBeNull();
    expect(runSchedule({ seed, omit: 13 }).violation).not.toBeNull();
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13] satisfies Rule[])(
    'breaks when rule %i is left out',
    { timeout: 60_000 },
    (omit) => {
      let seed = 1;
      while (seed <= mutantSeeds && runSchedule({ seed, omit }).violation === null) seed++;
      expect(seed, 'the first seed that notices').toBeLessThanOrEqual(mutantSeeds);
    },
  );
});
