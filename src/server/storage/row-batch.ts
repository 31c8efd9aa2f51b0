// Row writes of all logs, gathered into few large calls of the store. What comes while calls are under way goes together into the next one, so
// that the load itself makes the batches. Guarantees: every write's `done` is called once, with what became of that write where the store says so, of
// the call it went with where not; what is slow or fails keeps nothing else back.
import { type LogStore, type RowWrite, writeLimits } from '#actors/ports/log-store.ts';

interface Gathered {
  readonly write: RowWrite;
  readonly done: (written: boolean) => void;
}

export interface RowBatchTurns {
  /** A call can be made: what belongs into it may be added now. */
  readonly before: () => void;
  /** After the `done`s of one call. */
  readonly after: () => void;
}

export interface RowBatchOptions {
  /** Calls of the store under way at once. */
  readonly callsMax: number;
  /** A call that takes longer, milliseconds, does not count among them any more. Infinity: it always does. */
  readonly slowMs: number;
  readonly turns: RowBatchTurns;
  /** Runs something later, unless what is returned is called before. Default: a timer that does not keep the process. */
  readonly later?: (run: () => void, delayMs: number) => () => void;
}

/** Calls under way at once, slow ones included, for each that counts. Reached: what comes waits. */
const slowFactor = 8;

export class RowBatch {
  readonly #store: Pick<LogStore, 'writeRows'>;
  readonly #turns: RowBatchTurns;
  readonly #options: RowBatchOptions;
  readonly #later: (run: () => void, delayMs: number) => () => void;
  #gathered: Gathered[] = [];
  /** Under way, and those of them that count. */
  #calls = 0;
  #counted = 0;
  #idlers: (() => void)[] = [];

  constructor(store: Pick<LogStore, 'writeRows'>, options: RowBatchOptions) {
    this.#store = store;
    this.#options = options;
    this.#turns = options.turns;
    this.#later = options.later ?? later;
  }

  add(write: RowWrite, done: (written: boolean) => void): void {
    this.#gathered.push({ write, done });
  }

  /** Starts calls for what was gathered, unless enough are under way. */
  flush(): void {
    const { callsMax } = this.#options;
    while (this.#counted < callsMax && this.#calls < callsMax * slowFactor) {
      this.#turns.before();
      if (this.#gathered.length === 0) return;
      void this.#call(this.#next());
    }
  }

  /** Resolves when nothing is under way or waits. */
  async idle(): Promise<void> {
    while (this.#calls > 0) await new Promise<void>((resolve) => this.#idlers.push(resolve));
  }

  #next(): Gathered[] {
    let [rows, bytes, count] = [0, 0, 0];
    for (const { write } of this.#gathered) {
      rows += write.rows.length;
      for (const row of write.rows) bytes += row.bytes.length;
      if (count > 0 && (rows > writeLimits.rows || bytes > writeLimits.bytes)) break;
      count++;
    }
    if (count < this.#gathered.length) return this.#gathered.splice(0, count);
    const all = this.#gathered;
    this.#gathered = [];
    return all;
  }

  async #call(gathered: readonly Gathered[]): Promise<void> {
    this.#calls++;
    const uncount = this.#count();
    const told = new Set<number>();
    let written = true;
    try {
      await this.#store.writeRows(
        gathered.map(({ write }) => write),
        (at) => {
          if (told.has(at)) return;
          told.add(at);
          gathered[at]!.done(true);
        },
      );
    } catch {
      // Nothing is known of those that were not told: each log decides, by asking again.
      written = false;
    }
    this.#calls--;
    // The next call is on its way to the disk while the answers to this one are worked through.
    uncount();
    for (const [at, { done }] of gathered.entries()) if (!told.has(at)) done(written);
    this.#turns.after();
    if (this.#calls === 0) for (const resume of this.#idlers.splice(0)) resume();
  }

  /** Counts a call until it has ended or is slow; then more may begin. */
  #count(): () => void {
    this.#counted++;
    let counts = true;
    const uncount = () => {
      if (counts) this.#counted--;
      counts = false;
      this.flush();
    };
    const { slowMs } = this.#options;
    if (slowMs === Number.POSITIVE_INFINITY) return uncount;
    const cancel = this.#later(uncount, slowMs);
    return () => {
      cancel();
      uncount();
    };
  }
}

function later(run: () => void, delayMs: number): () => void {
  const timer = setTimeout(run, delayMs).unref();
  return () => clearTimeout(timer);
}
