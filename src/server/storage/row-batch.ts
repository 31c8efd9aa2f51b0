// Row writes of all logs, gathered into few large calls of the store. What comes while calls are under way goes together into the next one, so
// that the load itself makes the batches. Guarantees: every write's `done` is called once, with what became of the call it went with.
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
  readonly turns: RowBatchTurns;
}

export class RowBatch {
  readonly #store: Pick<LogStore, 'writeRows'>;
  readonly #turns: RowBatchTurns;
  readonly #callsMax: number;
  #gathered: Gathered[] = [];
  #calls = 0;
  #idlers: (() => void)[] = [];

  constructor(store: Pick<LogStore, 'writeRows'>, { callsMax, turns }: RowBatchOptions) {
    this.#store = store;
    this.#turns = turns;
    this.#callsMax = callsMax;
  }

  add(write: RowWrite, done: (written: boolean) => void): void {
    this.#gathered.push({ write, done });
  }

  /** Starts calls for what was gathered, unless enough are under way. */
  flush(): void {
    while (this.#calls < this.#callsMax) {
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
    let written = true;
    try {
      await this.#store.writeRows(gathered.map(({ write }) => write));
    } catch {
      // Nothing is known of any of them: the log decides, by asking again.
      written = false;
    }
    this.#calls--;
    // The next call is on its way to the disk while the answers to this one are worked through.
    this.flush();
    for (const { done } of gathered) done(written);
    this.#turns.after();
    if (this.#calls === 0) for (const resume of this.#idlers.splice(0)) resume();
  }
}
