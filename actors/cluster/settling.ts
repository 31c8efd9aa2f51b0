// Order while a shard moves from one other node to another: the old one may still give letters back when the new one is known already. Both ends of
// the question that tells when that is over: `sync` and `synced` of proto/node.proto.

/** The end that asks: shards that have left a node from which letters may still come back. */
export class Settling {
  /** By shard, the node that it left. */
  readonly #left = new Map<number, number>();

  get size(): number {
    return this.#left.size;
  }

  has(shard: number): boolean {
    return this.#left.has(shard);
  }

  /** Is this node being asked about it? */
  isAsked(shard: number, seat: number): boolean {
    return this.#left.get(shard) === seat;
  }

  /** It has left this node. True = ask; false = another one is being asked, and meanwhile nothing was sent to this one. */
  begin(shard: number, seat: number): boolean {
    if (this.#left.has(shard)) return false;
    this.#left.set(shard, seat);
    return true;
  }

  /** The node has answered. True = that was awaited. */
  end(shard: number, seat: number): boolean {
    return this.isAsked(shard, seat) && this.#left.delete(shard);
  }

  /** The link to a node ended: nothing comes back from it any more. Returns the shards that had left it. */
  drop(seat: number): number[] {
    const shards = [...this.#left].filter(([, from]) => from === seat).map(([shard]) => shard);
    for (const shard of shards) this.#left.delete(shard);
    return shards;
  }
}

/** The end that answers: nodes to which letters were given back, and those that want to know when nothing more is. */
export class GivingBack {
  /** Shards by node: something was given back, and the node had not heard so when it sent what comes now. */
  readonly #begun = new Map<number, Set<number>>();
  #asked: { readonly seat: number; readonly shard: number }[] = [];

  /** Marks and questions. */
  get size(): number {
    let begun = 0;
    for (const shards of this.#begun.values()) begun += shards.size;
    return begun + this.#asked.length;
  }

  /** A letter of this node for this shard is given back. */
  begin(seat: number, shard: number): void {
    // Who asks waits for the answer.
    if (this.#asked.some((each) => each.seat === seat && each.shard === shard)) return;
    const shards = this.#begun.get(seat);
    if (shards === undefined) this.#begun.set(seat, new Set([shard]));
    else shards.add(shard);
  }

  /** Must what comes now be given back, too, though the shard may be here meanwhile? Else it would overtake. */
  has(seat: number, shard: number): boolean {
    return this.#begun.get(seat)?.has(shard) ?? false;
  }

  /** The node asks, and sends nothing for the shard until it is answered. */
  asked(seat: number, shard: number): void {
    this.#begun.get(seat)?.delete(shard);
    this.#asked.push({ seat, shard });
  }

  /** Takes out who may be answered: once for each question. */
  take(isOver: (shard: number) => boolean): readonly { readonly seat: number; readonly shard: number }[] {
    const over = this.#asked.filter(({ shard }) => isOver(shard));
    if (over.length > 0) this.#asked = this.#asked.filter(({ shard }) => !isOver(shard));
    return over;
  }

  /** Its link ended. */
  drop(seat: number): void {
    this.#begun.delete(seat);
    this.#asked = this.#asked.filter((each) => each.seat !== seat);
  }
}
