// The requests of a session that wait for their answer: bounded, and no number twice at a time.

/** What became of a request number. */
export type Admission = 'taken' | 'full' | 'reused';

/** At most `max` numbers, few enough that looking through them beats a set. */
export class Window {
  readonly #max: number;
  readonly #waiting: number[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  /** Requests that wait. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Would `take` succeed? */
  admits(request: number): Admission {
    if (this.#waiting.includes(request)) return 'reused';
    return this.#waiting.length >= this.#max ? 'full' : 'taken';
  }

  /** Notes a request that was admitted. */
  take(request: number): void {
    this.#waiting.push(request);
  }

  /** The answer came; false = nobody waits for this number. */
  free(request: number): boolean {
    const at = this.#waiting.indexOf(request);
    if (at < 0) return false;
    const last = this.#waiting.pop() as number;
    if (at < this.#waiting.length) this.#waiting[at] = last;
    return true;
  }
}
