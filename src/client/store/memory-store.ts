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
  #tables = new Map<LocalTable, Map<string, Uint8Array>>();
  #closed = false;

  async get(table: LocalTable, key: string): Promise<Uint8Array | undefined> {
    return this.#table(table).get(key);
  }

  async list(table: LocalTable, range: LocalRange): Promise<LocalRow[]> {
    const keys = [...this.#table(table).keys()].filter((key) => key >= range.from && key < range.to).sort();
    if (range.backwards) keys.reverse();
    return keys.slice(0, range.limit ?? 1000).map((key) => ({ key, value: this.#table(table).get(key) as Uint8Array }));
  }

  async write(changes: readonly LocalChange[]): Promise<void> {
    for (const { table, key, value } of checkedChanges(changes)) {
      if (value === undefined) this.#table(table).delete(key);
      else this.#table(table).set(key, value);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #table(name: LocalTable): Map<string, Uint8Array> {
    if (this.#closed) throw new ClientError('STORE', 'The local store is closed.');
    const table = this.#tables.get(name) ?? new Map();
    this.#tables.set(name, table);
    return table;
  }
}
