// Opening the backup on a new device: the password gives the identity and the backup key, and the device lists itself.
// Guarantees: a header that own devices did not sign is refused before the password is touched; nothing is listed for an identity that the password did
// not open; a wrong password costs nothing but time, and the same step-up serves the next try. Does not: read history back.
import type { Grant } from '#proto/gen/client.ts';
import type { BackupHead } from '#proto/gen/record.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { limits } from '#proto/rules/limits.ts';
import { openBackup } from '../backup/backup.ts';
import { type Derivation, openHeader } from '../backup/header.ts';
import type { Devices } from '../devices/devices.ts';
import { ClientError } from '../errors.ts';
import type { Parts } from '../parts.ts';
import { fetchBackup } from './backup-requests.ts';
import { type HeldBackup, heldRow, restoreOf, restoreRow } from './backup-rows.ts';
import { namedBackup, requireForward } from './in-force.ts';

/** Step-ups for opening the backup that count within an hour, whatever became of them: REJECTED RATE_LIMITED above. */
export const openingsAnHour: number = limits.backupFetchesMax;

/** What opening needs. */
export interface OpeningPorts {
  readonly parts: () => Parts;
  readonly devices: Pick<Devices, 'nameBackup' | 'refresh'>;
}

/** Opens the backup with the password and lists this device. Resolves with the backup, which is to be read back. */
export async function openWithPassword(
  { parts, devices }: OpeningPorts,
  { grant, password, ...watch }: Derivation & { readonly grant: Grant; readonly password: string },
): Promise<HeldBackup> {
  await devices.refresh();
  const named = namedBackup(parts());
  if (!named) throw new ClientError('UNKNOWN', 'There is no backup that own devices signed.');
  const header = await fetchHeader(parts(), grant, named);
  const held = { header, head: named, password, ...watch };
  const { alarm, user, engine } = parts();
  const { backupKey, listingSeed } = await openBackup(engine, held, (what, error) => {
    if (error instanceof ClientError && error.code === 'UNTRUSTED')
      alarm({ code: what === 'header' ? 'BACKUP_ROLLED_BACK' : 'IDENTITY_SWAPPED', user });
  });
  await requireIdentity(parts());
  const opened = { version: named.version, backupKey };
  await parts().store.write([heldRow(opened), restoreRow(restoreOf(named.version))]);
  await engine.flush();
  await devices.nameBackup({ listingSeed });
  return opened;
}

/** Opens the backup with the password on a device that is confirmed: proof that its owner is there. Nothing is changed by it. */
export async function openAsOwner(
  { parts }: OpeningPorts,
  { grant, password, ...watch }: Derivation & { readonly grant: Grant; readonly password: string },
): Promise<HeldBackup> {
  const { alarm, user, confirmed } = parts();
  if (!confirmed()) throw new ClientError('NOT_CONFIRMED', 'Only a confirmed device can take another one off.');
  const head = namedBackup(parts());
  if (!head) throw new ClientError('UNKNOWN', 'There is no backup that own devices signed.');
  const header = await fetchHeader(parts(), grant, head);
  const { backupKey } = await openHeader({ user, header, head, password, ...watch }).catch((error) => {
    if (error instanceof ClientError && error.code === 'UNTRUSTED') alarm({ code: 'BACKUP_ROLLED_BACK', user });
    throw error;
  });
  return { version: head.version, backupKey };
}

async function fetchHeader(parts: Parts, grant: Grant, named: BackupHead): Promise<Uint8Array> {
  const found = await fetchBackup(parts, grant);
  requireForward(parts, found);
  if (found.version === named.version) return found.header;
  throw new ClientError('UNKNOWN', 'Another own device is just changing the password: try again when it has.');
}

/** The identity that the password opened must be the one whose devices the manifest lists. */
async function requireIdentity(parts: Parts): Promise<void> {
  const { engine, people, user } = parts;
  const identity = await engine.identity(user);
  const listed = people.get(user)?.manifest.body.masterKey;
  if (identity && listed && equalBytes(identity.masterKey, listed)) return;
  parts.alarm({ code: 'IDENTITY_SWAPPED', user });
  // Taken on first sight, and false.
  await people.forget(user);
  throw new ClientError('UNTRUSTED', 'The server lists devices of another identity than the one in the backup.');
}
