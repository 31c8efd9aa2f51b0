// One lmdb file. Guarantees: a write is on disk when its promise resolves; what was asked for in one turn is committed together; after a failed
// write everything fails, because nobody knows any more what is on disk (failure.ts). Values read are copies.
import { open, type RootDatabase } from 'lmdb';
import { StorageError } from '../store.ts';
import type { Exit } from './exit.ts';
import type { Failure } from './failure.ts';

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

/** What the files of one store share. */
export interface Shared {
  readonly failure: Failure;
  readonly exit: Exit;
}

export class Environment {
  readonly #db: RootDatabase<Buffer, Buffer>;
  readonly #failure: Failure;
  readonly #exit: Exit;
  /** Of the newest put: those of one commit share it. */
  #putting: Promise<unknown> | null = null;
  #closed = false;

  /** Opens or makes the file, readable by its owner only. */
  constructor(path: string, { failure, exit }: Shared) {
    this.#failure = failure;
    this.#exit = exit;
    // With overlappingSync a put resolves before it is on disk. Without noMemInit, because that would write bits of this process's memory into
    // the file, and with them things that must not be on disk.
    const options = {
      encoding: 'binary',
      keyEncoding: 'binary',
      overlappingSync: false,
      permissionsMode: 0o600,
    } as const;
    this.#db = open<Buffer, Buffer>(path, options);
    const note = (cause: unknown) => void failure.note(cause);
    // lmdb begins a commit right after this event, with a promise that it gives to nobody: unheard, its failure would end the process.
    this.#db.on('beforecommit', () => queueMicrotask(() => void this.#db.committed.then(undefined, note)));
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
    const putting = this.#db.put(key, value as Buffer);
    if (putting !== this.#putting) {
      this.#putting = putting;
      // Whoever asked may have failed elsewhere and gone: unheard, this would end the process.
      putting.catch((cause) => this.#failure.note(cause));
    }
    return putting;
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
    return await this.#exit.during(this.written(db.transaction(() => action(change))));
  }

  /** Waits for writes; turns a failure into the store's own, for good. */
  async written<T>(write: Promise<T>): Promise<T> {
    try {
      return await write;
    } catch (cause) {
      throw this.#failure.note(cause);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#db.close();
  }

  #check(): void {
    if (this.#closed) throw new StorageError('CLOSED', 'The store is closed');
    this.#failure.check();
  }
}

/** The inside of `change`. */
export interface Change {
  get(key: Buffer): Buffer | undefined;
  range(range: KeyRange): Iterable<Entry>;
  put(key: Buffer, value: Uint8Array): void;
  remove(key: Buffer): void;
}
