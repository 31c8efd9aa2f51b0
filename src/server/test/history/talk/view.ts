// What a device shows of one room: everything once and in order, over all its connections. What comes early waits for what is missing.
import type { Placed } from '../events.ts';

/** Frames that wait for a gap to be filled; more are dropped and fetched again. */
const aheadMax = 1_000;

/** Both ends included. */
export interface Stretch {
  readonly from: number;
  readonly through: number;
}

export class View {
  readonly room: string;
  /** Everything up to here that may be read is shown. */
  position: number;
  #ahead: (readonly Placed[])[] = [];

  /** `position` is one below the first seq that may be read. */
  constructor(room: string, position: number) {
    this.room = room;
    this.position = position;
  }

  /** Takes contiguous records; `show` hears of what can be shown by them. */
  take(records: readonly Placed[], show: (stretch: Stretch) => void): void {
    if (!this.#append(records, show)) {
      if (this.#ahead.length < aheadMax) this.#ahead.push(records);
      return;
    }
    for (let moved = this.#ahead.length > 0; moved; ) {
      const before = this.position;
      this.#ahead = this.#ahead.filter((waiting) => !this.#append(waiting, show));
      moved = this.position > before;
    }
  }

  /** What is missing before what came; null = nothing. */
  get gap(): Stretch | null {
    const firsts = this.#ahead.map((records) => records[0]?.seq ?? 0);
    return firsts.length === 0 ? null : { from: this.position + 1, through: Math.min(...firsts) - 1 };
  }

  /** The connection is gone: what waits comes again by the next one. */
  forget(): void {
    this.#ahead = [];
  }

  /** False where something is missing before. */
  #append(records: readonly Placed[], show: (stretch: Stretch) => void): boolean {
    const first = records[0]?.seq ?? 0;
    const last = records.at(-1)?.seq ?? 0;
    if (last <= this.position) return true;
    if (first > this.position + 1) return false;
    const from = this.position + 1;
    this.position = last;
    show({ from, through: last });
    return true;
  }
}
