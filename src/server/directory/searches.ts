// How much may be searched, so that nobody reads the directory out by trying names: of one user, whatever their devices and connections, and of this node in
// all, whoever asks. It protects identity, so it fails closed: when it can't remember another user, that one is refused. In memory, of one node: a user of
// several nodes may search as much on each. Pure but for its tables; time is passed in.
import { ClosedBuckets } from '../rates/closed-buckets.ts';

export interface SearchLimits {
  /** Searches of a user at once. One more: RATE_LIMITED. */
  readonly userBurst: number;
  /** Milliseconds until a user may search once more. */
  readonly userEveryMs: number;
  /** Searches at once on this node. One more: RATE_LIMITED. */
  readonly nodeBurst: number;
  /** Milliseconds until this node answers one more. */
  readonly nodeEveryMs: number;
  /** Users remembered, each until they may search all at once again. One more: RATE_LIMITED. */
  readonly usersMax: number;
}

/** 40 searches find a person whose name one half knows; of 200,000 names one user sees 14,400 a day at most, if no two searches show the same one. */
export const searchLimits: SearchLimits = {
  userBurst: 40,
  userEveryMs: 60_000,
  nodeBurst: 200,
  nodeEveryMs: 20,
  usersMax: 100_000,
};

/** The bucket of the whole node. */
const node = '';

export class Searches {
  readonly #users: ClosedBuckets;
  readonly #node: ClosedBuckets;

  constructor({ userBurst, userEveryMs, nodeBurst, nodeEveryMs, usersMax }: SearchLimits = searchLimits) {
    this.#users = new ClosedBuckets({ burst: userBurst, everyMs: userEveryMs, keysMax: usersMax });
    this.#node = new ClosedBuckets({ burst: nodeBurst, everyMs: nodeEveryMs, keysMax: 1 });
  }

  /** Users that are remembered. */
  get size(): number {
    return this.#users.size;
  }

  /** Takes one search; 0 = taken, else milliseconds until there is one again. Refusing takes nothing, of neither. */
  take(user: string, now: number): number {
    const waitMs = Math.max(this.#users.waitMs(user, now), this.#node.waitMs(node, now));
    if (waitMs > 0) return waitMs;
    this.#node.take(node, now);
    return this.#users.take(user, now);
  }
}
