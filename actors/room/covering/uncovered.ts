// Events that have a place and wait for the log to cover it, in the order of their seqs, with those who wait for the answer: the sender, whoever
// repeated the same submit meanwhile, and whoever was refused because of what is not covered yet. Bounded by records, bytes and refusals.
import type { Requester } from '#actors/kernel/messages.ts';
import type { Rejection } from '#proto/gen/codes.ts';
import type { RoomLimits } from '../limits.ts';
import type { Placed } from '../state/room-state.ts';

/** A refusal that may rest on an event: it holds only if that is covered. */
export interface Refused {
  readonly from: Requester;
  readonly code: Rejection;
}

/** A placed event and who waits for it. */
export interface Waiting {
  readonly placed: Placed;
  readonly askers: Requester[];
  /** Few events have any. */
  refused: Refused[] | null;
}

/** The queue of one room. */
export class Uncovered {
  readonly #limits: RoomLimits;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #refused = 0;

  constructor(limits: RoomLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#waiting.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get refusals(): number {
    return this.#refused;
  }

  /** May one more of these bytes get a place? */
  full(bytes: number): boolean {
    const { uncoveredRecordsMax, uncoveredBytesMax } = this.#limits;
    return this.size >= uncoveredRecordsMax || this.#bytes + bytes > uncoveredBytesMax;
  }

  /** Adds the next one. */
  add(placed: Placed, asker: Requester): void {
    this.#waiting.push({ placed, askers: [asker], refused: null });
    this.#bytes += placed.bytes;
  }

  /** One more waits for this seq. False where it is covered already. */
  join(seq: number, asker: Requester): boolean {
    const waiting = this.#waiting[seq - (this.#waiting[0]?.placed.seq ?? 0)];
    waiting?.askers.push(asker);
    return waiting !== undefined;
  }

  /** A refusal waits for the newest event. False where there is none, or where as many wait as may. */
  holds(refused: Refused): boolean {
    const newest = this.#waiting.at(-1);
    if (newest === undefined || this.#refused >= this.#limits.refusalsMax) return false;
    newest.refused ??= [];
    newest.refused.push(refused);
    this.#refused++;
    return true;
  }

  /** Takes out everything through this seq. */
  take(throughSeq: number): Waiting[] {
    let count = 0;
    while (count < this.size && (this.#waiting[count] as Waiting).placed.seq <= throughSeq) {
      const { placed, refused } = this.#waiting[count] as Waiting;
      this.#bytes -= placed.bytes;
      this.#refused -= refused?.length ?? 0;
      count++;
    }
    const taken = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    return taken;
  }
}
