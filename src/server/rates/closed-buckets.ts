// Token buckets by key that fail closed, for what protects identity: when the table is full of keys that still count, a new one is refused, and none is
// forgotten that does. In memory, of one node. Pure but for its table; time is passed in.

export interface BucketRate {
  /** Tokens at once. */
  readonly burst: number;
  /** Milliseconds until there is one more. */
  readonly everyMs: number;
  /** Keys remembered, each until its bucket is full again. One more: refused. */
  readonly keysMax: number;
}

/** Half a microsecond of tolerance: the sum of many fractions must not cost the last token. */
const toleranceMs = 0.0005;

export class ClosedBuckets {
  readonly #rate: BucketRate;
  /** When each key's bucket is full again; in order of last use. */
  readonly #fullAt = new Map<string, number>();

  constructor(rate: BucketRate) {
    this.#rate = rate;
  }

  /** Keys that are remembered. */
  get size(): number {
    return this.#fullAt.size;
  }

  /** Milliseconds until a token is there; 0 = now. Takes nothing. */
  waitMs(key: string, now: number): number {
    const { burst, everyMs, keysMax } = this.#rate;
    const fillMs = burst * everyMs;
    const known = this.#fullAt.get(key);
    // Never later than an empty bucket: a clock that was set back must not keep anyone out.
    if (known !== undefined && known > now + fillMs) this.#fullAt.set(key, now + fillMs);
    const waitMs = this.#fullFrom(key, now) + everyMs - now - fillMs;
    if (waitMs > toleranceMs) return waitMs;
    const hasPlace = known !== undefined || this.#fullAt.size < keysMax || this.#forgetFull(now);
    return hasPlace ? 0 : fillMs;
  }

  /** Takes one token; 0 = taken, else milliseconds until one is there. Refusing takes nothing. */
  take(key: string, now: number): number {
    const waitMs = this.waitMs(key, now);
    if (waitMs > 0) return waitMs;
    const fullAt = this.#fullFrom(key, now) + this.#rate.everyMs;
    // Taken out and put back, it is the newest.
    this.#fullAt.delete(key);
    this.#fullAt.set(key, fullAt);
    return 0;
  }

  #fullFrom(key: string, now: number): number {
    return Math.max(this.#fullAt.get(key) ?? 0, now);
  }

  /** Looks at a few of the longest unused. */
  #forgetFull(now: number): boolean {
    let forgotten = false;
    let looked = 0;
    for (const [key, fullAt] of this.#fullAt) {
      if (looked++ === 16) break;
      if (fullAt <= now) forgotten = this.#fullAt.delete(key) || forgotten;
    }
    return forgotten;
  }
}
