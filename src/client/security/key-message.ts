// The backup key from one own device to another, inside Olm: whoever was confirmed by emoji has to fill the backup, too, and reads it back. A device that
// lacks the key of the backup that the manifest names asks for it. What came is read strictly here.
import { fromBase64, toBase64 } from '#proto/rules/bytes/base.ts';
import { secretBytes } from '../backup/sealing.ts';
import type { HeldBackup } from './backup-rows.ts';

/** Type of the device message. */
export const backupMessageType = 'lu.luxchat.backup';

/** What is said: a key, or the version whose key is wanted. */
export type BackupMessage = { readonly held: HeldBackup } | { readonly wanted: number };

/** The content of a message. */
export function backupContent(message: BackupMessage): object {
  if ('wanted' in message) return { ask: message.wanted };
  return { version: message.held.version, key: toBase64(message.held.backupKey) };
}

/** Reads a message's content; undefined for what is none. */
export function readBackupMessage(content: unknown): BackupMessage | undefined {
  if (typeof content !== 'object' || content === null) return undefined;
  const { ask, version, key } = content as Record<string, unknown>;
  if (isVersion(ask)) return { wanted: ask };
  const backupKey = typeof key === 'string' ? fromBase64(key) : null;
  return isVersion(version) && backupKey?.length === secretBytes ? { held: { version, backupKey } } : undefined;
}

function isVersion(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}
