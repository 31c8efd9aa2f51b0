// What is under way of each write of a call. Guarantees: a write is told done once, when all of its parts have succeeded; one with a part that failed, never.

export class Parts {
  /** By write: parts under way, and one until all of them have begun. */
  readonly #left: number[];
  readonly #done: (at: number) => void;

  constructor(writes: number, done: (at: number) => void) {
    this.#left = new Array<number>(writes).fill(1);
    this.#done = done;
  }

  began(at: number): void {
    this.#left[at]!++;
  }

  /** A part has succeeded, or the last one has begun. */
  ended(at: number): void {
    if (--this.#left[at]! === 0) this.#done(at);
  }
}
