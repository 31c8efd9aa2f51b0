// Letters to actors that nobody has at the moment, because a shard is being handed over or taken from a node that died. Kept in order, bounded in
// number, bytes and time; what passes a bound is given back.
import type { Letter } from './packets.ts';

export interface HeldLimits {
  /** Letters of all shards together. Default 4,096. */
  readonly lettersMax: number;
  /** Default 16 MiB. */
  readonly bytesMax: number;
  /** Milliseconds until a letter is given back. Default 5,000: less than a device waits for an answer. */
  readonly waitMs: number;
}

export const defaultHeldLimits: HeldLimits = { lettersMax: 4_096, bytesMax: 16 * 1024 * 1024, waitMs: 5_000 };

/** A letter that waits. */
export interface Waiting {
  readonly letter: Letter;
  /** Since when, also before it was held here: one that comes back again and again waits no longer than any other. */
  readonly sinceMs: number;
}

/** The letters of one shard, in order: first those that were on their way before the others were written. */
interface Queue {
  waiting: Waiting[];
  /** How many of them, from the first. */
  older: number;
}

export class Held {
  readonly #limits: HeldLimits;
  readonly #shards = new Map<number, Queue>();
  #count = 0;
  #bytes = 0;

  constructor(limits: HeldLimits) {
    this.#limits = limits;
  }

  /** Letters that wait. */
  get size(): number {
    return this.#count;
  }

  /** False = full, and it was not kept. `isOlder`: it had been on its way, and goes before all that had not. */
  keep(shard: number, letter: Letter, sinceMs: number, isOlder = false): boolean {
    const { lettersMax, bytesMax } = this.#limits;
    if (this.#count >= lettersMax || this.#bytes + letter.bytes > bytesMax) return false;
    const queue = this.#shards.get(shard) ?? { waiting: [], older: 0 };
    this.#shards.set(shard, queue);
    if (isOlder) queue.waiting.splice(queue.older++, 0, { letter, sinceMs });
    else queue.waiting.push({ letter, sinceMs });
    this.#count++;
    this.#bytes += letter.bytes;
    return true;
  }

  /** Takes all letters of a shard out, in order. */
  take(shard: number): Waiting[] {
    const { waiting } = this.#shards.get(shard) ?? { waiting: [] };
    this.#shards.delete(shard);
    for (const { letter } of waiting) this.#taken(letter);
    return waiting;
  }

  /** Takes out those that have waited long enough. */
  overdue(nowMs: number): Letter[] {
    const isOver = ({ sinceMs }: Waiting) => sinceMs + this.#limits.waitMs <= nowMs;
    const letters: Letter[] = [];
    for (const [shard, queue] of this.#shards) {
      const over = queue.waiting.filter(isOver);
      if (over.length === 0) continue;
      for (const { letter } of over) {
        this.#taken(letter);
        letters.push(letter);
      }
      queue.older -= queue.waiting.slice(0, queue.older).filter(isOver).length;
      queue.waiting = queue.waiting.filter((each) => !isOver(each));
      if (queue.waiting.length === 0) this.#shards.delete(shard);
    }
    return letters;
  }

  #taken({ bytes }: Letter): void {
    this.#count--;
    this.#bytes -= bytes;
  }
}
