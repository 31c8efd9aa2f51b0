// Who else is there: out of the register in the store (where each process should answer), the hints (who showed itself lately) and the links. Pure, by
// the clock it is given. Wrong answers cost time only: who is held for dead wrongly is fenced, ends, and starts anew.
import type { LiveNode } from '#actors/cluster/keeper.ts';
import type { SeenSign } from './hints.ts';
import type { NodePlace } from './links.ts';

/** Times, milliseconds. */
export const neighbourLimits = {
  /** Without link and without a sign of life in Redis, a node is dead after this. */
  silentMs: 500,
  /** The same where Redis can't be asked. */
  unlinkedMs: 10_000,
  /** A process that is not where it should answer, and does not show itself in Redis either, is dead after this. */
  goneMs: 200,
  /** Of such a process only a sign counts that is no older: one and a half times as old as a process that runs lets it become. */
  renewedMs: 750,
};

/** What there is to go by. */
export interface Evidence {
  /** By the register, the newest process of each node; this node left out. */
  readonly places: readonly NodePlace[];
  readonly signs: readonly SeenSign[];
  /** Null = not known yet: its answer may come any moment. */
  readonly canAskRedis: boolean | null;
  readonly isLinked: (seat: number) => boolean;
  readonly isGone: (seat: number) => boolean;
  /** It answers, and no link comes about. */
  readonly isStrange: (seat: number) => boolean;
}

interface Known {
  readonly place: NodePlace;
  /** When it was last linked or shown. */
  seenMs: number;
  leaving: boolean;
}

export class Neighbours {
  readonly #self: string;
  #known = new Map<string, Known>();
  #isInDoubt = false;

  /** `self`: the name of this node. */
  constructor(self: string) {
    this.#self = self;
  }

  /** The processes that this node should have links to. */
  get places(): NodePlace[] {
    return [...this.#known.values()].map(({ place }) => place);
  }

  /** Somebody is not where it answers and shows in Redis: how old that sign is has to be known soon. */
  get isInDoubt(): boolean {
    return this.#isInDoubt;
  }

  /** The process of this seat says over its link that it is about to stop. */
  leaves(seat: number): void {
    for (const known of this.#known.values()) if (known.place.seat === seat) known.leaving = true;
  }

  /** Takes in what is known now; returns those that are alive. */
  look(evidence: Evidence, nowMs: number): LiveNode[] {
    // What Redis said before it could not be asked any more is old.
    const { canAskRedis } = evidence;
    const signs = canAskRedis === true ? evidence.signs : [];
    for (const place of [...evidence.places, ...signs]) this.#meet(place, nowMs);
    // Others are forgotten once they are dead.
    const named = new Set([...evidence.places, ...signs].map(({ node }) => node));
    const shown = new Map(signs.map((sign) => [sign.seat, sign]));
    const live: LiveNode[] = [];
    let isInDoubt = false;
    for (const known of this.#known.values()) {
      const { node, gen, seat } = known.place;
      const sign = shown.get(seat);
      const isLinked = evidence.isLinked(seat);
      const isGone = evidence.isGone(seat);
      // Nobody changes their mind.
      known.leaving ||= sign?.leaving === true;
      // Of one that was killed the sign stays in Redis for a while; one that others can't reach, since the network refuses for it, goes on renewing it.
      const isShown = sign !== undefined && (!isGone || sign.ageMs <= neighbourLimits.renewedMs);
      if (isLinked || isShown || evidence.isStrange(seat)) known.seenMs = nowMs;
      isInDoubt ||= isGone && sign !== undefined;
      if (nowMs - known.seenMs <= patienceMs({ isGone, canAskRedis }))
        live.push({ node, gen, leaving: known.leaving, linked: isLinked ? seat : null });
      else if (!named.has(node)) this.#known.delete(node);
    }
    this.#isInDoubt = isInDoubt;
    return live;
  }

  /** The newest process of a node counts. */
  #meet({ node, gen, seat, address }: NodePlace, nowMs: number): void {
    if (node === this.#self) return;
    const known = this.#known.get(node);
    if (known !== undefined && known.place.seat >= seat) return;
    this.#known.set(node, { place: { node, gen, seat, address }, seenMs: nowMs, leaving: false });
  }
}

/** How long somebody may be neither linked nor shown. Before Redis had time to answer a refusal says nothing: it may be the network that refuses. */
function patienceMs({ isGone, canAskRedis }: { isGone: boolean; canAskRedis: boolean | null }): number {
  if (isGone && canAskRedis !== null) return neighbourLimits.goneMs;
  return canAskRedis === true ? neighbourLimits.silentMs : neighbourLimits.unlinkedMs;
}
