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

interface Waiting {
  readonly letter: Letter;
  readonly untilMs: number;
}

export class Held {
  readonly #limits: HeldLimits;
  readonly #shards = new Map<number, Waiting[]>();
  #count = 0;
  #bytes = 0;

  constructor(limits: HeldLimits) {
    this.#limits = limits;
  }

  /** Letters that wait. */
  get size(): number {
    return this.#count;
  }

  /** False = full, and it was not kept. */
  keep(shard: number, letter: Letter, nowMs: number): boolean {
    const { lettersMax, bytesMax, waitMs } = this.#limits;
    if (this.#count >= lettersMax || this.#bytes + letter.bytes > bytesMax) return false;
    const waiting = this.#shards.get(shard);
    const one: Waiting = { letter, untilMs: nowMs + waitMs };
    if (waiting === undefined) this.#shards.set(shard, [one]);
    else waiting.push(one);
    this.#count++;
    this.#bytes += letter.bytes;
    return true;
  }

  /** Takes all letters of a shard out, in order. */
  take(shard: number): Letter[] {
    const waiting = this.#shards.get(shard) ?? [];
    this.#shards.delete(shard);
    return waiting.map(({ letter }) => this.#taken(letter));
  }

  /** Takes out those that have waited long enough. */
  overdue(nowMs: number): Letter[] {
    const letters: Letter[] = [];
    for (const [shard, waiting] of this.#shards) {
      while (waiting[0] !== undefined && waiting[0].untilMs <= nowMs) letters.push((waiting.shift() as Waiting).letter);
      if (waiting.length === 0) this.#shards.delete(shard);
    }
    return letters.map((letter) => this.#taken(letter));
  }

  #taken(letter: Letter): Letter {
    this.#count--;
    this.#bytes -= letter.bytes;
    return letter;
  }
}
