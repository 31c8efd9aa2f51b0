// How long things took, in a few buckets: noting one costs some nanoseconds and no memory, however many there are.

/** Upper bounds, milliseconds, the bound included; what took longer is only in the count. */
export const boundsMs = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000] as const;

/** Durations since the start of the process. */
export class Histogram {
  readonly #buckets = new Array<number>(boundsMs.length).fill(0);
  #count = 0;
  #sumMs = 0;

  note(ms: number): void {
    this.#count++;
    this.#sumMs += ms;
    for (let at = 0; at < boundsMs.length; at++) {
      if (ms > (boundsMs[at] as number)) continue;
      this.#buckets[at] = (this.#buckets[at] as number) + 1;
      return;
    }
  }

  get count(): number {
    return this.#count;
  }

  get sumMs(): number {
    return this.#sumMs;
  }

  /** For each bound, how many took so long or less. */
  upTo(): readonly (readonly [boundMs: number, count: number])[] {
    let count = 0;
    return boundsMs.map((bound, at) => {
      count += this.#buckets[at] as number;
      return [bound, count] as const;
    });
  }
}
