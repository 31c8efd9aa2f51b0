// The file under the crypto store: one SQLite database (built into Node) holding the rows of every IndexedDB database.
// Guarantees: `commit` returns only when the change is on disk, whole or not at all; one process at a time holds the
// file (an operating-system lock that a killed process loses); a damaged file is an error when it is opened.
// Does not: encrypt. Values arrive encrypted by the crypto library. An older copy put back in place is not noticed.
import { createHash } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { deserialize, serialize } from 'node:v8';

/** Why a store folder cannot be used. `LOCKED`: another process (or this one) has it open. `TORN`: a file is missing,
 * cut or altered; nothing is repaired. `WRONG_KEY`: the key file is not the one the store was made with.
 * `KEY_EXPOSED`: others than the owner may read the key. `WRITE_FAILED`: a commit did not reach the disk; open again. */
export type CryptoStoreErrorCode = 'LOCKED' | 'TORN' | 'WRONG_KEY' | 'KEY_EXPOSED' | 'WRITE_FAILED';

/** The one error class of the Node crypto store; `code` is stable, the text is not. */
export class CryptoStoreError extends Error {
  readonly code: CryptoStoreErrorCode;
  constructor(code: CryptoStoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CryptoStoreError';
    this.code = code;
  }
}

/** An index of an object store, as IndexedDB describes it. */
export interface IndexLayout {
  name: string;
  keyPath: string | string[];
  unique: boolean;
  multiEntry: boolean;
}

/** An object store without its rows. */
export interface StoreLayout {
  name: string;
  keyPath: string | string[] | null;
  autoIncrement: boolean;
  indexes: IndexLayout[];
}

/** The shape of one IndexedDB database. */
export interface DatabaseLayout {
  version: number;
  stores: StoreLayout[];
}

/** One step of a committed IndexedDB transaction; `value` is already a structured clone as bytes. */
export type Change =
  | { kind: 'put'; store: string; key: IDBValidKey; value: Uint8Array }
  | { kind: 'delete'; store: string; key: IDBValidKey }
  | { kind: 'clear'; store: string }
  | { kind: 'layout'; layout: DatabaseLayout };

/** One row as it was committed. */
export interface StoredRow {
  store: string;
  key: IDBValidKey;
  value: unknown;
}

const formatVersion = '1';
const checkBytes = 8;
const sqliteBusy = 5;

export class CryptoStoreFile {
  #sqlite: DatabaseSync;
  #failed = false;

  /** Opens or creates the file and holds its lock. Throws {@link CryptoStoreError} `LOCKED` or `TORN`. */
  constructor(path: string, mode: 'create' | 'existing') {
    this.#sqlite = openLocked(path, mode);
    if (process.platform !== 'win32') chmodSync(path, 0o600);
  }

  /** Every IndexedDB database in the file. Throws `TORN` if its description does not parse. */
  layouts(): Map<string, DatabaseLayout> {
    const rows = this.#sqlite.prepare('SELECT name, layout FROM databases').all();
    return new Map(rows.map((row) => [String(row.name), parseLayout(String(row.layout))]));
  }

  /** Every row of one database. Throws `TORN` if a row's check does not fit its bytes. */
  *rows(database: string): Generator<StoredRow> {
    const query = this.#sqlite.prepare('SELECT store, key, value FROM records WHERE database = ?');
    for (const row of query.iterate(database)) {
      const key = row.key as Uint8Array;
      yield {
        store: String(row.store),
        key: deserialize(key) as IDBValidKey,
        value: unseal(key, row.value as Uint8Array),
      };
    }
  }

