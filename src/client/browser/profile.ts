// Where a device lies in a browser: the names of its databases, and the small one that says that it is there. That one holds the key which seals the
// local store; the browser lets nobody take the key out, not even this page. A device is where its key is: it is written last and removed first.
import { deleteDB, type IDBPDatabase, openDB } from 'idb';
import { coded } from '../store/indexeddb-store.ts';

/** A login that was begun, until the person comes back. */
export interface BegunLogin {
  readonly server: string;
  readonly verifier: string;
  /** Milliseconds since the epoch. */
  readonly begunMs: number;
}

/** The names of one device's things. */
export interface Profile {
  readonly lock: string;
  readonly keys: string;
  readonly local: string;
  /** The crypto library puts its databases below this name. */
  readonly crypto: string;
}

/** The profile of this name; one browser may hold several, each a device of its own. */
export function profileNamed(name: string): Profile {
  const prefix = `luxchat ${name}`;
  return { lock: prefix, keys: `${prefix} keys`, local: `${prefix} local`, crypto: `${prefix} crypto` };
}

/** The key of the device that lives here; undefined = none. Rejects with STORE. */
export function readKey(profile: Profile): Promise<CryptoKey | undefined> {
  return readRow<CryptoKey>(profile, 'device');
}

/** Makes a key that can't be taken out of the browser. */
export function newKey(): Promise<CryptoKey> {
  return crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
}

/** From here on the device is there. Durable when it resolves. Rejects with STORE, as all below. */
export function putKey(profile: Profile, key: CryptoKey): Promise<void> {
  return writeRow(profile, 'device', key);
}

/** From here on it is not. Durable when it resolves. */
export function removeKey(profile: Profile): Promise<void> {
  return writeRow(profile, 'device', undefined);
}

/** Keeps a begun login; an earlier one is worth nothing any more. */
export function putLogin(profile: Profile, login: BegunLogin): Promise<void> {
  return writeRow(profile, 'login', login);
}

/** Takes the begun login out: it serves once. */
export async function takeLogin(profile: Profile): Promise<BegunLogin | undefined> {
  const login = await readRow<BegunLogin>(profile, 'login');
  await writeRow(profile, 'login', undefined);
  return login;
}

/** Removes both stores. What this page still has open (objects of the crypto library, until they are collected) goes with the page. */
export async function removeStores({ local, crypto }: Profile): Promise<void> {
  const names = [local, `${crypto}::matrix-sdk-crypto`, `${crypto}::matrix-sdk-crypto-meta`];
  await Promise.all(names.map((name) => coded(() => removed(name))));
}

function removed(name: string): Promise<void> {
  return new Promise((done, failed) => {
    deleteDB(name, { blocked: () => done() }).then(done, failed);
  });
}

async function readRow<T>(profile: Profile, name: string): Promise<T | undefined> {
  return withDatabase(profile, (database) => database.get('rows', name));
}

async function writeRow(profile: Profile, name: string, value: unknown): Promise<void> {
  await withDatabase(profile, async (database) => {
    const { store, done } = database.transaction('rows', 'readwrite', { durability: 'strict' });
    await Promise.all([value === undefined ? store.delete(name) : store.put(value, name), done]);
  });
}

function withDatabase<T>({ keys }: Profile, work: (database: IDBPDatabase) => Promise<T>): Promise<T> {
  return coded(async () => {
    const database = await openDB(keys, 1, { upgrade: (made) => void made.createObjectStore('rows') });
    try {
      return await work(database);
    } finally {
      database.close();
    }
  });
}
