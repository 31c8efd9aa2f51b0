// The crypto store of a device in Node: a folder of two files, `crypto.sqlite` (rows, encrypted by the crypto library)
// and `crypto.key` (32 random bytes, owner-only). The library believes that it talks to IndexedDB.
// Guarantees: crash-safe (a completed transaction is on disk), one process at a time, a damaged folder is an error.
// Does not: protect against who can read both files, nor against an older copy of the folder put back in place:
// never restore a folder from a backup while its device is still known to the server.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import * as fakeIndexedDB from 'fake-indexeddb';
import { CryptoStoreError, CryptoStoreFile } from './crypto-store-file.ts';
import { type DatabaseOpener, durableDatabases } from './crypto-store-indexeddb.ts';

export { CryptoStoreError, type CryptoStoreErrorCode } from './crypto-store-file.ts';

/** An open store: what the engine needs to use it, and its end. */
export interface NodeCryptoStore {
  /** Name to open the IndexedDB databases under; valid in this process until `close`. */
  readonly name: string;
  /** The 32 bytes that the library encrypts every row with. */
  readonly key: Uint8Array;
  /** Releases the folder. Close the engine first; transactions under way afterwards are refused. Repeating is harmless. */
  close(): void;
}

const keyBytes = 32;

/** Opens the store in `folder`, creating folder, key and file on first use. Rejects with a {@link CryptoStoreError}:
 * `LOCKED` (in use), `TORN` (a file missing, cut or altered), `WRONG_KEY`, `KEY_EXPOSED` (key readable by others). */
export async function openCryptoStore(folder: string): Promise<NodeCryptoStore> {
  const { file, key } = openFolder(folder);
  try {
    const opener = await durableDatabases(file);
    const name = randomUUID();
    mount(name, opener);
    const close = () => {
      mounted.delete(name);
      file.close();
    };
    return { name, key, close };
  } catch (cause) {
    file.close();
    if (cause instanceof CryptoStoreError) throw cause;
    throw new CryptoStoreError('TORN', `The crypto store in ${folder} cannot be read back`, { cause });
  }
}

/** Takes the folder's lock without reading what is in it; the returned function gives it back. A folder without a store has no lock. Throws
 * {@link CryptoStoreError} `LOCKED` or `TORN`. */
export function lockCryptoStore(folder: string): () => void {
  const path = join(folder, 'crypto.sqlite');
  if (!existsSync(path)) return () => {};
  const file = new CryptoStoreFile(path, 'existing');
  return () => file.close();
}

function openFolder(folder: string): { file: CryptoStoreFile; key: Uint8Array } {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'crypto.sqlite');
  const keyPath = join(folder, 'crypto.key');
  if (existsSync(keyPath)) {
    const key = readKey(keyPath);
    if (!existsSync(path)) throw new CryptoStoreError('TORN', `${path} is missing beside its key`);
    const file = new CryptoStoreFile(path, 'existing');
    if (file.note('key') === fingerprint(key)) return { file, key };
    file.close();
    throw new CryptoStoreError('WRONG_KEY', `${keyPath} is not the key that ${path} was made with`);
  }
  if (existsSync(path)) discardUnused(path, keyPath);
  return create(path, keyPath);
}

// The key file is written last, so a file without a key is a first use that a crash cut short, unless it holds rows.
function discardUnused(path: string, keyPath: string): void {
  const tables = statSync(path).size > 0 ? countRows(path) : 0;
  if (tables > 0) throw new CryptoStoreError('TORN', `${keyPath} is missing: the store cannot be read without it`);
  rmSync(path);
}

function countRows(path: string): number {
  const file = new CryptoStoreFile(path, 'existing');
  const rows = file.rowCount();
  file.close();
  return rows;
}

function create(path: string, keyPath: string): { file: CryptoStoreFile; key: Uint8Array } {
  const key = new Uint8Array(randomBytes(keyBytes));
  const file = new CryptoStoreFile(path, 'create');
  file.setNote('key', fingerprint(key));
  writeOwnerOnly(keyPath, key);
  return { file, key };
}

function readKey(path: string): Uint8Array {
  if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) {
    throw new CryptoStoreError('KEY_EXPOSED', `${path} may be read by others than its owner (chmod 600)`);
  }
  const key = new Uint8Array(readFileSync(path));
  if (key.length !== keyBytes) throw new CryptoStoreError('TORN', `${path} holds ${key.length} bytes, not ${keyBytes}`);
  return key;
}

// Rename after fsync: a crash leaves either no key file or a whole one.
function writeOwnerOnly(path: string, bytes: Uint8Array): void {
  const partial = `${path}.new`;
  rmSync(partial, { force: true });
  const handle = openSync(partial, 'wx', 0o600);
  try {
    writeSync(handle, bytes);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  chmodSync(partial, 0o600);
  renameSync(partial, path);
  syncFolder(join(path, '..'));
}

function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  fsyncSync(handle);
  closeSync(handle);
}

// The key is 256 random bits, so its hash gives nothing away; it only tells a swapped key file from a damaged store.
function fingerprint(key: Uint8Array): string {
  return createHash('sha256').update('luxchat crypto store key\n').update(key).digest('hex');
}

const mounted = new Map<string, DatabaseOpener>();

// The library finds IndexedDB through the global object alone, so the stores of a process share one global that tells
// them apart by name ("<store>::<database>"). Names of nobody here go to whatever was there before.
function mount(name: string, opener: DatabaseOpener): void {
  mounted.set(name, opener);
  const scope = globalThis as { indexedDB?: DatabaseOpener };
  const before = scope.indexedDB;
  if (before instanceof StoreRouter) return;
  scope.indexedDB = new StoreRouter(before);
  for (const [className, value] of Object.entries(fakeIndexedDB)) {
    if (className.startsWith('IDB') && !(className in globalThis)) Object.assign(globalThis, { [className]: value });
  }
}

class StoreRouter implements DatabaseOpener {
  #before: DatabaseOpener | undefined;

  constructor(before: DatabaseOpener | undefined) {
    this.#before = before;
  }

  open(name: string, version?: number): IDBOpenDBRequest {
    const end = name.indexOf('::');
    const opener = mounted.get(name.slice(0, end));
    if (opener) return opener.open(name.slice(end + 2), version);
    if (this.#before) return version === undefined ? this.#before.open(name) : this.#before.open(name, version);
    throw new DOMException(`No crypto store is open under the name ${name}`, 'NotFoundError');
  }
}
