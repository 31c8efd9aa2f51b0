// Token buckets. Those of a device and of a user outlive the session, so that connecting again gives nobody a fresh burst. They bind who asks.
// They protect availability, so they fail open: a forgotten bucket is a full one.
import type { DeviceRateClass, Rate, RateClass, Rates, UserRateClass } from './limits.ts';

/** Parts of a token: with these, whole milliseconds and whole rates make whole numbers. */
const parts = 1000;

/** One bucket: full at first, refilled by time alone. */
export class Bucket {
  readonly #rate: Rate;
  #parts: number;
  #at: number;

  constructor(rate: Rate, now: number) {
    this.#rate = rate;
    this.#parts = rate.burst * parts;
    this.#at = now;
  }

  /**
   * Takes `count` tokens at `now`. 0 = taken; else nothing is taken and it is the milliseconds after which it would be. More than the whole
   * burst is taken as the burst.
   */
  take(now: number, count = 1): number {
    const { burst, perSecond } = this.#rate;
    // A clock that went back refills nothing.
    this.#parts = Math.min(burst * parts, this.#parts + Math.max(0, now - this.#at) * perSecond);
    this.#at = now;
    const wanted = Math.min(count, burst) * parts;
    if (this.#parts >= wanted) {
      this.#parts -= wanted;
      return 0;
    }
    return Math.max(1, Math.ceil((wanted - this.#parts) / perSecond));
  }
}

/** The buckets of one device or one user, each made when first used. */
export class BucketSet<Class extends RateClass> {
  readonly #rates: Rates;
  #buckets: Map<Class, Bucket> | null = null;

  constructor(rates: Rates) {
    this.#rates = rates;
  }

  /** See Bucket.take. */
  take(name: Class, now: number, count = 1): number {
    this.#buckets ??= new Map();
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      bucket = new Bucket(this.#rates[name], now);
      this.#buckets.set(name, bucket);
    }
    return bucket.take(now, count);
  }
}

/** The buckets of one connection: its device's and its user's. */
export interface SessionBuckets {
  readonly device: BucketSet<DeviceRateClass>;
  readonly user: BucketSet<UserRateClass>;
}

/** Devices (and as many users) that are remembered at most; beyond, who logged in longest ago is forgotten. */
export const devicesRememberedMax = 100_000;

/** All buckets of a node, shared by its sessions. */
export class DeviceBuckets {
  readonly #ratesOf: (user: string) => Rates;
  readonly #max: number;
  readonly #devices = new Map<string, BucketSet<DeviceRateClass>>();
  readonly #users = new Map<string, BucketSet<UserRateClass>>();

  /** `ratesOf` may give some users, bots above all, other rates. */
  constructor(ratesOf: (user: string) => Rates, max = devicesRememberedMax) {
    this.#ratesOf = ratesOf;
    this.#max = max;
  }

  /** Devices that are remembered. */
  get size(): number {
    return this.#devices.size;
  }

  /** The buckets for a device that logged in: those it had before, if they are remembered. */
  of(user: string, device: number): SessionBuckets {
    return {
      device: this.#recall(this.#devices, `${user}/${device}`, user),
      user: this.#recall(this.#users, user, user),
    };
  }

  #recall<Class extends RateClass>(sets: Map<string, BucketSet<Class>>, key: string, user: string): BucketSet<Class> {
    const set = sets.get(key) ?? new BucketSet<Class>(this.#ratesOf(user));
    // A map keeps the order of insertion: taken out and put back, the key is the newest.
    sets.delete(key);
    sets.set(key, set);
    if (sets.size > this.#max) {
      const oldest = sets.keys().next();
      if (oldest.done !== true) sets.delete(oldest.value);
    }
    return set;
  }
}
