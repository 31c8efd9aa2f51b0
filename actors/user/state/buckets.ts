// How fast a user may do what costs others: one bucket per matter, filled with time. Kept in memory only: a user actor sleeps after half a
// minute without work, and then the buckets are full again, so the bursts are chosen as what one may do every half minute at worst.
import { userLimits } from '../limits.ts';

/** What is metered. */
export type Metered = 'manifest' | 'claim' | 'stranger';

const sizes: Readonly<Record<Metered, { readonly burst: number; readonly everyMs: number }>> = {
  manifest: { burst: userLimits.manifestBurst, everyMs: userLimits.manifestEveryMs },
  claim: { burst: userLimits.claimBurst, everyMs: userLimits.claimEveryMs },
  stranger: { burst: userLimits.strangerBurst, everyMs: userLimits.strangerEveryMs },
};

/** The buckets of one user. */
export class Buckets {
  readonly #spent = new Map<Metered, { spent: number; atMs: number }>();

  /** Takes `amount` out; returns 0, or how many milliseconds to wait when the bucket does not hold so much (then nothing is taken). */
  take(metered: Metered, amount: number, now: number): number {
    const { burst, everyMs } = sizes[metered];
    const bucket = this.#spent.get(metered) ?? { spent: 0, atMs: now };
    const spent = Math.max(0, bucket.spent - Math.max(0, now - bucket.atMs) / everyMs);
    if (spent + amount > burst) return Math.ceil((spent + amount - burst) * everyMs);
    this.#spent.set(metered, { spent: spent + amount, atMs: now });
    return 0;
  }
}
