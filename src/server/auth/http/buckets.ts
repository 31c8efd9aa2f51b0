// Counts requests per source: a token bucket that holds a minute's worth, and fails closed (../../rates/closed-buckets.ts).
import { ClosedBuckets } from '../../rates/closed-buckets.ts';

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
  const buckets = new ClosedBuckets({ burst: perMinute, everyMs: minuteMs / perMinute, keysMax: sourcesMax });
  return { take: (source) => buckets.take(source, now()) };
}
