// Beginning a backup: the identity and a fresh key sealed under a password, kept here, begun at the server, named in the manifest.
// With it devices are logged out as lost: then another self-signing key comes into force with the backup that holds it.
// Guarantees: the key is on this device before the server has the backup, so that a set-up that is cut short anywhere is ended by the next start, or was never
// begun. Does not: fill it.
import type { Grant } from '#proto/gen/client.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { newBackup } from '../backup/backup.ts';
import type { Derivation, PasswordCost } from '../backup/header.ts';
import type { Devices } from '../devices/devices.ts';
import { ClientError } from '../errors.ts';
import type { Parts } from '../parts.ts';
import { checkBackup, createBackup } from './backup-requests.ts';
import { begunRow, type HeldBackup, heldRow, type Loss, readBegun, readHeld } from './backup-rows.ts';
import { requireForward } from './in-force.ts';

/** What beginning needs. */
export interface BeginningPorts {
  readonly parts: () => Parts;
  readonly devices: Pick<Devices, 'nameBackup' | 'renewSelfSigning'>;
}

/** What it is begun with. */
export interface Beginning extends Derivation {
  readonly grant: Grant;
  readonly password: string;
  readonly cost?: PasswordCost | undefined;
  /** Devices that are logged out as lost with it. */
  readonly loss?: Loss;
}

/** Begins a backup and names it. */
export async function beginBackup(ports: BeginningPorts, begin: Beginning): Promise<HeldBackup> {
  const parts = ports.parts();
  if (!parts.confirmed()) throw new ClientError('NOT_CONFIRMED', 'Only a confirmed device can secure this account.');
  const known = await checkBackup(parts);
  requireForward(parts, known);
  const { grant, password, cost, loss, ...watch } = begin;
  // The self-signing key that is in force when this backup is.
  const selfSigning = loss ? { selfSigning: loss.selfSigningSeed } : {};
  const plan = { version: known.lastVersion + 1, password, ...watch, ...(cost ? { cost } : {}), ...selfSigning };
  const { header, head, backupKey } = await newBackup(parts.engine, plan);
  await parts.store.write([begunRow({ head, backupKey, loss })]);
  try {
    await createBackup(parts, grant, { header, version: head.version });
  } catch (error) {
    // Refused for good: nothing was begun. Whether a lost one was is looked up at the next start.
    if (error instanceof ClientError && (error.code === 'STEP_UP_NEEDED' || error.code === 'REJECTED'))
      await parts.store.write([begunRow(undefined)]);
    throw error;
  }
  await finishBegun(ports);
  const held = await readHeld(parts.store);
  if (held?.version === head.version) return held;
  throw new ClientError('TIMEOUT', 'Another own device began a backup at the same moment. Try again.');
}

/** A backup that was begun here is named, where the server took it and no other device was quicker. Rejects as requests do. */
export async function finishBegun({ parts, devices }: BeginningPorts): Promise<void> {
  const { store } = parts();
  const begun = await readBegun(store);
  if (!begun) return;
  const { head, backupKey, loss } = begun;
  const { version, hash } = await checkBackup(parts());
  const isOurs = version === head.version && equalBytes(hash, head.hash);
  if (isOurs && loss) await devices.renewSelfSigning(loss.selfSigningSeed, loss.devices);
  if (isOurs) await devices.nameBackup({ backup: head, lost: loss?.devices ?? [] });
  await store.write([begunRow(undefined), ...(isOurs ? [heldRow({ version, backupKey })] : [])]);
}
