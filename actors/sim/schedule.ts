// Virtual time: everything that happens later waits here, and happens in the order of its time, then of its asking. Time stands still while
// something happens, and jumps to the next thing after.

interface Planned {
  readonly at: number;
  readonly order: number;
  readonly happen: () => void;
}

/** One world's time, in milliseconds since the epoch. */
export class Schedule {
  now: number;
  /** Things that happened. */
  happened = 0;
  #order = 0;
  readonly #heap: Planned[] = [];

  constructor(now: number) {
    this.now = now;
  }

  /** Does it later; a time in the past means next. */
  at(time: number, happen: () => void): void {
    this.#push({ at: Math.max(time, this.now), order: this.#order++, happen });
  }

  after(delayMs: number, happen: () => void): void {
    this.at(this.now + delayMs, happen);
  }

  /** Lets everything happen that is planned up to then. */
  runUntil(time: number): void {
    for (let first = this.#heap[0]; first !== undefined && first.at <= time; first = this.#heap[0]) {
      this.#pop();
      this.now = first.at;
      this.happened++;
      first.happen();
    }
    this.now = Math.max(this.now, time);
  }

  #push(planned: Planned): void {
    const heap = this.#heap;
    let at = heap.push(planned) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(planned, heap[above]!)) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = planned;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below++;
      if (!isBefore(heap[below]!, last)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
  }
}

function isBefore(one: Planned, other: Planned): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
