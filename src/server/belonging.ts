// What ties a data folder to its provider: the name, which stands in every id for ever, and the secret that keys the hashes of its people. Both are
// compared at each start, under the folder's lock: with another one the same data would be of other people. Kept in the store, so that whoever
// restores the data has both to compare with.
import { createHash } from 'node:crypto';
import type { Config } from './config.ts';
import { ConfigError } from './config-sources.ts';
import { comeBy, secret, secretsFolder } from './secrets.ts';
import { sameBytes, type Table } from './storage/table.ts';

/** The store of the folder. */
export interface Folder {
  table(name: string): Table;
  /** Has anybody ever logged in? */
  holdsSubjects(): Promise<boolean>;
}

/**
 * Makes the folder this provider's, or finds that it is. Resolves to the secret that keys the hashes of subjects. Rejects with ConfigError. Several nodes
 * share a store, and each brings the secret: there the first one counts.
 */
export async function belong(
  folder: Folder,
  { data, secrets, provider, store }: Pick<Config, 'data' | 'secrets' | 'provider' | 'store'>,
): Promise<Uint8Array> {
  const table = folder.table('belonging');
  await keepName(table, store === 'cassandra' ? 'Cassandra' : data, provider);
  const isShared = store === 'cassandra';
  return await keepSecret(table, secretsFolder({ data, secrets }), {
    hasPeople: await folder.holdsSubjects(),
    isShared,
  });
}

async function keepName(table: Table, data: string, provider: string): Promise<void> {
  await table.change([{ key: 'provider', expected: null, value: Buffer.from(provider) }]);
  const kept = Buffer.from((await table.get('provider')) ?? []).toString();
  if (kept === provider) return;
  throw new ConfigError(
    `The data in ${data} belongs to the provider ${kept}, not ${provider}: set provider back, or choose another folder.`,
  );
}

/** As long as nobody has logged in, a secret may be made, or another one put in its place; where nodes share a store, only the first one may. */
async function keepSecret(
  table: Table,
  folder: string,
  { hasPeople, isShared }: { readonly hasPeople: boolean; readonly isShared: boolean },
): Promise<Uint8Array> {
  const isKept = isShared && (await table.get('subject-secret')) !== null;
  const found = secret(folder, 'subject', { mayMake: !hasPeople && !isKept, isShared });
  const mark = createHash('sha256').update('luxchat/subject-secret/').update(found).digest();
  if (isShared) await table.change([{ key: 'subject-secret', expected: null, value: mark }]);
  const kept = await table.get('subject-secret');
  if (kept !== null && !sameBytes(kept, mark) && (hasPeople || isShared)) {
    throw new ConfigError(
      `The secret ${folder}/subject is not the one that this data was made with: ${isShared ? comeBy('subject', isShared) : 'restore it from the same backup'}. With another one everybody would come in as someone new.`,
    );
  }
  if (!isShared) await table.change([{ key: 'subject-secret', value: mark }]);
  return found;
}
