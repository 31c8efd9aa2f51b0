// What clean closes left in the memory of a process, so that its logs go on in the segments that they had. Rule 14: a stub holds only while the shard
// stayed with its generation. In other hands an opening may be under way whose change of the meta comes late: it expects the version of the stub, and
// going on by a stub changes none, so it would seal the segment beneath its writer.
import type { Stub } from './opening.ts';
import { shardOf } from './shards.ts';

/** Stubs of one generation, about 200 bytes each. */
export class Stubs {
  readonly #stubs = new Map<string, Stub>();
  readonly #max: number;

  /** Beyond `max` the oldest goes, and its log opens a new segment next time. */
  constructor(max = Number.POSITIVE_INFINITY) {
    this.#max = max;
  }

  /** Of a log that is closed. */
  get(log: string): Stub | undefined {
    return this.#stubs.get(log);
  }

  /** The log was closed; null = not so that it could go on. */
  keep(log: string, stub: Stub | null): void {
    if (stub === null) return;
    this.#stubs.set(log, stub);
    if (this.#stubs.size > this.#max) this.#stubs.delete(this.#stubs.keys().next().value!);
  }

  /** The log is opened: its stub holds once. */
  take(log: string): Stub | null {
    const stub = this.#stubs.get(log) ?? null;
    this.#stubs.delete(log);
    return stub;
  }

  /** These shards come to this generation: whoever had them meanwhile may have opened their logs. */
  forget(shards: ReadonlySet<number>): void {
    for (const log of this.#stubs.keys()) if (shards.has(shardOf(log))) this.#stubs.delete(log);
  }
}
