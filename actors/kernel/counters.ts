// Named sums that the host exports as metrics. Names are fixed in code, never made of ids, so their number is bounded.

export class Counters {
  readonly #sums = new Map<string, number>();

  add(name: string, by = 1): void {
    this.#sums.set(name, (this.#sums.get(name) ?? 0) + by);
  }

  /** 0 for one that never counted. */
  get(name: string): number {
    return this.#sums.get(name) ?? 0;
  }

  /** All that ever counted. */
  all(): ReadonlyMap<string, number> {
    return this.#sums;
  }
}
