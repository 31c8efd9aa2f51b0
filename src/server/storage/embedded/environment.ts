// One lmdb file. Guarantees: a write is on disk when its promise resolves; what was asked for in one turn is committed together; after a failed
// write everything fails, because nobody knows any more what is on disk. Values read are copies.
import { open, type RootDatabase } from 'lmdb';
import { StorageError } from '../store.ts';

export interface Entry {
  readonly key: Buffer;
  readonly value: Buffer;
}

export interface KeyRange {
  readonly start: Buffer;
  /** Exclusive, also when reversed: then `start` is the upper end, inclusive, and this the lower. */
  readonly end: Buffer;
  readonly limit?: number;
  readonly reverse?: boolean;
}

export class Environment {
  readonly #db: RootDatabase<Buffer, Buffer>;
  #failure: StorageError | null = null;
  #closed = false;

  /** Opens or makes the file, readable by its owner only. */
  constructor(path: string) {
    // With overlappingSync a put resolves before it is on disk. Without noMemInit, because that would write bits of this process's memory into
    // the file, and with them things that must not be on disk.
    const options = {
      encoding: 'binary',
      keyEncoding: 'binary',
      overlappingSync: false,
      permissionsMode: 0o600,
    } as const;
    this.#db = open<Buffer, Buffer>(path, options);
  }

  get(key: Buffer): Buffer | undefined {
    this.#check();
    return this.#db.get(key);
  }

  *range(range: KeyRange): Generator<Entry> {
    this.#check();
    for (const { key, value } of this.#db.getRange(range)) yield { key, value };
  }

  /** Part of the write of this turn; `written` says when it is on disk. */
  put(key: Buffer, value: Uint8Array): Promise<unknown> {
    this.#check();
    return this.#db.put(key, value as Buffer);
  }

  /** Reads and writes as one. What `action` returns is the answer, once its writes are on disk. It runs alone, and must not throw. */
  async change<T>(action: (change: Change) => T): Promise<T> {
    this.#check();
    const db = this.#db;
    const change: Change = {
      get: (key) => db.get(key),
      range: (range) => db.getRange(range),
      put: (key, value) => void db.put(key, value as Buffer),
      remove: (key) => void db.remove(key),
    };
    return await this.written(db.transaction(() => action(change)));
  }

  /** Waits for writes; turns a failure into the store's own, for good. */
  async written<T>(write: Promise<T>): Promise<T> {
    try {
      return await write;
    } catch (cause) {
      (cause as { commitError?: Promise<never> }).commitError?.catch(() => {});
      this.#failure ??= new StorageError('WRITE_FAILED', 'A write did not reach the disk', { cause });
      throw this.#failure;
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#db.close();
  }

  #check(): void {
    if (this.#closed) throw new StorageError('CLOSED', 'The store is closed');
    if (this.#failure !== null) throw this.#failure;
  }
}

/** The inside of `change`. */
export interface Change {
  get(key: Buffer): Buffer | undefined;
  range(range: KeyRange): Iterable<Entry>;
  put(key: Buffer, value: Uint8Array): void;
  remove(key: Buffer): void;
}
