// The local store of browsers: one IndexedDB database, one object store a table, one transaction a write with strict durability.
import { type IDBPDatabase, openDB } from 'idb';
import { ClientError } from '../errors.ts';
import { checkedChanges, type LocalStore, localTables } from './store.ts';

// 2: `origins`.
const schemaVersion = 2;

/** Opens (or makes) the database `name`. Rejects with STORE when the browser refuses or a newer version of the app made it. */
export async function openIndexedDbStore(name: string): Promise<LocalStore> {
  const database = await coded(() =>
    openDB(name, schemaVersion, {
      upgrade(upgrading) {
        for (const table of localTables)
          if (!upgrading.objectStoreNames.contains(table)) upgrading.createObjectStore(table);
      },
    }),
  );
  return {
    get: (table, key) => coded(() => database.get(table, key)),
    list: (table, { from, to, limit = 1000, backwards = false }) =>
      coded(async () => {
        const range = IDBKeyRange.bound(from, to, false, true);
        if (backwards) return listBackwards(database, table, range, limit);
        const transaction = database.transaction(table);
        const [keys, values] = await Promise.all([
          transaction.store.getAllKeys(range, limit),
          transaction.store.getAll(range, limit),
        ]);
        return keys.map((key, at) => ({ key: String(key), value: values[at] as Uint8Array }));
      }),
    write: (changes) =>
      coded(async () => {
        if (changes.length === 0) return;
        const checked = checkedChanges(changes);
        const transaction = database.transaction([...new Set(changes.map((change) => change.table))], 'readwrite', {
          durability: 'strict',
        });
        for (const { table, key, value } of checked) {
          const store = transaction.objectStore(table);
          // A refused request aborts the transaction, and `done` tells: its own promise must not go unheard.
          (value === undefined ? store.delete(key) : store.put(value, key)).catch(() => {});
        }
        await transaction.done;
      }),
    close: async () => database.close(),
  };
}

async function listBackwards(database: IDBPDatabase, table: string, range: IDBKeyRange, limit: number) {
  const rows: { key: string; value: Uint8Array }[] = [];
  let cursor = await database.transaction(table).store.openCursor(range, 'prev');
  while (cursor && rows.length < limit) {
    rows.push({ key: String(cursor.key), value: cursor.value as Uint8Array });
    cursor = await cursor.continue();
  }
  return rows;
}

/** Whatever a database refuses is STORE. */
export async function coded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof ClientError) throw cause;
    throw new ClientError(
      'STORE',
      'This browser could not read or write its storage. Free some space, or leave private browsing.',
      { cause },
    );
  }
}
