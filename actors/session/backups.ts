// The shape of requests about backups: ids, counts and sizes, before anything is asked of a store. Which backup is in force and what a grant is worth
// is for whoever serves them to say.
import type { AboutBackup } from '#actors/kernel/messages.ts';
import type { BackupEntry, Grant } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { attemptBytes } from '#proto/rules/bytes/hash.ts';
import { isRoomId } from '#proto/rules/ids.ts';
import { limits } from '#proto/rules/limits.ts';

const { REJECTION_BAD_REQUEST: badRequest, REJECTION_TOO_LARGE: tooLarge } = Rejection;

/** Ids that the crypto library gives its sessions: base64. */
const session = /^[A-Za-z0-9+/]+$/;

/** Why a request about a backup is refused as it stands; null = it may be served. */
export function backupFault(body: AboutBackup): Rejection | null {
  switch (body.$case) {
    case 'checkBackup':
      return null;
    case 'createBackup': {
      const { grant, header } = body.value;
      return grantFault(grant) ?? sizeFault(header, limits.backupHeaderBytesMax);
    }
    case 'fetchBackup':
    case 'dropBackup':
      return grantFault(body.value.grant);
    case 'putBackup': {
      const { entries } = body.value;
      if (entries.length < 1 || entries.length > limits.backupPutEntriesMax) return badRequest;
      return firstFault(entries);
    }
    case 'listBackup': {
      const { room, after } = body.value;
      return (room === '' || isRoomId(room)) && (after === '' || isEntryKey(after)) ? null : badRequest;
    }
  }
}

/** `room session`, as a page names where it ended. */
export function isEntryKey(text: string): boolean {
  const space = text.indexOf(' ');
  return space > 0 && isRoomId(text.slice(0, space)) && isSession(text.slice(space + 1));
}

function firstFault(entries: readonly BackupEntry[]): Rejection | null {
  for (const { room, session: id, sealed } of entries) {
    if (!isRoomId(room) || !isSession(id)) return badRequest;
    const fault = sizeFault(sealed, limits.backupEntryBytesMax);
    if (fault !== null) return fault;
  }
  return null;
}

function isSession(id: string): boolean {
  return id.length <= limits.backupSessionCharactersMax && session.test(id);
}

function grantFault(grant: Grant | undefined): Rejection | null {
  return grant?.attempt.length === attemptBytes ? null : badRequest;
}

function sizeFault(bytes: Uint8Array, max: number): Rejection | null {
  if (bytes.length === 0) return badRequest;
  return bytes.length > max ? tooLarge : null;
}
