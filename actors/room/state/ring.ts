// The newest covered records of a room in memory, so that fetches after a short absence touch no store. Contiguous, ends at the head.
// Bounded by records and by bytes of their rows; what falls out is still in the log.
import type { Record } from '#proto/gen/record.ts';

/** A covered record and the bytes of its row, by which pages are cut. */
export interface KeptRecord {
  readonly seq: number;
  readonly record: Record;
  readonly bytes: number;
}

/** The newest records. */
export class Ring {
  readonly #limits: { readonly ringRecordsMax: number; readonly ringBytesMax: number };
  #kept: KeptRecord[] = [];
  /** Where the kept ones begin in the array: dropping in strides keeps pushing cheap. */
  #first = 0;
  #bytes = 0;

  constructor(limits: { readonly ringRecordsMax: number; readonly ringBytesMax: number }) {
    this.#limits = limits;
  }

  /** Seq of the oldest record kept; 0 = none. */
  get firstSeq(): number {
    return this.#kept[this.#first]?.seq ?? 0;
  }

  /** Adds the next record. One that does not follow throws (a bug). */
  push(kept: KeptRecord): void {
    const last = this.#kept.at(-1);
    if (last !== undefined && kept.seq !== last.seq + 1) throw new Error('the ring is contiguous');
    this.#kept.push(kept);
    this.#bytes += kept.bytes;
    while (this.#over() && this.#first < this.#kept.length - 1) {
      this.#bytes -= (this.#kept[this.#first] as KeptRecord).bytes;
      this.#first++;
    }
    if (this.#first >= this.#limits.ringRecordsMax) {
      this.#kept = this.#kept.slice(this.#first);
      this.#first = 0;
    }
  }

  /** The record with this seq, if it is kept. */
  get(seq: number): KeptRecord | undefined {
    const index = seq - this.firstSeq;
    return this.firstSeq === 0 || index < 0 ? undefined : this.#kept[this.#first + index];
  }

  /** Puts another version in the place of a record, if it is kept. */
  replace(kept: KeptRecord): void {
    const before = this.get(kept.seq);
    if (before === undefined) return;
    this.#kept[this.#first + kept.seq - this.firstSeq] = kept;
    this.#bytes += kept.bytes - before.bytes;
  }

  #over(): boolean {
    return this.#kept.length - this.#first > this.#limits.ringRecordsMax || this.#bytes > this.#limits.ringBytesMax;
  }
}
