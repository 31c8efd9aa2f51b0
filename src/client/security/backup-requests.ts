// The server's side of the backup, as requests of this device. Guarantees: a request with a grant that was lost on its way is sent again as it was, so that
// one step-up suffices; entries go out in frames that the server takes. Does not: believe anything.
import type { Backup, BackupEntry, Grant } from '#proto/gen/client.ts';
import { BackupEntry as EntryCodec } from '#proto/gen/client.ts';
import { limits } from '#proto/rules/limits.ts';
import type { BackupServer } from '../backup/backup.ts';
import { granted } from '../connection/granted.ts';
import { type PackSize, packed } from '../connection/packing.ts';
import type { Parts } from '../parts.ts';

/** Entries of one PutBackup: a frame less what stands around them. */
const putSize: PackSize<BackupEntry> = {
  itemsMax: limits.backupPutEntriesMax,
  bytesMax: limits.frameBytesMax - 4_096,
  bytesOf: (entry) => EntryCodec.encode(entry).finish().length + 8,
};

/** What is needed of a client. */
export type BackupRequestParts = Pick<Parts, 'request' | 'whenLive'>;

/** Which backup there is, by the server's word. */
export function checkBackup({ request }: BackupRequestParts): Promise<Backup> {
  return request({ $case: 'checkBackup', value: {} }, 'backup');
}

/** Begins a backup. Rejects with STEP_UP_NEEDED for a grant that does not count. */
export async function createBackup(
  { request, whenLive }: BackupRequestParts,
  grant: Grant,
  { header, version }: { readonly header: Uint8Array; readonly version: number },
): Promise<void> {
  const value = { grant, header, version };
  await granted(() => request({ $case: 'createBackup', value }, 'done'), whenLive);
}

/** The backup with its header. Rejects with STEP_UP_NEEDED for a grant that does not count; the same grant opens it again. */
export function fetchBackup({ request, whenLive }: BackupRequestParts, grant: Grant): Promise<Backup> {
  const value = { grant };
  return granted(() => request({ $case: 'fetchBackup', value }, 'backup'), whenLive);
}

/** Entries written and read. */
export function backupServer({ request }: BackupRequestParts): BackupServer {
  return {
    async put(version, entries) {
      for (const some of packed(entries, putSize))
        await request({ $case: 'putBackup', value: { version, entries: some } }, 'done');
    },
    list: (version, { room, after, limit = 0 }) =>
      request({ $case: 'listBackup', value: { version, room, after, limit } }, 'backupPage'),
  };
}
