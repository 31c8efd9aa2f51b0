// Which backup is in force: the one that own devices signed. The server's word is compared with it and never takes its place.
import type { Backup } from '#proto/gen/client.ts';
import type { BackupHead } from '#proto/gen/record.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { ClientError } from '../errors.ts';
import type { Parts } from '../parts.ts';

/** What the newest manifest names. */
export function namedBackup({ people, user }: Parts): BackupHead | undefined {
  return people.get(user)?.manifest.body.backup;
}

/** The server must not show an older backup than own devices signed, nor another one under its version: alarm, and UNTRUSTED. A newer one may be on its way
 * into the manifest. */
export function requireForward(parts: Parts, { version, hash, lastVersion }: Backup): void {
  const named = namedBackup(parts);
  if (!named) return;
  const older = version < named.version || lastVersion < named.version;
  if (!older && (version > named.version || equalBytes(hash, named.hash))) return;
  parts.alarm({ code: 'BACKUP_ROLLED_BACK', user: parts.user });
  throw new ClientError('UNTRUSTED', 'The server shows another backup than the one that own devices signed.');
}
