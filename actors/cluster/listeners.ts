// At the owner of rooms and users: which other nodes have sessions that hear them. A node comes in with each packet that makes one of its sessions a
// hearer, and goes when it says that none is left, having seen the last of those packets: so a join and a leave that cross lose nothing.

/** Of one audience: the number of the last join that each node was sent, counted by link. */
type Joins = Map<number, number>;

const nobody: ReadonlyMap<number, number> = new Map();

export class Listeners {
  readonly #audiences = new Map<string, Joins>();

  /** Audiences with hearers elsewhere. */
  get size(): number {
    return this.#audiences.size;
  }

  /** A session of that node is told to join: the `join`-th such packet of the link. */
  joined(key: string, seat: number, join: number): void {
    const joins = this.#audiences.get(key);
    if (joins === undefined) this.#audiences.set(key, new Map([[seat, join]]));
    else joins.set(seat, join);
  }

  /** The node had none left when `joins` of those packets had come. */
  left(key: string, seat: number, joins: number): void {
    const last = this.#audiences.get(key)?.get(seat);
    if (last !== undefined && last <= joins) this.#remove(key, seat);
  }

  /** The nodes with hearers. */
  of(key: string): Iterable<number> {
    return (this.#audiences.get(key) ?? nobody).keys();
  }

  /** The link to a node ended: it hears nothing any more. */
  drop(seat: number): void {
    for (const key of this.#audiences.keys()) this.#remove(key, seat);
  }

  /** These audiences are somebody else's from now on. */
  forget(isTheirs: (key: string) => boolean): void {
    for (const key of this.#audiences.keys()) if (isTheirs(key)) this.#audiences.delete(key);
  }

  #remove(key: string, seat: number): void {
    const joins = this.#audiences.get(key);
    joins?.delete(seat);
    if (joins?.size === 0) this.#audiences.delete(key);
  }
}
