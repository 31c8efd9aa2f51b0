// What ties a data folder to its provider: the name, which stands in every id for ever, and the secret that keys the hashes of its people. Both are
// compared at each start, under the folder's lock: with another one the same data would be of other people. Kept in the store, so that whoever
// restores the data has both to compare with.
import { createHash } from 'node:crypto';
import type { Config } from './config.ts';
import { ConfigError } from './config.ts';
import { secret } from './secrets.ts';
import { sameBytes, type Table } from './storage/table.ts';

/** The store of the folder. */
export interface Folder {
  table(name: string): Table;
  /** Has anybody ever logged in? */
  holdsSubjects(): Promise<boolean>;
}

/** Makes the folder this provider's, or finds that it is. Resolves to the secret that keys the hashes of subjects. Rejects with ConfigError. */
export async function belong(
  folder: Folder,
  { data, provider }: Pick<Config, 'data' | 'provider'>,
): Promise<Uint8Array> {
  const table = folder.table('belonging');
  await keepName(table, data, provider);
  return await keepSecret(table, data, await folder.holdsSubjects());
}

async function keepName(table: Table, data: string, provider: string): Promise<void> {
  await table.change([{ key: 'provider', expected: null, value: Buffer.from(provider) }]);
  const kept = Buffer.from((await table.get('provider')) ?? []).toString();
  if (kept === provider) return;
  throw new ConfigError(
    `The data in ${data} belongs to the provider ${kept}, not ${provider}: set provider back, or choose another folder.`,
  );
}

/** As long as nobody has logged in, a secret may be made, or another one put in its place. */
async function keepSecret(table: Table, data: string, hasPeople: boolean): Promise<Uint8Array> {
  const found = secret(data, 'subject', { mayMake: !hasPeople });
  const mark = createHash('sha256').update('luxchat/subject-secret/').update(found).digest();
  const kept = await table.get('subject-secret');
  if (kept !== null && !sameBytes(kept, mark) && hasPeople) {
    throw new ConfigError(
      `The secret ${data}/secrets/subject is not the one that this data was made with: restore it from the same backup. With another one everybody would come in as someone new.`,
    );
  }
  await table.change([{ key: 'subject-secret', value: mark }]);
  return found;
}
