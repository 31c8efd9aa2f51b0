// Device manifests: which devices a user has, signed by one of them, each naming the one before. Keys go to no other device.
// A verifier that follows them one by one can't be shown a device that was taken off the list: only a listed device can sign the next list, or one that
// has just opened the backup with its password.
import {
  type BackupHead,
  type DeviceManifest,
  ManifestBody,
  type ManifestDevice,
  type ManifestHead,
} from '../../gen/record.ts';
import { toHex } from '../bytes/base.ts';
import { asciiBytes, equalBytes, zeroHash } from '../bytes/bytes.ts';
import { decodeCanonical } from '../bytes/canonical.ts';
import {
  hashBytes,
  keyBytes,
  manifestHash,
  manifestTextByBackup,
  manifestTextToSign,
  signatureBytes,
} from '../bytes/hash.ts';
import { isDeviceId } from '../ids.ts';
import { limits } from '../limits.ts';
import type { Primitives } from '../primitives.ts';
import { proveCredential } from './credential.ts';

/** A manifest that was found good, as it is remembered of a user. */
export interface KnownManifest {
  readonly body: ManifestBody;
  readonly hash: Uint8Array;
}

/** Why a manifest is not taken. A closed list. */
export type ManifestFault =
  /** Too large, not canonical, out of bounds, devices not ascending or not distinct. */
  | 'MALFORMED'
  /** Of another user. */
  | 'WRONG_USER'
  /** The signer is not listed, here or (with the same master key) in the one before, and the backup that the one before names does not vouch for it. */
  | 'WRONG_SIGNER'
  /** The credential does not prove the signer's key by the master and self-signing key named. */
  | 'WRONG_CREDENTIAL'
  | 'BAD_SIGNATURE'
  /** A device number or key of the manifest before now means another device. */
  | 'DEVICE_REUSED'
  /** An older backup than the manifest before names, or another one under the same version, though the master key stayed. */
  | 'BACKUP_ROLLED_BACK'
  /** Lower than a version known: refused for ever. */
  | 'STALE'
  /** More than one above the known one: those between have to be fetched. */
  | 'GAP'
  /** Two manifests of one version, or one that does not name the known one before it: two lists were shown. */
  | 'FORK';

/** A manifest taken; `identityChanged`: its master key is another one than before, which blocks sharing until a person approves. */
export type ManifestResult =
  | { readonly known: KnownManifest; readonly identityChanged: boolean; readonly invalid?: never }
  | { readonly invalid: ManifestFault; readonly known?: never };

/** Version and hash, as headers of payloads and frames carry them. */
export function manifestHead(known: KnownManifest | null): ManifestHead {
  return known === null ? { version: 0, hash: new Uint8Array(0) } : { version: known.body.version, hash: known.hash };
}

/**
 * Is `manifest` the one that follows `known`? null = none known of this user: then any version is taken, on first sight. The known one again is
 * taken as it is. Never throws for anything in `manifest`.
 */
export function followManifest(
  known: KnownManifest | null,
  manifest: DeviceManifest,
  context: { readonly user: string; readonly primitives: Primitives },
): ManifestResult {
  const next = checkManifest(manifest, context.user, context.primitives);
  if (typeof next === 'string') return { invalid: next };
  if (known === null) return { known: next, identityChanged: false };
  const ahead = next.body.version - known.body.version;
  if (ahead < 0) return { invalid: 'STALE' };
  if (ahead > 1) return { invalid: 'GAP' };
  if (ahead === 0) {
    return equalBytes(next.hash, known.hash) ? { known, identityChanged: false } : { invalid: 'FORK' };
  }
  const fault = checkSuccession(known, next, { manifest, primitives: context.primitives });
  const identityChanged = !equalBytes(known.body.masterKey, next.body.masterKey);
  return fault === null ? { known: next, identityChanged } : { invalid: fault };
}

