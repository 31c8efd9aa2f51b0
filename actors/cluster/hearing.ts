// At the node of the sessions: which audiences they hear from which other node, so that the owner can be told when nobody is left (listeners.ts).

export class Hearing {
  readonly #audiences = new Map<string, number>();

  /** Audiences heard from elsewhere. */
  get size(): number {
    return this.#audiences.size;
  }

  /** A join or watch came from the owner. */
  joined(key: string, seat: number): void {
    this.#audiences.set(key, seat);
  }

  /** No session hears it any more: the seat to tell. Undefined where it is an audience of this node. */
  emptied(key: string): number | undefined {
    const seat = this.#audiences.get(key);
    this.#audiences.delete(key);
    return seat;
  }

  /** Audiences that are not heard any more, because the link to their node ended or they moved away; with the seat of that node. */
  lost(isLost: (key: string, seat: number) => boolean): Map<string, number> {
    const lost = new Map<string, number>();
    for (const [key, seat] of this.#audiences) if (isLost(key, seat)) lost.set(key, seat);
    for (const key of lost.keys()) this.#audiences.delete(key);
    return lost;
  }
}
