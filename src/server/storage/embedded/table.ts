// A table (../table.ts) in the embedded store's `state.lmdb`.
import { StorageError } from '../store.ts';
import { sameBytes, type Table, type TableChange, type TableRow } from '../table.ts';
import type { Environment } from './environment.ts';
import { after, kinds, nameKey, pairKey, secondOf } from './keys.ts';

const keyBytesMax = 256;

export class EmbeddedTable implements Table {
  readonly #environment: Environment;
  readonly #name: string;

  constructor(environment: Environment, name: string) {
    this.#environment = environment;
    this.#name = name;
  }

  async get(key: string): Promise<Uint8Array | null> {
    const value = this.#environment.get(this.#key(key));
    return value === undefined ? null : new Uint8Array(value);
  }

  async list(options: { prefix?: string; after?: string; limit: number }): Promise<readonly TableRow[]> {
    const { prefix = '', limit } = options;
    const first = pairKey(kinds.table, this.#name, prefix);
    const last = options.after === undefined ? first : this.#key(options.after);
    const rows: TableRow[] = [];
    const start = Buffer.compare(first, last) > 0 ? first : last;
    for (const { key, value } of this.#environment.range({ start, end: after(nameKey(kinds.table, this.#name)) })) {
      const name = secondOf(key);
      if (rows.length >= limit || !name.startsWith(prefix)) break;
      if (name !== options.after) rows.push({ key: name, value: new Uint8Array(value) });
    }
    return rows;
  }

  async change(changes: readonly TableChange[]): Promise<boolean> {
    const keyed = changes.map((each) => ({ ...each, key: this.#key(each.key) }));
    return await this.#environment.change((change) => {
      for (const { key, expected } of keyed) {
        if (expected !== undefined && !sameBytes(change.get(key) ?? null, expected)) return false;
      }
      for (const { key, value } of keyed) {
        if (value === null) change.remove(key);
        else if (value !== undefined) change.put(key, value);
      }
      return true;
    });
  }

  #key(key: string): Buffer {
    if (Buffer.byteLength(key) > keyBytesMax || key.includes('\0'))
      throw new StorageError('UNUSABLE', 'A key that no table can hold');
    return pairKey(kinds.table, this.#name, key);
  }
}
