// The local store in memory: for tests, and for a guest who wants nothing kept.
import { ClientError } from '../errors.ts';
import {
  checkedChanges,
  type LocalChange,
  type LocalRange,
  type LocalRow,
  type LocalStore,
  type LocalTable,
} from './store.ts';

/** A local store that forgets everything at close. */
export class MemoryStore implements LocalStore {
  #tables = new Map<LocalTable, SortedRows>();
  #closed = false;

  async get(table: LocalTable, key: string): Promise<Uint8Array | undefined> {
    return this.#table(table).get(key);
  }

  async list(table: LocalTable, range: LocalRange): Promise<LocalRow[]> {
    return this.#table(table).list(range);
  }

  async write(changes: readonly LocalChange[]): Promise<void> {
    for (const { table, key, value } of checkedChanges(changes)) this.#table(table).set(key, value);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #table(name: LocalTable): SortedRows {
    if (this.#closed) throw new ClientError('STORE', 'The local store is closed.');
    const table = this.#tables.get(name) ?? new SortedRows();
    this.#tables.set(name, table);
    return table;
  }
}

/** Rows whose keys are kept in order: a range of few costs no look at all the others. */
class SortedRows {
  #values = new Map<string, Uint8Array>();
  #keys: string[] = [];

  get(key: string): Uint8Array | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: Uint8Array | undefined): void {
    if (value === undefined) {
      if (this.#values.delete(key)) this.#keys.splice(this.#place(key), 1);
      return;
    }
    if (!this.#values.has(key)) this.#keys.splice(this.#place(key), 0, key);
    this.#values.set(key, value);
  }

  list({ from, to, limit = 1000, backwards = false }: LocalRange): LocalRow[] {
    const [first, end] = [this.#place(from), this.#place(to)];
    const keys = backwards
      ? this.#keys.slice(Math.max(first, end - limit), end).reverse()
      : this.#keys.slice(first, Math.min(end, first + limit));
    return keys.map((key) => ({ key, value: this.#values.get(key) as Uint8Array }));
  }

  /** How many keys come before this one. */
  #place(key: string): number {
    let [low, high] = [0, this.#keys.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
