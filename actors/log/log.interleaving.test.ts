// Random schedules of three generations, crashes, hand-overs, rolls and time-outs over replicas that see writes at different times. The protocol holds in
// all of them; with any one rule left out some schedule breaks, which shows that the schedules reach what the rules are for.
import { describe, expect, it } from 'vitest';
import type { Rule } from './rules.ts';
import { runSchedule } from './testing/schedule.ts';

const seeds = 20_000;
/** Within how many seeds a rule left out must be noticed. */
const mutantSeeds = 20_000;
/** Schedules of two losses that were in the product, and the rules that were made for them. */
const lost: readonly (readonly [what: string, rule: Rule, seeds: readonly number[]])[] = [
  [
    'an owner that was fenced wakes up and closes its log while the next one reads its state',
    13,
    [3_247, 13_659, 18_237],
  ],
  ['a shard comes back, and the opening of the owner in between comes late', 14, [951, 4_179, 5_879]],
];

describe('the log under every interleaving that comes up', () => {
  it(`holds in ${seeds} schedules`, { timeout: 120_000 }, () => {
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

  it.each(lost)('holds where %s, which breaks when rule %i is left out', (_, omit, seeds) => {
    for (const seed of seeds) {
      expect(runSchedule({ seed }).violation, `seed ${seed}`).toBeNull();
      expect(runSchedule({ seed, omit }).violation, `seed ${seed}`).not.toBeNull();
    }
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] satisfies Rule[])(
    'breaks when rule %i is left out',
    { timeout: 120_000 },
    (omit) => {
      let seed = 1;
      while (seed <= mutantSeeds && runSchedule({ seed, omit }).violation === null) seed++;
      expect(seed, 'the first seed that notices').toBeLessThanOrEqual(mutantSeeds);
    },
  );
});
