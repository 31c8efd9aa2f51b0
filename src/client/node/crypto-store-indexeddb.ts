// IndexedDB for Node that is durable: fake-indexeddb runs the transactions in memory, and each one that changed
// something is committed to the file before its `complete` event goes out. The crypto library hands nothing to its
// caller before that event, so no ratchet step can leave the process without being on disk.
// Guarantees: what was completed is there after a crash; what failed to be written is reported as an abort.
// Does not: keep large stores out of memory. Everything in the file is loaded when the folder is opened.
import { serialize } from 'node:v8';
import { IDBFactory } from 'fake-indexeddb';
import type { Change, CryptoStoreFile, DatabaseLayout, IndexLayout, StoreLayout } from './crypto-store-file.ts';

/** Opens databases by name; the part of IDBFactory that the crypto library and this SDK use. */
export interface DatabaseOpener {
  open(name: string, version?: number): IDBOpenDBRequest;
}

/** Loads every database in the file into memory and returns the opener whose transactions are durable.
 * Rejects with a `CryptoStoreError` `TORN` when a row does not fit its checksum. */
export async function durableDatabases(file: CryptoStoreFile): Promise<DatabaseOpener> {
  const factory = new IDBFactory();
  const layouts = file.layouts();
  for (const [name, layout] of layouts) await restore(factory, name, layout, file);
  return {
    open(name, version) {
      const layout = layouts.get(name) ?? { version: 0, stores: [] };
      layouts.set(name, layout);
      const recorder = new Recorder(name, file, layout);
      const request = version === undefined ? factory.open(name) : factory.open(name, version);
      request.addEventListener('upgradeneeded', () => {
        recorder.watchDatabase(request.result);
        if (request.transaction) recorder.watchTransaction(request.transaction);
      });
      request.addEventListener('success', () => recorder.watchDatabase(request.result));
      return request;
    },
  };
}

function restore(factory: IDBFactory, name: string, layout: DatabaseLayout, file: CryptoStoreFile): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const request = factory.open(name, layout.version);
  request.onupgradeneeded = () => {
    try {
      const stores = new Map(layout.stores.map((store) => [store.name, createStore(request.result, store)]));
      for (const row of file.rows(name)) {
        const store = stores.get(row.store);
        if (store?.keyPath === null) store.put(row.value, row.key);
        else store?.put(row.value);
      }
    } catch (cause) {
      reject(cause);
      request.transaction?.abort();
    }
  };
  request.onsuccess = () => {
    request.result.close();
    resolve();
  };
  request.onerror = () => reject(request.error);
  return promise;
}

function createStore(database: IDBDatabase, layout: StoreLayout): IDBObjectStore {
  const { keyPath, autoIncrement } = layout;
  const store = database.createObjectStore(layout.name, { keyPath, autoIncrement });
  for (const { name, keyPath, unique, multiEntry } of layout.indexes) {
    store.createIndex(name, keyPath, { unique, multiEntry });
  }
  return store;
}

/** Watches one connection through the public IndexedDB interface and writes down what its transactions changed. */
class Recorder {
  #name: string;
  #file: CryptoStoreFile;
  #layout: DatabaseLayout;
  #watched = new WeakSet<object>();

  constructor(name: string, file: CryptoStoreFile, layout: DatabaseLayout) {
    this.#name = name;
    this.#file = file;
    this.#layout = layout;
  }

