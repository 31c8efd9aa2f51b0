// The local store of Node: one lmdb environment in a folder that belongs to its owner alone. A write resolves when it is on the disk, so a
// kill at any moment loses nothing that was promised. Values come sealed (see sealed-store.ts); this file adds no encryption.
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { ClientError } from '../errors.ts';
import { type LocalStore, type LocalTable, localTables } from '../store.ts';

/** Opens (or makes) the store in `folder`. Throws STORE when it is damaged. One process at a time: the caller holds the folder's lock. */
export function openLmdbStore(folder: string): LocalStore {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const root = coded(() =>
    open({
      path: join(folder, 'local.mdb'),
      encoding: 'binary',
      overlappingSync: false,
      maxDbs: localTables.length + 1,
    }),
  );
  chmodSync(join(folder, 'local.mdb'), 0o600);
  const tables = new Map(
    localTables.map((name) => [name, root.openDB<Uint8Array, string>({ name, encoding: 'binary' })] as const),
  );
  const table = (name: LocalTable) => tables.get(name) as NonNullable<ReturnType<typeof tables.get>>;
  let closed = false;
  const whileOpen = async <T>(work: () => T | Promise<T>): Promise<T> => {
    if (closed) throw new ClientError('STORE', 'The local store is closed.');
    return coded(work);
  };
  return {
    get: (name, key) =>
      whileOpen(async () => {
        const value = table(name).get(key);
        return value && Uint8Array.from(value);
      }),
    list: (name, { from, to, limit = 1000, backwards = false }) =>
      whileOpen(() => {
        // lmdb walks backwards from the start option down to the end option, both ends as given.
        const range = backwards ? { start: to, end: from, reverse: true } : { start: from, end: to };
        const rows: { key: string; value: Uint8Array }[] = [];
        for (const { key, value } of table(name).getRange(range)) {
          if (key >= to || key < from) continue;
          rows.push({ key, value: Uint8Array.from(value) });
          if (rows.length === limit) break;
        }
        if (backwards && rows.length < limit && !rows.some((row) => row.key === from)) {
          const first = table(name).get(from);
          if (first) rows.push({ key: from, value: Uint8Array.from(first) });
        }
        return rows;
      }),
    write: (changes) =>
      whileOpen(async () => {
        const done = await root.transaction(() => {
          for (const change of changes) {
            if (change.value === undefined) table(change.table).removeSync(change.key);
            else table(change.table).putSync(change.key, Buffer.from(change.value));
          }
          return true;
        });
        if (!done) throw new ClientError('STORE', 'The local store did not take the change.');
      }),
    close: async () => {
      if (closed) return;
      closed = true;
      await root.close();
    },
  };
}

function coded<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof ClientError) throw cause;
    throw new ClientError('STORE', 'The local store is damaged or its disk is full.', { cause });
  }
}
