import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bucket, DeviceBuckets } from './bucket.ts';
import { defaultRates } from './limits.ts';

describe('a bucket', () => {
  it('gives its burst and no more, then what time refills', () => {
    const bucket = new Bucket({ burst: 3, perSecond: 2 }, 0);
    expect([1, 2, 3, 4].map(() => bucket.take(0))).toEqual([0, 0, 0, 500]);
    expect([bucket.take(499), bucket.take(500), bucket.take(500)]).toEqual([1, 0, 500]);
    expect([1, 2, 3, 4].map(() => bucket.take(1_000_000))).toEqual([0, 0, 0, 500]);
  });

  it('takes several at once or none', () => {
    const bucket = new Bucket({ burst: 10, perSecond: 1 }, 0);
    expect([bucket.take(0, 7), bucket.take(0, 4), bucket.take(0, 3), bucket.take(0)]).toEqual([0, 1000, 0, 1000]);
    expect(bucket.take(10_000, 1000)).toBe(0);
  });

  it('refills nothing when the clock goes back', () => {
    const bucket = new Bucket({ burst: 1, perSecond: 1 }, 1000);
    expect([bucket.take(1000), bucket.take(0), bucket.take(500)]).toEqual([0, 1000, 500]);
  });

  it('never gives more than burst + rate x time, and keeps its word about when', () => {
    const steps = fc.array(fc.record({ after: fc.nat(3000), count: fc.integer({ min: 1, max: 5 }) }), {
      maxLength: 100,
    });
    fc.assert(
      fc.property(steps, (all) => {
        const bucket = new Bucket({ burst: 5, perSecond: 2 }, 0);
        let now = 0;
        let taken = 0;
        for (const { after, count } of all) {
          now += after;
          const waitMs = bucket.take(now, count);
          if (waitMs > 0) {
            now += waitMs;
            expect(bucket.take(now, count)).toBe(0);
          }
          taken += count;
          expect(taken).toBeLessThanOrEqual(5 + (now * 2) / 1000 + 1e-6);
        }
      }),
    );
  });
});

describe('the buckets of devices', () => {
  it('are remembered over sessions, and shared by the devices of a user where they are the user own', () => {
    const buckets = new DeviceBuckets(() => ({
      ...defaultRates,
      claim: { burst: 1, perSecond: 1 },
      submit: { burst: 1, perSecond: 1 },
    }));
    const one = buckets.of('@ann:lux', 1);
    expect([one.device.take('submit', 0), one.user.take('claim', 0)]).toEqual([0, 0]);
    const again = buckets.of('@ann:lux', 1);
    const other = buckets.of('@ann:lux', 2);
    expect([again.device.take('submit', 0), again.user.take('claim', 0)]).toEqual([1000, 1000]);
    expect([other.device.take('submit', 0), other.user.take('claim', 0)]).toEqual([0, 1000]);
    expect(buckets.of('@bob:lux', 1).user.take('claim', 0)).toBe(0);
  });

  it('may be wider for some users', () => {
    const wide = { ...defaultRates, submit: { burst: 1000, perSecond: 100 } };
    const buckets = new DeviceBuckets((user) => (user === '@bot:lux' ? wide : defaultRates));
    expect(buckets.of('@bot:lux', 1).device.take('submit', 0, 1000)).toBe(0);
    expect(buckets.of('@bot:lux', 1).device.take('submit', 0)).toBe(10);
  });

  it('are bounded: whose last login is longest ago is forgotten', () => {
    const buckets = new DeviceBuckets(() => ({ ...defaultRates, submit: { burst: 1, perSecond: 0.1 } }), 2);
    for (const device of [1, 2]) buckets.of('@ann:lux', device).device.take('submit', 0);
    buckets.of('@ann:lux', 1);
    expect(buckets.size).toBe(2);
    buckets.of('@ann:lux', 3);
    expect(buckets.size).toBe(2);
    expect(buckets.of('@ann:lux', 1).device.take('submit', 0)).toBe(10_000);
    expect(buckets.of('@ann:lux', 2).device.take('submit', 0)).toBe(0);
  });
});
