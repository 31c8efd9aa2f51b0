// How much may be searched, so that nobody reads the directory out by trying names: of one user, whatever their devices and connections, and of this node in
// all, whoever asks. It protects identity, so it fails closed: when it can't remember another user, that one is refused. In memory, of one node: a user of
// several nodes may search as much on each, and on one that was started anew. The day's rate allows for that. Pure but for its tables; time is passed in.
import { ClosedBuckets } from '../rates/closed-buckets.ts';

export interface SearchLimits {
  /** Searches of a user at once. One more: RATE_LIMITED. */
  readonly userBurst: number;
  /** Milliseconds until a user may search once more. */
  readonly userEveryMs: number;
  /** Searches of a user a day, and as many besides on the first. One more: RATE_LIMITED, until there is one again. */
  readonly userDayMax: number;
  /** Searches at once on this node. One more: RATE_LIMITED. */
  readonly nodeBurst: number;
  /** Milliseconds until this node answers one more. */
  readonly nodeEveryMs: number;
  /** Users remembered, each until they may search all at once again; of the day's rate twice as many. One more: RATE_LIMITED. */
  readonly usersMax: number;
}

/** 40 searches find a person whose name one half knows, and nobody looks for 200 people a day. A search shows ten names at most: of 200,000 one user sees
 * 2,000 a day at most on a node, if no two searches show the same one, which is 99 days on one node, 32 on three, 9 on ten. */
export const searchLimits: SearchLimits = {
  userBurst: 40,
  userEveryMs: 60_000,
  userDayMax: 200,
  nodeBurst: 200,
  nodeEveryMs: 20,
  usersMax: 100_000,
};

const dayMs = 86_400_000;

/** The bucket of the whole node. */
const node = '';

export class Searches {
  readonly #users: ClosedBuckets;
  readonly #days: ClosedBuckets;
  readonly #node: ClosedBuckets;

  constructor({ userBurst, userEveryMs, userDayMax, nodeBurst, nodeEveryMs, usersMax }: SearchLimits = searchLimits) {
    this.#users = new ClosedBuckets({ burst: userBurst, everyMs: userEveryMs, keysMax: usersMax });
    this.#days = new ClosedBuckets({ burst: userDayMax, everyMs: dayMs / userDayMax, keysMax: 2 * usersMax });
    this.#node = new ClosedBuckets({ burst: nodeBurst, everyMs: nodeEveryMs, keysMax: 1 });
  }

  /** Users that are remembered. */
  get size(): number {
    return Math.max(this.#users.size, this.#days.size);
  }

  /** Takes one search; 0 = taken, else milliseconds until there is one again. Refusing takes nothing, of none. */
  take(user: string, now: number): number {
    const ofUser = [this.#users, this.#days];
    const waitMs = Math.max(...ofUser.map((each) => each.waitMs(user, now)), this.#node.waitMs(node, now));
    if (waitMs > 0) return waitMs;
    this.#node.take(node, now);
    for (const each of ofUser) each.take(user, now);
    return 0;
  }
}
