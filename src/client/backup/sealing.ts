// Sealing of the backup: AES-256-GCM out of WebCrypto, bound to where the sealed thing belongs. Layout and labels: `proto/backup.proto`.
// Guarantees: what was altered, cut or moved to another place does not open. Does not: keep an older one from being shown (the manifest does).
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { BackupPlace } from '#proto/gen/backup.ts';
import { asciiBytes, concatBytes } from '#proto/rules/bytes/bytes.ts';

const nonceBytes = 12;
const tagBytes = 16;

/** Bytes of keys, seeds and the backup key. */
export const secretBytes = 32;

/** What is sealed: it begins the additional data, so that one never passes for the other. */
export type SealedKind = 'header' | 'entry';

/** The two keys that a backup key gives. */
export interface BackupKeys {
  /** Seals entries. */
  readonly seal: CryptoKey;
  /** For the engine's `startBackup`, 32 bytes. */
  readonly engine: Uint8Array;
}

/** A fresh backup key. */
export function newBackupKey(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(secretBytes));
}

/** The keys of a backup key of 32 bytes. */
export async function backupKeys(backupKey: Uint8Array): Promise<BackupKeys> {
  const derive = (info: string) => hkdf(sha256, backupKey, undefined, asciiBytes(info), secretBytes);
  return { seal: await importKey(derive('luxchat backup seal v1')), engine: derive('luxchat backup curve v1') };
}

/** 32 bytes as a key that seals. */
export function importKey(bytes: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', bytes as Uint8Array<ArrayBuffer>, 'AES-GCM', false, ['encrypt', 'decrypt']);
}

/** Seals under a fresh nonce: nonce, ciphertext, tag. */
export async function seal(
  key: CryptoKey,
  kind: SealedKind,
  place: BackupPlace,
  plain: Uint8Array,
): Promise<Uint8Array> {
  const iv = crypto.getRandomValues(new Uint8Array(nonceBytes));
  const settings = { name: 'AES-GCM', iv, additionalData: additional(kind, place) };
  const body = await crypto.subtle.encrypt(settings, key, plain as Uint8Array<ArrayBuffer>);
  return concatBytes(iv, new Uint8Array(body));
}

/** Opens what `seal` made for this place; undefined for everything else. */
export async function open(
  key: CryptoKey,
  kind: SealedKind,
  place: BackupPlace,
  sealed: Uint8Array,
): Promise<Uint8Array | undefined> {
  if (sealed.length < nonceBytes + tagBytes) return undefined;
  const copy = sealed.slice();
  const settings = { name: 'AES-GCM', iv: copy.subarray(0, nonceBytes), additionalData: additional(kind, place) };
  try {
    return new Uint8Array(await crypto.subtle.decrypt(settings, key, copy.subarray(nonceBytes)));
  } catch {
    // It says one thing only: not this key, not this place, or not these bytes.
    return undefined;
  }
}

function additional(kind: SealedKind, place: BackupPlace): Uint8Array<ArrayBuffer> {
  return concatBytes(asciiBytes(`luxchat backup ${kind} v1\0`), BackupPlace.encode(place).finish()).slice();
}
