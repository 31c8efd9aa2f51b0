// The local store of Node: one lmdb environment in a folder that belongs to its owner alone. A write resolves when it is on the disk, so a
// kill at any moment loses nothing that was promised. After a write that failed everything fails, because nobody knows any more what is on the
// disk. Values come sealed (see sealed-store.ts); this file adds no encryption.
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { ClientError } from '../errors.ts';
import { checkedChanges, type LocalChange, type LocalStore, type LocalTable, localTables } from '../store/store.ts';

/** Opens (or makes) the store in `folder`. Throws STORE when it is damaged. One process at a time: the caller holds the folder's lock. */
export function openLmdbStore(folder: string): LocalStore {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    const options = {
      path: join(folder, 'local.mdb'),
      encoding: 'binary',
      // With it a write would resolve before it is on the disk.
      overlappingSync: false,
      permissionsMode: 0o600,
      maxDbs: localTables.length + 1,
    } as const;
    const root = open(options);
    return new LmdbStore(root);
  } catch (cause) {
    throw failed(cause);
  }
}

class LmdbStore implements LocalStore {
  readonly #root: RootDatabase;
  readonly #tables: ReadonlyMap<LocalTable, Database<Uint8Array, string>>;
  /** The newest write, without its failure: reads wait for it. */
  #writing: Promise<unknown> = Promise.resolve();
  #failure: ClientError | null = null;
  #closed = false;

  constructor(root: RootDatabase) {
    this.#root = root;
    this.#tables = new Map(localTables.map((name) => [name, root.openDB({ name, encoding: 'binary' })] as const));
    // lmdb begins a commit right after this event, with a promise that it gives to nobody: unheard, its failure would end the process.
    root.on('beforecommit', () =>
      queueMicrotask(() => void root.committed.then(undefined, (cause) => this.#fail(cause))),
    );
  }

  get: LocalStore['get'] = (name, key) =>
    this.#read(() => {
      const value = this.#table(name).get(key);
      return value && Uint8Array.from(value);
    });

  list: LocalStore['list'] = (name, { from, to, limit = 1000, backwards = false }) =>
    this.#read(() => {
      const table = this.#table(name);
      // lmdb walks backwards from the start option down to the end option, both ends as given.
      const range = backwards ? { start: to, end: from, reverse: true } : { start: from, end: to };
      const rows: { key: string; value: Uint8Array }[] = [];
      for (const { key, value } of table.getRange(range)) {
        if (key >= to || key < from) continue;
        rows.push({ key, value: Uint8Array.from(value) });
        if (rows.length === limit) break;
      }
      if (backwards && rows.length < limit && !rows.some((row) => row.key === from)) {
        const first = table.get(from);
        if (first) rows.push({ key: from, value: Uint8Array.from(first) });
      }
      return rows;
    });

  async write(changes: readonly LocalChange[]): Promise<void> {
    this.#check();
    const writing = this.#put(checkedChanges(changes));
    // Whoever wrote hears of its failure, and from then on everybody else of the store's.
    this.#writing = writing.catch(() => {});
    await writing;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#root.close();
  }

  /** What is asked for in one turn is committed together, and the last promise is everyone's. A transaction would need this thread while it runs, and
   *  hang a process that ends meanwhile. */
  async #put(changes: readonly LocalChange[]): Promise<void> {
    try {
      let written: Promise<unknown> = Promise.resolve();
      for (const { table, key, value } of changes)
        written = value === undefined ? this.#table(table).remove(key) : this.#table(table).put(key, value);
      await written;
    } catch (cause) {
      throw this.#fail(cause);
    }
  }

  async #read<T>(work: () => T): Promise<T> {
    this.#check();
    await this.#writing;
    this.#check();
    try {
      return work();
    } catch (cause) {
      throw failed(cause);
    }
  }

  #fail(cause: unknown): ClientError {
    // The same failure once more, which nobody else would hear: it would end the process.
    (cause as { commitError?: Promise<never> }).commitError?.catch(() => {});
    this.#failure ??= failed(cause);
    return this.#failure;
  }

  #check(): void {
    if (this.#closed) throw new ClientError('STORE', 'The local store is closed.');
    if (this.#failure !== null) throw this.#failure;
  }

  #table(name: LocalTable): Database<Uint8Array, string> {
    return this.#tables.get(name) as Database<Uint8Array, string>;
  }
}

function failed(cause: unknown): ClientError {
  return new ClientError('STORE', 'The local store is damaged or its disk is full.', { cause });
}