  /** How many rows there are in all databases together. */
  rowCount(): number {
    return Number(this.#sqlite.prepare('SELECT count(*) AS n FROM records').get()?.n);
  }

  /** A short text kept beside the rows, or undefined. */
  note(name: string): string | undefined {
    const row = this.#sqlite.prepare('SELECT value FROM notes WHERE name = ?').get(name);
    return row === undefined ? undefined : String(row.value);
  }

  setNote(name: string, value: string): void {
    this.#sqlite.prepare('INSERT OR REPLACE INTO notes VALUES (?, ?)').run(name, value);
  }

  /** Makes one IndexedDB transaction durable; on return it is on disk. After a failure the file refuses every further
   * commit (`WRITE_FAILED`), because memory is then ahead of the disk: only opening the folder again helps. */
  commit(database: string, changes: readonly Change[]): void {
    if (this.#failed) throw new CryptoStoreError('WRITE_FAILED', 'An earlier write to the crypto store failed');
    try {
      this.#sqlite.exec('BEGIN');
      for (const change of changes) this.#apply(database, change);
      this.#sqlite.exec('COMMIT');
    } catch (cause) {
      this.#failed = true;
      throw new CryptoStoreError('WRITE_FAILED', 'The crypto store could not be written', { cause });
    }
  }

  /** Releases the lock. A transaction that was under way is rolled back. */
  close(): void {
    this.#failed = true;
    if (this.#sqlite.isOpen) this.#sqlite.close();
  }

  #apply(database: string, change: Change): void {
    const { kind } = change;
    if (kind === 'put') {
      const key = serialize(change.key);
      const statement = this.#sqlite.prepare('INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)');
      statement.run(database, change.store, key, seal(key, change.value));
    } else if (kind === 'delete') {
      const statement = this.#sqlite.prepare('DELETE FROM records WHERE database = ? AND store = ? AND key = ?');
      statement.run(database, change.store, serialize(change.key));
    } else if (kind === 'clear') {
      this.#sqlite.prepare('DELETE FROM records WHERE database = ? AND store = ?').run(database, change.store);
    } else {
      const statement = this.#sqlite.prepare('INSERT OR REPLACE INTO databases VALUES (?, ?)');
      statement.run(database, JSON.stringify(change.layout));
    }
  }
}

function openLocked(path: string, mode: 'create' | 'existing'): DatabaseSync {
  const sqlite = new DatabaseSync(path, { timeout: 0 });
  try {
    // A rollback journal, not a write-ahead log: after each commit everything acknowledged is in the one file, so a
    // copy that lost a side file cannot silently be an older state. EXTRA also makes the journal's end durable.
    // secure_delete overwrites what is deleted: the keys of old sessions must not linger in free pages.
    sqlite.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA');
    sqlite.exec('PRAGMA secure_delete = ON; BEGIN EXCLUSIVE');
    if (mode === 'create') createTables(sqlite);
    sqlite.exec('COMMIT');
    checkWhole(sqlite);
    return sqlite;
  } catch (cause) {
    sqlite.close();
    if (cause instanceof CryptoStoreError) throw cause;
    if ((cause as { errcode?: number }).errcode === sqliteBusy) {
      throw new CryptoStoreError('LOCKED', `The crypto store ${path} is in use by another process`, { cause });
    }
    throw new CryptoStoreError('TORN', `The crypto store ${path} is damaged`, { cause });
  }
}

function createTables(sqlite: DatabaseSync): void {
  sqlite.exec(`
    CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE databases (name TEXT PRIMARY KEY, layout TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE records (database TEXT, store TEXT, key BLOB, value BLOB NOT NULL, PRIMARY KEY (database, store, key)) WITHOUT ROWID;
  `);
  sqlite.prepare('INSERT INTO notes VALUES (?, ?)').run('format', formatVersion);
}

function checkWhole(sqlite: DatabaseSync): void {
  const verdict = sqlite.prepare('PRAGMA integrity_check').get()?.integrity_check;
  if (verdict !== 'ok') throw new CryptoStoreError('TORN', `The crypto store is damaged: ${String(verdict)}`);
  const format = sqlite.prepare("SELECT value FROM notes WHERE name = 'format'").get()?.value;
  if (format !== formatVersion) throw new CryptoStoreError('TORN', `Unknown crypto store format ${String(format)}`);
}

// SQLite has no checksum of its own over a row; without one, flipped bytes would only show as odd behaviour later.
function seal(key: Uint8Array, value: Uint8Array): Uint8Array {
  return Buffer.concat([check(key, value), value]);
}

function unseal(key: Uint8Array, sealed: Uint8Array): unknown {
  const value = sealed.subarray(checkBytes);
  if (!check(key, value).equals(sealed.subarray(0, checkBytes))) {
    throw new CryptoStoreError('TORN', 'A row of the crypto store does not fit its checksum');
  }
  return deserialize(value);
}

function check(key: Uint8Array, value: Uint8Array): Buffer {
  return createHash('sha256').update(key).update(value).digest().subarray(0, checkBytes);
}

function parseLayout(json: string): DatabaseLayout {
  try {
    return JSON.parse(json) as DatabaseLayout;
  } catch (cause) {
    throw new CryptoStoreError('TORN', 'The crypto store describes itself in no known way', { cause });
  }
}
