// The server's side of the backup, as requests of this device. Guarantees: a request with a grant that was lost on its way is sent again as it was, so that
// one step-up suffices; entries go out in frames that the server takes. Does not: believe anything.
import type { Backup, BackupEntry, Grant } from '#proto/gen/client.ts';
import { BackupEntry as EntryCodec } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { limits } from '#proto/rules/limits.ts';
import type { BackupServer } from '../backup/backup.ts';
import type { AnswerOf, ClientBody } from '../connection/connection.ts';
import { reconnectMs } from '../connection/requests.ts';
import { ClientError, isRejection, wasLost } from '../errors.ts';
import type { Parts } from '../parts.ts';

/** Bytes of entries in one PutBackup: a frame less what stands around them. */
const putBytesMax = limits.frameBytesMax - 4_096;
const lostTries = 3;

/** What is needed of a client. */
export type BackupRequestParts = Pick<Parts, 'request' | 'whenLive'>;

/** Which backup there is, by the server's word. */
export function checkBackup({ request }: BackupRequestParts): Promise<Backup> {
  return request({ $case: 'checkBackup', value: {} }, 'backup');
}

/** Begins a backup. Rejects with STEP_UP_NEEDED for a grant that does not count. */
export async function createBackup(
  parts: BackupRequestParts,
  grant: Grant,
  { header, version }: { readonly header: Uint8Array; readonly version: number },
): Promise<void> {
  await granted(parts, { $case: 'createBackup', value: { grant, header, version } }, 'done');
}

/** The backup with its header. Rejects with STEP_UP_NEEDED for a grant that does not count; the same grant opens it again. */
export function fetchBackup(parts: BackupRequestParts, grant: Grant): Promise<Backup> {
  return granted(parts, { $case: 'fetchBackup', value: { grant } }, 'backup');
}

/** Entries written and read. */
export function backupServer({ request }: BackupRequestParts): BackupServer {
  return {
    async put(version, entries) {
      for (const some of frames(entries))
        await request({ $case: 'putBackup', value: { version, entries: some } }, 'done');
    },
    list: (version, room, after) =>
      request({ $case: 'listBackup', value: { version, room, after, limit: 0 } }, 'backupPage'),
  };
}

async function granted<Case extends 'done' | 'backup'>(
  { request, whenLive }: BackupRequestParts,
  body: ClientBody,
  expect: Case,
): Promise<AnswerOf<Case>> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await request(body, expect);
    } catch (error) {
      if (isRejection(error, Rejection.REJECTION_FORBIDDEN))
        throw new ClientError('STEP_UP_NEEDED', 'The fresh login is used up or too long ago.', { cause: error });
      if (!wasLost(error) || attempt === lostTries || !(await whenLive(reconnectMs))) throw error;
    }
  }
}

function* frames(entries: readonly BackupEntry[]): Generator<BackupEntry[]> {
  let some: BackupEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = EntryCodec.encode(entry).finish().length + 8;
    if (some.length > 0 && (bytes + size > putBytesMax || some.length === limits.backupPutEntriesMax)) {
      yield some;
      some = [];
      bytes = 0;
    }
    some.push(entry);
    bytes += size;
  }
  if (some.length > 0) yield some;
}
