// How much may be searched, so that nobody reads the directory out by trying names: of one user, whatever their devices and connections, and of this node in
// all, whoever asks. It protects identity, so it fails closed: when it can't remember another user, that one is refused. In memory, of one node: a user of
// several nodes may search as much on each. Pure but for its table; time is passed in.

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

export class Searches {
  readonly #limits: SearchLimits;
  /** When each user may search all at once again; in the order of last use. */
  readonly #fullAt = new Map<string, number>();
  #nodeFullAt = 0;

  constructor(limits: SearchLimits = searchLimits) {
    this.#limits = limits;
  }

  /** Users that are remembered. */
  get size(): number {
    return this.#fullAt.size;
  }

  /** Takes one search; 0 = taken, else milliseconds until there is one again. Refusing takes nothing. */
  take(user: string, now: number): number {
    const { userBurst, userEveryMs, nodeBurst, nodeEveryMs, usersMax } = this.#limits;
    // Never later than an empty bucket: a clock that was set back must not keep anyone out.
    const [userEmpty, nodeEmpty] = [now + userBurst * userEveryMs, now + nodeBurst * nodeEveryMs];
    const known = this.#fullAt.get(user);
    if (known !== undefined && known > userEmpty) this.#fullAt.set(user, userEmpty);
    this.#nodeFullAt = Math.min(this.#nodeFullAt, nodeEmpty);
    const userFullAt = Math.min(Math.max(known ?? 0, now), userEmpty) + userEveryMs;
    const nodeFullAt = Math.max(this.#nodeFullAt, now) + nodeEveryMs;
    const waitMs = Math.max(userFullAt - userEmpty, nodeFullAt - nodeEmpty);
    if (waitMs > 0) return waitMs;
    if (known === undefined && this.#fullAt.size >= usersMax && !this.#forgetFull(now)) return userEveryMs;
    this.#nodeFullAt = nodeFullAt;
    // Taken out and put back, it is the newest.
    this.#fullAt.delete(user);
    this.#fullAt.set(user, userFullAt);
    return 0;
  }

  /** Looks at a few of those who searched longest ago. */
  #forgetFull(now: number): boolean {
    let forgotten = false;
    let looked = 0;
    for (const [user, fullAt] of this.#fullAt) {
      if (looked++ === 16) break;
      if (fullAt <= now) forgotten = this.#fullAt.delete(user) || forgotten;
    }
    return forgotten;
  }
}
