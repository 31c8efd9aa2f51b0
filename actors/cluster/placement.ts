// Who has which shard, as this node believes. A belief may be old: whoever is asked in vain sends the letter back. Safety is the fence's business.
import { shardCount } from '../log/shards.ts';

/**
 * `here`: this node owns it and runs its actors. `giving`: it stops them, to hand the shard over. A number: the node of that seat, with a link to it.
 * `nobody`: not known, or its node can't be reached.
 */
export type Place = 'here' | 'giving' | 'nobody' | number;

/** Are its actors on this node? */
export function isOwn(place: Place): boolean {
  return place === 'here' || place === 'giving';
}

export class Placement {
  readonly #places: Place[] = Array.from({ length: shardCount }, () => 'nobody');

  of(shard: number): Place {
    return this.#places[shard] ?? 'nobody';
  }

  /** Returns the place before. */
  set(shard: number, place: Place): Place {
    const before = this.of(shard);
    this.#places[shard] = place;
    return before;
  }

  /** The shards of this place. */
  shardsOf(place: Place): number[] {
    return [...this.#places.keys()].filter((shard) => this.#places[shard] === place);
  }
}
