// A small durable table for what is no log: login, device lists, whatever is found by a key and changed on a condition. Not for content: rows do not
// expire, and a file that stays may keep the bytes of deleted rows.
// Guarantees: a change is all or nothing, its conditions hold at that very moment, and it is durable once answered.

export interface TableRow {
  /** At most 256 bytes of UTF-8, without a zero character. */
  readonly key: string;
  readonly value: Uint8Array;
}

/** One row's part in a change. */
export interface TableChange {
  readonly key: string;
  /** What must be there: these bytes, or null for nothing. Absent = whatever. */
  readonly expected?: Uint8Array | null;
  /** What shall be there; null deletes. Absent = the row is only checked. */
  readonly value?: Uint8Array | null;
}

export interface Table {
  get(key: string): Promise<Uint8Array | null>;
  /** Rows whose keys begin so, by key, after the key `after`, at most `limit`. */
  list(options: {
    readonly prefix?: string;
    readonly after?: string;
    readonly limit: number;
  }): Promise<readonly TableRow[]>;
  /** True = every row was as expected and is as wanted now; false = nothing was changed. Rows are looked at in order. */
  change(changes: readonly TableChange[]): Promise<boolean>;
}

/** In memory. */
export class MemoryTable implements Table {
  readonly #rows = new Map<string, Uint8Array>();

  async get(key: string): Promise<Uint8Array | null> {
    return this.#rows.get(key)?.slice() ?? null;
  }

  async list({
    prefix = '',
    after = '',
    limit,
  }: {
    prefix?: string;
    after?: string;
    limit: number;
  }): Promise<TableRow[]> {
    return [...this.#rows]
      .filter(([key]) => key.startsWith(prefix) && (after === undefined || order(key, after) > 0))
      .sort(([a], [b]) => order(a, b))
      .slice(0, limit)
      .map(([key, value]) => ({ key, value: value.slice() }));
  }

  async change(changes: readonly TableChange[]): Promise<boolean> {
    for (const { key, expected } of changes) {
      if (expected !== undefined && !sameBytes(this.#rows.get(key) ?? null, expected)) return false;
    }
    for (const { key, value } of changes) {
      if (value === null) this.#rows.delete(key);
      else if (value !== undefined) this.#rows.set(key, value.slice());
    }
    return true;
  }
}

/** As UTF-8 sorts. */
function order(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

export function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : Buffer.compare(a, b) === 0;
}
