// The hashes and the texts to sign. Each hash starts with a label of its own, so that bytes made for one purpose never pass for another.
// Inputs are VERBATIM bytes: nothing is encoded here.

import type { Primitives } from '../primitives.ts';
import { toBase64Url, toHex } from './base.ts';
import { asciiBytes, concatBytes, putUint32 } from './bytes.ts';

const recordLabel = asciiBytes('luxchat record v1\0');
const controlLabel = asciiBytes('luxchat control v1\0');
const stateLabel = asciiBytes('luxchat state v1\0');
const manifestLabel = asciiBytes('luxchat manifest v1\0');
const backupLabel = asciiBytes('luxchat backup v1\0');
const personLabel = asciiBytes('luxchat person v1\0');
const erasureLabel = asciiBytes('luxchat erasure v1\0');

/** One record's input fits; used within one call only, so that the hub allocates nothing for it. */
const scratch = new Uint8Array(2_048);

/** Bytes of SHA-256. */
export const hashBytes = 32;
/** Bytes of an Ed25519 or Curve25519 public key. */
export const keyBytes = 32;
/** Bytes of an Ed25519 signature. */
export const signatureBytes = 64;
/** Bytes of Person.salt. */
export const saltBytes = 16;
/** Bytes of ControlBody.nonce in a genesis. */
export const nonceBytes = 16;
/** Bytes of Grant.attempt. */
export const attemptBytes = 16;
/** Bytes of an erasure's number. */
const receiptBytes = 16;

/** hash(record) = SHA-256(label | u32 length of stamp | stamp | u32 length of header | header). */
export function recordHash(stamp: Uint8Array, header: Uint8Array, primitives: Primitives): Uint8Array {
  const length = recordLabel.length + 8 + stamp.length + header.length;
  const input = length <= scratch.length ? scratch.subarray(0, length) : new Uint8Array(length);
  let at = recordLabel.length;
  input.set(recordLabel, 0);
  putUint32(input, at, stamp.length);
  input.set(stamp, at + 4);
  at += 4 + stamp.length;
  putUint32(input, at, header.length);
  input.set(header, at + 4);
  return primitives.sha256(input);
}

/** hash(control entry) = SHA-256(label | signed bytes). */
export function controlHash(signed: Uint8Array, primitives: Primitives): Uint8Array {
  return primitives.sha256(concatBytes(controlLabel, signed));
}

/** hash(state) = SHA-256(label | encoded state), see control/state.ts. */
export function stateHash(encoded: Uint8Array, primitives: Primitives): Uint8Array {
  return primitives.sha256(concatBytes(stateLabel, encoded));
}

/** hash(manifest) = SHA-256(label | signed bytes). */
export function manifestHash(signed: Uint8Array, primitives: Primitives): Uint8Array {
  return primitives.sha256(concatBytes(manifestLabel, signed));
}

/** hash(backup) = SHA-256(label | encoded header), see backup.proto. */
export function backupHash(header: Uint8Array, primitives: Primitives): Uint8Array {
  return primitives.sha256(concatBytes(backupLabel, header));
}

/** ErasureReceipt.number of the erasure that was asked for in this attempt. */
export function receiptNumber(attempt: Uint8Array, { sha256 }: Pick<Primitives, 'sha256'>): string {
  return toHex(sha256(concatBytes(erasureLabel, attempt)).subarray(0, receiptBytes));
}

/** What a person commitment is made from. */
export interface PersonParts {
  /** 16 bytes. */
  readonly salt: Uint8Array;
  /** `@name:provider`, ASCII. */
  readonly user: string;
  /** Master key, 32 bytes. */
  readonly fingerprint: Uint8Array;
}

/** H(salt, user id, fingerprint) = SHA-256(label | salt | u16 length of user id | user id | fingerprint). */
export function personCommitment(person: PersonParts, primitives: Primitives): Uint8Array {
  const user = asciiBytes(person.user);
  const length = new Uint8Array([user.length >>> 8, user.length & 0xff]);
  return primitives.sha256(concatBytes(personLabel, person.salt, length, user, person.fingerprint));
}

/** The text whose Ed25519 signature stands in a ControlEntry: ASCII, because the crypto library signs texts. */
export function controlTextToSign(signed: Uint8Array, primitives: Primitives): string {
  return `luxchat control v1 ${toBase64Url(primitives.sha256(signed))}`;
}

/** The text whose Ed25519 signature stands in a DeviceManifest. */
export function manifestTextToSign(signed: Uint8Array, primitives: Primitives): string {
  return `luxchat manifest v1 ${toBase64Url(primitives.sha256(signed))}`;
}

/** The text that the listing key of a backup signs for a device that opened it. */
export function manifestTextByBackup(signed: Uint8Array, primitives: Primitives): string {
  return `luxchat manifest by backup v1 ${toBase64Url(primitives.sha256(signed))}`;
}
