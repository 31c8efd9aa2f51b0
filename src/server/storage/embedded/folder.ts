// The folder of the embedded store. Guarantees: one process at a time has it (an operating-system lock that a killed process loses); only its owner
// may read it. Refuses with a sentence that says what to do.
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StorageError } from '../store.ts';

const busy = 5;

/** Makes the folders that are missing, for the owner only, and takes the lock. Throws UNUSABLE or LOCKED. */
export function lockFolder(folder: string, subfolders: readonly string[]): () => void {
  try {
    for (const each of [folder, ...subfolders.map((name) => join(folder, name))]) {
      mkdirSync(each, { recursive: true, mode: 0o700 });
      chmodSync(each, 0o700);
    }
  } catch (cause) {
    throw new StorageError('UNUSABLE', `The data folder ${folder} can't be made or written`, { cause });
  }
  return takeLock(folder);
}

/** SQLite's lock on an empty file: the one lock across processes that Node has on every system. */
function takeLock(folder: string): () => void {
  const path = join(folder, 'store.lock');
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(path);
    chmodSync(path, 0o600);
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database?.close();
    if ((cause as { errcode?: number }).errcode === busy) {
      throw new StorageError(
        'LOCKED',
        `Another process runs on the data folder ${folder}: stop it, or name another folder`,
        { cause },
      );
    }
    throw new StorageError('UNUSABLE', `The data folder ${folder} can't be locked`, { cause });
  }
  return () => database.close();
}
