// Where login's rows lie: one lmdb environment of its own beside the logs, for the owner alone. The folder's lock is held by the store.
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import type { AccountStore } from '../../auth/ports.ts';
import { embeddedAccounts } from './accounts.ts';

/** Opens (or makes) the account store of a data folder. */
export function openAccounts(folder: string): { readonly accounts: AccountStore; readonly close: () => Promise<void> } {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'accounts.lmdb');
  // `overlappingSync: false`: a promise that resolves is on the disk.
  const database = open<unknown, string>({ path, overlappingSync: false });
  chmodSync(path, 0o600);
  return { accounts: embeddedAccounts(database), close: () => database.close() };
}
