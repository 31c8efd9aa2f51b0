// Who else is there: out of the register in the store (where each process should answer), the hints (who showed itself lately) and the links. Pure, by
// the clock it is given. Wrong answers cost time only: who is held for dead wrongly is fenced, ends, and starts anew.
import type { LiveNode } from '#actors/cluster/keeper.ts';
import type { NodeSign } from './hints.ts';
import type { NodePlace } from './links.ts';

/** Times, milliseconds. */
export const neighbourLimits = {
  /** Without link and without a sign of life in Redis, a node is dead after this. */
  silentMs: 500,
  /** The same where Redis can't be asked. */
  unlinkedMs: 10_000,
  /** A process that is not where it should answer is dead after this. */
  goneMs: 200,
};

/** What there is to go by. */
export interface Evidence {
  /** By the register, the newest process of each node; this node left out. */
  readonly places: readonly NodePlace[];
  readonly signs: readonly NodeSign[];
  readonly canAskRedis: boolean;
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

  /** `self`: the name of this node. */
  constructor(self: string) {
    this.#self = self;
  }

  /** The processes that this node should have links to. */
  get places(): NodePlace[] {
    return [...this.#known.values()].map(({ place }) => place);
  }

  /** The process of this seat says over its link that it is about to stop. */
  leaves(seat: number): void {
    for (const known of this.#known.values()) if (known.place.seat === seat) known.leaving = true;
  }

  /** Takes in what is known now; returns those that are alive. */
  look(evidence: Evidence, nowMs: number): LiveNode[] {
    // What Redis said before it could not be asked any more is old.
    const signs = evidence.canAskRedis ? evidence.signs : [];
    for (const place of [...evidence.places, ...signs]) this.#meet(place, nowMs);
    // Others are forgotten once they are dead.
    const named = new Set([...evidence.places, ...signs].map(({ node }) => node));
    const shown = new Map(signs.map((sign) => [sign.seat, sign]));
    const live: LiveNode[] = [];
    for (const known of this.#known.values()) {
      const { node, gen, seat } = known.place;
      const sign = shown.get(seat);
      const isLinked = evidence.isLinked(seat);
      const isGone = evidence.isGone(seat);
      // Nobody changes their mind.
      known.leaving ||= sign?.leaving === true;
      // Whoever is not where it answers may still show in Redis for a while.
      if (isLinked || evidence.isStrange(seat) || (sign !== undefined && !isGone)) known.seenMs = nowMs;
      const patienceMs = isGone
        ? neighbourLimits.goneMs
        : evidence.canAskRedis
          ? neighbourLimits.silentMs
          : neighbourLimits.unlinkedMs;
      if (nowMs - known.seenMs <= patienceMs)
        live.push({ node, gen, leaving: known.leaving, linked: isLinked ? seat : null });
      else if (!named.has(node)) this.#known.delete(node);
    }
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
