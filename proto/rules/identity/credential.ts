// Does a device key belong to a person? device key <- self-signing key <- master key (the person's fingerprint), over the JSON of the
// crypto library. Proven once, a credential is worth keeping: proving costs three signature checks.
import type { Credential } from '../../gen/record.ts';
import { fromBase64, toBase64 } from '../bytes/base.ts';
import { equalBytes } from '../bytes/bytes.ts';
import { keyBytes, signatureBytes } from '../bytes/hash.ts';
import { type JsonObject, objectAt, parseJsonObject, signedJsonBytes, textAt } from '../bytes/json.ts';
import { isDeviceId, isUserId } from '../ids.ts';
import { limits } from '../limits.ts';
import type { Primitives } from '../primitives.ts';

/** What a device says of itself in its signed keys JSON. Believed only once its signatures are checked. */
export interface DeviceClaim {
  readonly user: string;
  readonly deviceId: string;
  /** Ed25519. */
  readonly signingKey: Uint8Array;
  /** Curve25519. */
  readonly identityKey: Uint8Array;
}

/** A device that its person vouches for. */
export interface ProvenDevice extends DeviceClaim {
  readonly masterKey: Uint8Array;
  readonly selfSigningKey: Uint8Array;
}

/** Why a credential proves nothing. A closed list. */
export type CredentialFault =
  /** JSON that is too large, not strict, or lacks a needed part. */
  | 'MALFORMED'
  /** The two objects name different users. */
  | 'WRONG_USER'
  /** A signature is missing or wrong: by the device itself, by the self-signing key, or by the master key. */
  | 'BAD_SIGNATURE';

/** Proves that the device of `credential` belongs to `masterKey` (32 bytes). Member and device number in it are not signed and not looked at. */
export function proveCredential(
  credential: Pick<Credential, 'deviceJson' | 'selfSigningJson'>,
  masterKey: Uint8Array,
  primitives: Primitives,
): ProvenDevice | CredentialFault {
  const device = parseJsonObject(credential.deviceJson);
  const claim = device === null ? null : readDevice(device);
  const selfSigning = parseJsonObject(credential.selfSigningJson);
  const key = selfSigning === null ? null : readCrossSigningKey(selfSigning, 'self_signing');
  if (device === null || selfSigning === null || claim === null || key === null) return 'MALFORMED';
  if (key.user !== claim.user) return 'WRONG_USER';
  const { user, deviceId, signingKey } = claim;
  const proven =
    isSignedBy(selfSigning, { user, keyName: toBase64(masterKey), key: masterKey }, primitives) &&
    isSignedBy(device, { user, keyName: toBase64(key.key), key: key.key }, primitives) &&
    isSignedBy(device, { user, keyName: deviceId, key: signingKey }, primitives);
  return proven ? { ...claim, masterKey, selfSigningKey: key.key } : 'BAD_SIGNATURE';
}

/** Reads signed device keys JSON, without checking signatures. Null where it is malformed. */
export function readDeviceJson(bytes: Uint8Array): DeviceClaim | null {
  const object = parseJsonObject(bytes);
  return object === null ? null : readDevice(object);
}

/** A public cross-signing key. */
export interface CrossSigningKey {
  readonly user: string;
  /** Ed25519. */
  readonly key: Uint8Array;
}

/** The three uses of a cross-signing key. */
export type CrossSigningUsage = 'master' | 'self_signing' | 'user_signing';

/** Reads cross-signing key JSON of this usage, without checking signatures. Null where it is malformed. */
export function readCrossSigningJson(bytes: Uint8Array, usage: CrossSigningUsage): CrossSigningKey | null {
  const object = parseJsonObject(bytes);
  return object === null ? null : readCrossSigningKey(object, usage);
}

/** Is this self-signing or user-signing key JSON signed by the master key? */
export function isSignedByMaster(bytes: Uint8Array, master: CrossSigningKey, primitives: Primitives): boolean {
  const object = parseJsonObject(bytes);
  if (object === null) return false;
  return isSignedBy(object, { user: master.user, keyName: toBase64(master.key), key: master.key }, primitives);
}

/** Is device keys JSON signed by the device's own key? The least that a server asks of an upload. */
export function isSignedByItself(bytes: Uint8Array, primitives: Primitives): boolean {
  const object = parseJsonObject(bytes);
  const claim = object === null ? null : readDevice(object);
  if (object === null || claim === null) return false;
  return isSignedBy(object, { user: claim.user, keyName: claim.deviceId, key: claim.signingKey }, primitives);
}

interface Signer {
  readonly user: string;
  /** What stands after `ed25519:`. */
  readonly keyName: string;
  readonly key: Uint8Array;
}

function isSignedBy(object: JsonObject, signer: Signer, primitives: Primitives): boolean {
  const byUser = objectAt(object, 'signatures');
  const own = byUser === null ? null : objectAt(byUser, signer.user);
  const text = own === null ? null : textAt(own, `ed25519:${signer.keyName}`);
  const signature = text === null ? null : fromBase64(text);
  if (signature === null || signature.length !== signatureBytes) return false;
  return primitives.verify(signer.key, signedJsonBytes(object), signature);
}

function readDevice(object: JsonObject): DeviceClaim | null {
  const user = textAt(object, 'user_id');
  const deviceId = textAt(object, 'device_id');
  const keys = objectAt(object, 'keys');
  if (user === null || !isUserId(user) || deviceId === null || !isDeviceId(deviceId) || keys === null) return null;
  const signingKey = keyAt(keys, `ed25519:${deviceId}`);
  const identityKey = keyAt(keys, `curve25519:${deviceId}`);
  return signingKey === null || identityKey === null ? null : { user, deviceId, signingKey, identityKey };
}

function readCrossSigningKey(object: JsonObject, usage: CrossSigningUsage): CrossSigningKey | null {
  const user = textAt(object, 'user_id');
  const keys = objectAt(object, 'keys');
  const uses = object.get('usage');
  if (user === null || !isUserId(user) || keys === null || keys.size !== 1) return null;
  if (!Array.isArray(uses) || uses.length !== 1 || uses[0] !== usage) return null;
  const [name] = keys.keys();
  const key = name === undefined ? null : keyAt(keys, name);
  return key === null || name !== `ed25519:${toBase64(key)}` ? null : { user, key };
}

function keyAt(keys: JsonObject, name: string): Uint8Array | null {
  const text = textAt(keys, name);
  const key = text === null ? null : fromBase64(text);
  return key !== null && key.length === keyBytes ? key : null;
}

/** Does it fit where a Credential is carried? Both parts within `limits.keyJsonBytesMax`. */
export function credentialFits(credential: Credential): boolean {
  const { deviceJson, selfSigningJson } = credential;
  return deviceJson.length <= limits.keyJsonBytesMax && selfSigningJson.length <= limits.keyJsonBytesMax;
}

/** The same two objects? */
export function sameCredential(a: Credential, b: Credential): boolean {
  return equalBytes(a.deviceJson, b.deviceJson) && equalBytes(a.selfSigningJson, b.selfSigningJson);
}