  watchDatabase(database: IDBDatabase): void {
    if (!this.#first(database)) return;
    const transaction = database.transaction.bind(database);
    database.transaction = (...args) => this.watchTransaction(transaction(...args));
    const createObjectStore = database.createObjectStore.bind(database);
    database.createObjectStore = (name, options) => {
      const { keyPath = null, autoIncrement = false } = options ?? {};
      this.#layout.stores.push({ name, keyPath, autoIncrement, indexes: [] });
      return createObjectStore(name, options);
    };
    const deleteObjectStore = database.deleteObjectStore.bind(database);
    database.deleteObjectStore = (name) => {
      deleteObjectStore(name);
      this.#layout.stores = this.#layout.stores.filter((store) => store.name !== name);
      this.#upgradeChanges.push({ kind: 'clear', store: name });
    };
  }

  // Only one upgrade runs at a time on a connection, so the changes made through the database itself have one home.
  #upgradeChanges: Change[] = [];

  watchTransaction(transaction: IDBTransaction): IDBTransaction {
    if (!this.#first(transaction)) return transaction;
    const upgrade = transaction.mode === 'versionchange';
    const changes: Change[] = upgrade ? this.#upgradeChanges : [];
    const objectStore = transaction.objectStore.bind(transaction);
    transaction.objectStore = (name) => this.#watchStore(objectStore(name), changes);
    const dispatchEvent = transaction.dispatchEvent.bind(transaction);
    transaction.dispatchEvent = (event) => {
      if (event.type !== 'complete') return dispatchEvent(event);
      if (upgrade) changes.push({ kind: 'layout', layout: { ...this.#layout, version: transaction.db.version } });
      try {
        if (changes.length > 0) this.#file.commit(this.#name, changes);
      } catch (cause) {
        return dispatchEvent(asAbort(event, transaction, cause));
      }
      return dispatchEvent(event);
    };
    return transaction;
  }

  #watchStore(store: IDBObjectStore, changes: Change[]): IDBObjectStore {
    if (!this.#first(store)) return store;
    this.#watchWrites(store, changes);
    this.#watchCursors(store, store.name, changes);
    const indexes = this.#layout.stores.find((layout) => layout.name === store.name)?.indexes ?? [];
    const createIndex = store.createIndex.bind(store);
    store.createIndex = (name: string, keyPath: string | Iterable<string>, options?: IDBIndexParameters) => {
      const path = typeof keyPath === 'string' ? keyPath : [...keyPath];
      const { unique = false, multiEntry = false } = options ?? {};
      indexes.push({ name, keyPath: path, unique, multiEntry } satisfies IndexLayout);
      return createIndex(name, path, options);
    };
    const deleteIndex = store.deleteIndex.bind(store);
    store.deleteIndex = (name) => {
      deleteIndex(name);
      const at = indexes.findIndex((index) => index.name === name);
      if (at >= 0) indexes.splice(at, 1);
    };
    const index = store.index.bind(store);
    store.index = (name) => {
      const found = index(name);
      if (this.#first(found)) this.#watchCursors(found, store.name, changes);
      return found;
    };
    return store;
  }

  #watchWrites(store: IDBObjectStore, changes: Change[]): void {
    const { name } = store;
    for (const method of ['put', 'add'] as const) {
      const write = store[method].bind(store);
      store[method] = (value: unknown, key?: IDBValidKey) => {
        const bytes = serialize(value);
        const request = write(value, key);
        const recorded = () => changes.push({ kind: 'put', store: name, key: request.result, value: bytes });
        request.addEventListener('success', recorded);
        return request;
      };
    }
    const remove = store.delete.bind(store);
    store.delete = (query) => {
      const keys = store.getAllKeys(query);
      keys.addEventListener('success', () => {
        for (const key of keys.result) changes.push({ kind: 'delete', store: name, key });
      });
      return remove(query);
    };
    const clear = store.clear.bind(store);
    store.clear = () => {
      const request = clear();
      request.addEventListener('success', () => changes.push({ kind: 'clear', store: name }));
      return request;
    };
  }

  #watchCursors(source: IDBObjectStore | IDBIndex, store: string, changes: Change[]): void {
    const openCursor = source.openCursor.bind(source);
    source.openCursor = (query, direction) => {
      const request = openCursor(query, direction);
      request.addEventListener('success', () => {
        if (request.result && this.#first(request.result)) watchCursor(request.result, store, changes);
      });
      return request;
    };
  }

  #first(object: object): boolean {
    if (this.#watched.has(object)) return false;
    this.#watched.add(object);
    return true;
  }
}

function watchCursor(cursor: IDBCursorWithValue, store: string, changes: Change[]): void {
  const remove = cursor.delete.bind(cursor);
  cursor.delete = () => {
    const key = cursor.primaryKey;
    const request = remove();
    request.addEventListener('success', () => changes.push({ kind: 'delete', store, key }));
    return request;
  };
  const update = cursor.update.bind(cursor);
  cursor.update = (value: unknown) => {
    const bytes = serialize(value);
    const key = cursor.primaryKey;
    const request = update(value);
    request.addEventListener('success', () => changes.push({ kind: 'put', store, key, value: bytes }));
    return request;
  };
}

// The transaction is already finished for fake-indexeddb; turning its last event into an abort is the one way left to
// tell the library that nothing was saved.
function asAbort(event: Event, transaction: IDBTransaction, cause: unknown): Event {
  const error = new DOMException(cause instanceof Error ? cause.message : String(cause), 'UnknownError');
  Object.defineProperty(transaction, 'error', { value: error, configurable: true });
  return Object.defineProperty(event, 'type', { value: 'abort', configurable: true });
}
