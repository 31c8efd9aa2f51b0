// The covered control entries that are kept: a run of numbers that ends at the newest. Old ones go where a checkpoint stands in for them.
import type { ControlBody, ControlEntry } from '#proto/gen/record.ts';

/** A covered control entry. */
export interface KeptControl {
  readonly seq: number;
  readonly entry: ControlEntry;
  readonly body: ControlBody;
}

/** The entries of one room. */
export class ControlEntries {
  #kept: KeptControl[] = [];
  /** Where the kept ones begin in the array: dropping in strides keeps it cheap. */
  #start = 0;

  /** Number of the oldest that is kept; 0 = none is. */
  get first(): number {
    return this.#kept[this.#start]?.body.number ?? 0;
  }

  /** Number of the newest; 0 = none yet. */
  get last(): number {
    return this.#kept.at(-1)?.body.number ?? 0;
  }

  /** How many are kept. */
  get size(): number {
    return this.#kept.length - this.#start;
  }

  /** The entry of this number, if it is kept. */
  get(number: number): KeptControl | undefined {
    return number < this.first ? undefined : this.#kept[this.#start + number - this.first];
  }

  /** Adds the next one. One that does not follow throws (a bug or a broken store). */
  push(kept: KeptControl): void {
    if (this.size > 0 && kept.body.number !== this.last + 1) throw new Error('control entries are contiguous');
    this.#kept.push(kept);
  }

  /** Drops those below a number; returns the numbers that went. */
  dropBelow(number: number): number[] {
    const gone: number[] = [];
    for (let { first } = this; first !== 0 && first < number; first = this.first) {
      gone.push(first);
      this.#start++;
    }
    if (2 * this.#start > this.#kept.length) {
      this.#kept = this.#kept.slice(this.#start);
      this.#start = 0;
    }
    return gone;
  }

  /** By ascending number. */
  *[Symbol.iterator](): Generator<KeptControl> {
    for (let at = this.#start; at < this.#kept.length; at++) yield this.#kept[at] as KeptControl;
  }
}
