// Events that have a place and wait for the log to cover it, in the order of their seqs, with those who wait for the answer: the sender, and
// whoever repeated the same submit meanwhile. Bounded by records and bytes; the caller asks `full` first.
import type { Requester } from '#actors/kernel/messages.ts';
import type { RoomLimits } from './limits.ts';
import type { Placed } from './state/room-state.ts';

/** A placed event and who waits for it. */
export interface Waiting {
  readonly placed: Placed;
  readonly askers: Requester[];
}

/** The queue of one room. */
export class Uncovered {
  readonly #limits: RoomLimits;
  #waiting: Waiting[] = [];
  #bytes = 0;

  constructor(limits: RoomLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** May one more of these bytes get a place? */
  full(bytes: number): boolean {
    const { uncoveredRecordsMax, uncoveredBytesMax } = this.#limits;
    return this.size >= uncoveredRecordsMax || this.#bytes + bytes > uncoveredBytesMax;
  }

  /** Adds the next one. */
  add(placed: Placed, asker: Requester): void {
    this.#waiting.push({ placed, askers: [asker] });
    this.#bytes += placed.bytes;
  }

  /** One more waits for this seq. False where it is covered already. */
  join(seq: number, asker: Requester): boolean {
    const waiting = this.#waiting[seq - (this.#waiting[0]?.placed.seq ?? 0)];
    waiting?.askers.push(asker);
    return waiting !== undefined;
  }

  /** Takes out everything through this seq. */
  take(throughSeq: number): Waiting[] {
    let count = 0;
    while (count < this.size && (this.#waiting[count] as Waiting).placed.seq <= throughSeq) {
      this.#bytes -= (this.#waiting[count] as Waiting).placed.bytes;
      count++;
    }
    const taken = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    return taken;
  }
}
