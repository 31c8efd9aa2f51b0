// Which devices may have keys, told to the library as its local trust: the caller's list AND the owner's signature.
// Guarantees: after `judge` exactly the allowed devices of these users count as trusted. Must run under the machine's
// lock, together with the sharing that follows. Does not: fetch anything.
import * as wasm from '@matrix-org/matrix-sdk-crypto-wasm';
import { fromBase64 } from '#proto/rules/bytes/base.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { ClientError } from '../../errors.ts';
import type { Exclusion, ExclusionReason, IdentityState, Recipient } from '../engine.ts';
import { objectOf, parseObject } from './json.ts';

/** Who may have keys (as `user device`), and who not and why. This device itself is in neither. */
export interface Verdict {
  allowed: Set<string>;
  excluded: Exclusion[];
}

/** Judges every known device of every recipient and sets the library's local trust accordingly. */
export async function judge(olm: wasm.OlmMachine, recipients: readonly Recipient[]): Promise<Verdict> {
  const verdict: Verdict = { allowed: new Set(), excluded: [] };
  const self = { user: olm.userId.toString(), device: olm.deviceId.toString() };
  for (const { user, devices: listed } of recipients) {
    const own = user === self.user;
    const identity = await identityState(olm, user);
    const known = (await olm.getUserDevices(new wasm.UserId(user))).devices();
    const unknown = new Set(listed);
    for (const device of known) {
      const id = device.deviceId.toString();
      unknown.delete(id);
      if (own && id === self.device) continue;
      const reason = reasonAgainst(device, identity, listed);
      if (reason === undefined) verdict.allowed.add(`${user} ${id}`);
      else verdict.excluded.push({ user, device: id, reason });
      await setTrust(device, trustFor(reason, own));
    }
    for (const device of unknown) {
      if (!own || device !== self.device) verdict.excluded.push({ user, device, reason: 'UNKNOWN' });
    }
  }
  return verdict;
}

/** How the user's identity stands, or undefined without one. */
export async function identityState(olm: wasm.OlmMachine, user: string): Promise<IdentityState | undefined> {
  const identity = await olm.getIdentity(new wasm.UserId(user));
  if (identity === undefined) return undefined;
  const changed = identity.hasVerificationViolation() || needsApproval(identity);
  return { masterKey: keyIn(identity.masterKey), changed, verified: identity.isVerified() };
}

/** See `CryptoEngine.approveIdentity`. Under the machine's lock: what is accepted is what was compared. `as before`: it counted already, so that no sharing need
 * be judged anew. */
export async function approveIdentity(
  olm: wasm.OlmMachine,
  user: string,
  masterKey: Uint8Array,
): Promise<'approved' | 'as before' | 'another'> {
  const identity = await olm.getIdentity(new wasm.UserId(user));
  if (!(identity instanceof wasm.OtherUserIdentity))
    throw new ClientError('UNKNOWN', `No identity of ${user} is known`);
  if (!equalBytes(keyIn(identity.masterKey), masterKey)) return 'another';
  if (!identity.hasVerificationViolation() && !identity.identityNeedsUserApproval()) return 'as before';
  await identity.pinCurrentMasterKey();
  if (identity.hasVerificationViolation()) await identity.withdrawVerification();
  return 'approved';
}

function needsApproval(identity: wasm.OwnUserIdentity | wasm.OtherUserIdentity): boolean {
  return identity instanceof wasm.OtherUserIdentity && identity.identityNeedsUserApproval();
}

/** The one Ed25519 key in a cross-signing key's JSON. Throws if there is none. */
export function keyIn(json: string): Uint8Array {
  const [key] = Object.values(objectOf(parseObject(json).keys));
  return keyBytes(String(key));
}

/** The 32 bytes of a key in the library's base64. */
export function keyBytes(base64: string): Uint8Array {
  const bytes = fromBase64(base64);
  if (bytes?.length !== 32) throw new Error('The crypto library gave a key of another length than 32 bytes');
  return bytes;
}

function reasonAgainst(
  device: wasm.Device,
  identity: IdentityState | undefined,
  listed: readonly string[],
): ExclusionReason | undefined {
  if (identity === undefined) return 'NO_IDENTITY';
  if (!listed.includes(device.deviceId.toString())) return 'NOT_LISTED';
  if (identity.changed) return 'IDENTITY_CHANGED';
  return device.isCrossSignedByOwner() ? undefined : 'NOT_CROSS_SIGNED';
}

// Own devices are trusted by their cross-signature alone, never by this mark: the library also gives secrets to own
// devices that it trusts.
function trustFor(reason: ExclusionReason | undefined, own: boolean): wasm.LocalTrust {
  if (reason === undefined && !own) return wasm.LocalTrust.Verified;
  return reason === 'NOT_LISTED' || reason === 'IDENTITY_CHANGED' ? wasm.LocalTrust.BlackListed : wasm.LocalTrust.Unset;
}

/** Takes the mark off own devices that a comparison of emoji left: under a new self-signing key only its signature is to count, also for who is given secrets. */
export async function trustSignaturesAlone(olm: wasm.OlmMachine): Promise<void> {
  for (const device of (await olm.getUserDevices(olm.userId)).devices()) {
    const isMarked = device.localTrustState === wasm.LocalTrust.Verified;
    if (isMarked && device.deviceId.toString() !== olm.deviceId.toString())
      await setTrust(device, wasm.LocalTrust.Unset);
  }
}

async function setTrust(device: wasm.Device, trust: wasm.LocalTrust): Promise<void> {
  if (device.localTrustState !== trust) await device.setLocalTrust(trust);
}