/** Everything about a manifest that needs no other: bounds, signer, credential, signature. */
export function checkManifest(
  manifest: DeviceManifest,
  user: string,
  primitives: Primitives,
): KnownManifest | ManifestFault {
  const { signed, signature, credential } = manifest;
  if (signed.length > limits.manifestBytesMax || signature.length !== signatureBytes) return 'MALFORMED';
  if (![0, signatureBytes].includes(manifest.backupSignature.length)) return 'MALFORMED';
  const body = decodeCanonical(ManifestBody, signed);
  if (body === null || credential === undefined || !isWellFormed(body)) return 'MALFORMED';
  if (body.user !== user) return 'WRONG_USER';
  const signer = body.devices.find((device) => device.number === body.signer);
  if (signer === undefined) return 'WRONG_SIGNER';
  const proven = proveCredential(credential, body.masterKey, primitives);
  const fits =
    typeof proven !== 'string' &&
    proven.user === user &&
    proven.deviceId === signer.id &&
    equalBytes(proven.selfSigningKey, body.selfSigningKey) &&
    equalBytes(proven.signingKey, signer.signingKey) &&
    equalBytes(proven.identityKey, signer.identityKey);
  if (!fits) return 'WRONG_CREDENTIAL';
  const text = asciiBytes(manifestTextToSign(signed, primitives));
  if (!primitives.verify(signer.signingKey, text, signature)) return 'BAD_SIGNATURE';
  return { body, hash: manifestHash(signed, primitives) };
}

/** The listed device with this number. */
export function listedDevice(known: KnownManifest, number: number): ManifestDevice | undefined {
  return known.body.devices.find((device) => device.number === number);
}

/** Do two entries speak of one device, by number, id or signing key, and say different things of it? */
export function contradicts(a: ManifestDevice, b: ManifestDevice): boolean {
  const sameOne = a.number === b.number || a.id === b.id || equalBytes(a.signingKey, b.signingKey);
  return sameOne && !isSameDevice(a, b);
}

/** The same number, id and keys? */
export function isSameDevice(a: ManifestDevice, b: ManifestDevice): boolean {
  const sameKeys = equalBytes(a.signingKey, b.signingKey) && equalBytes(a.identityKey, b.identityKey);
  return a.number === b.number && a.id === b.id && sameKeys;
}

function checkSuccession(
  known: KnownManifest,
  next: KnownManifest,
  said: { readonly manifest: DeviceManifest; readonly primitives: Primitives },
): ManifestFault | null {
  if (!equalBytes(next.body.previousHash, known.hash)) return 'FORK';
  const sameIdentity = equalBytes(next.body.masterKey, known.body.masterKey);
  if (sameIdentity && listedDevice(known, next.body.signer) === undefined && !isVouchedFor(known, said))
    return 'WRONG_SIGNER';
  for (const device of next.body.devices) {
    if (known.body.devices.some((before) => contradicts(before, device))) return 'DEVICE_REUSED';
  }
  return sameIdentity && goesBack(known.body.backup, next.body.backup) ? 'BACKUP_ROLLED_BACK' : null;
}

// The key lies under the backup password alone: a device that was taken off does not have it, whatever else it kept.
function isVouchedFor(
  known: KnownManifest,
  { manifest, primitives }: { readonly manifest: DeviceManifest; readonly primitives: Primitives },
): boolean {
  const { backup } = known.body;
  if (backup === undefined || manifest.backupSignature.length === 0) return false;
  const text = asciiBytes(manifestTextByBackup(manifest.signed, primitives));
  return primitives.verify(backup.listingKey, text, manifest.backupSignature);
}

function goesBack(before: BackupHead | undefined, next: BackupHead | undefined): boolean {
  if (before === undefined || next === undefined) return false;
  return next.version < before.version || (next.version === before.version && !isSameBackup(before, next));
}

/** The same version, header and listing key? */
export function isSameBackup(a: BackupHead | undefined, b: BackupHead | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.version === b.version && equalBytes(a.hash, b.hash) && equalBytes(a.listingKey, b.listingKey);
}

function isWellFormed(body: ManifestBody): boolean {
  const { devices, backup } = body;
  const ids = new Set(devices.map((device) => device.id));
  const keys = new Set(devices.map((device) => toHex(device.signingKey)));
  return (
    body.version > 0 &&
    body.previousHash.length === hashBytes &&
    (body.version > 1 || equalBytes(body.previousHash, zeroHash)) &&
    body.masterKey.length === keyBytes &&
    body.selfSigningKey.length === keyBytes &&
    (backup === undefined || isBackup(backup)) &&
    devices.length >= 1 &&
    devices.length <= limits.devicesMax &&
    ids.size === devices.length &&
    keys.size === devices.length &&
    devices.every((device, index) => isDevice(device) && device.number > (devices[index - 1]?.number ?? 0))
  );
}

function isBackup({ version, hash, listingKey }: BackupHead): boolean {
  return version > 0 && hash.length === hashBytes && listingKey.length === keyBytes;
}

function isDevice(device: ManifestDevice): boolean {
  return isDeviceId(device.id) && device.signingKey.length === keyBytes && device.identityKey.length === keyBytes;
}
