// Counts requests per source: a token bucket that holds a minute's worth. It protects identity, so it fails closed: when its table is full of
// sources that still count, a new one is refused. Pure but for its table; time is passed in.

/** One named limit. */
export interface SourceBuckets {
  /** Takes one token; 0 = taken, else milliseconds until one is there. Refusing takes nothing. */
  take(source: string): number;
}

const minuteMs = 60_000;

/** Buckets that hold and, over a minute, refill `perMinute` tokens for each of at most `sourcesMax` sources. */
export function sourceBuckets(options: {
  readonly perMinute: number;
  readonly sourcesMax: number;
  readonly now: () => number;
}): SourceBuckets {
  const { perMinute, sourcesMax, now } = options;
  const perTokenMs = minuteMs / perMinute;
  // When each source's bucket is full again; in order of last use.
  const fullAt = new Map<string, number>();
  return {
    take(source) {
      const nowMs = now();
      const known = fullAt.get(source) ?? 0;
      // Never later than an empty bucket: a clock set back must not keep anyone out.
      if (known > nowMs + minuteMs) fullAt.set(source, nowMs + minuteMs);
      const full = Math.min(Math.max(known, nowMs), nowMs + minuteMs);
      const waitMs = full + perTokenMs - nowMs - minuteMs;
      // Half a microsecond of tolerance: the sum of many fractions must not cost the last token.
      if (waitMs > 0.0005) return waitMs;
      if (!fullAt.has(source) && fullAt.size >= sourcesMax && !forgetFull(fullAt, nowMs)) return minuteMs;
      fullAt.delete(source);
      fullAt.set(source, full + perTokenMs);
      return 0;
    },
  };
}

// Looks at a few of the longest unused; a minute after its last use every bucket is full.
function forgetFull(fullAt: Map<string, number>, nowMs: number): boolean {
  let forgotten = false;
  let looked = 0;
  for (const [source, full] of fullAt) {
    if (looked++ === 16) break;
    if (full <= nowMs) forgotten = fullAt.delete(source) || forgotten;
  }
  return forgotten;
}
