// Publishing the user's own device manifest: the newest that is known, changed, signed by this device. Another own device may publish at the same
// time; then what it said is taken and the change is made again. Only a listed device can do this, the first one ever, or one that has just opened the backup.
import { ed25519 } from '@noble/curves/ed25519.js';
import { Rejection } from '#proto/gen/codes.ts';
import { type BackupHead, ManifestBody, type ManifestDevice } from '#proto/gen/record.ts';
import { asciiBytes, equalBytes, noBytes, zeroHash } from '#proto/rules/bytes/bytes.ts';
import { manifestTextByBackup, manifestTextToSign } from '#proto/rules/bytes/hash.ts';
import { readCrossSigningJson } from '#proto/rules/identity/credential.ts';
import { isSameBackup } from '#proto/rules/identity/manifest.ts';
import { ClientError, isRejection } from '../errors.ts';
import type { Parts } from '../parts.ts';

const publishTries = 5;

/** What the list is to be, out of what it is. Called again at every try. */
export type ListChange = (devices: readonly ManifestDevice[]) => readonly ManifestDevice[];

/** What the next manifest says that the one before does not. */
export interface ManifestChange {
  /** Default: the same devices. */
  readonly devices?: ListChange;
  /** Default: the same backup. */
  readonly backup?: BackupHead | undefined;
  /** Vouches for this device where it is not listed yet: out of the backup that the manifest before names. */
  readonly listingSeed?: Uint8Array;
}

/**
 * Publishes the changed list and takes it. Does nothing where the change changes nothing. `present` gives the numbers of devices that the server
 * still has: others can't be listed. Rejects as requests do, with TIMEOUT where others change the list all the time, with NOT_CONFIRMED.
 */
export async function publishManifest(
  parts: Parts,
  change: ManifestChange,
  present: () => Promise<ReadonlySet<number>>,
): Promise<void> {
  const { people, user } = parts;
  let only: ReadonlySet<number> | undefined;
  for (let attempt = 0; attempt < publishTries; attempt++) {
    const devices: ListChange = (before) =>
      (change.devices?.(before) ?? before).filter(({ number }) => !only || only.has(number));
    const manifest = await nextManifest(parts, { ...change, devices });
    if (!manifest) return;
    try {
      await parts.request({ $case: 'publishManifest', value: { manifest } }, 'done');
      await people.take(user, manifest);
      return;
    } catch (error) {
      // One of them was logged out meanwhile: the next try goes without it.
      if (isRejection(error, Rejection.REJECTION_NOT_FOUND)) only = await present();
      // Another own device has just put another self-signing key in force.
      else if (isRejection(error, Rejection.REJECTION_FORBIDDEN)) await parts.engine.refresh([user]);
      else if (!isRejection(error, Rejection.REJECTION_STALE_MANIFEST)) throw error;
      await people.refresh([user], '');
    }
  }
  throw new ClientError('TIMEOUT', 'The list of devices changes too quickly just now. Try again.');
}

/** How many identities of before a list names. */
const formerKeysMax = 4;

/** The manifest that follows, signed. Undefined where the list would be the same: another own device may have said it meanwhile. The first one of a new
 * identity lists this device alone, and no backup: what there was belongs to the one before. */
async function nextManifest(parts: Parts, change: ManifestChange & { readonly devices: ListChange }) {
  const { engine, people, user, device, deviceId, primitives } = parts;
  const before = people.get(user)?.manifest;
  const [keys, certificate] = await Promise.all([engine.ownKeys(), engine.certificate()]);
  const self = { number: device, id: deviceId, signingKey: keys.ed25519, identityKey: keys.curve25519 };
  const { deviceJson, masterJson, selfSigningJson } = certificate;
  const masterKey = readCrossSigningJson(masterJson, 'master')?.key ?? noBytes;
  const selfSigningKey = readCrossSigningJson(selfSigningJson, 'self_signing')?.key ?? noBytes;
  const same = before && equalBytes(before.body.masterKey, masterKey) ? before.body : undefined;
  const listed = same?.devices ?? [self];
  const devices = [...change.devices(listed)].sort((a, b) => a.number - b.number);
  const backup = change.backup ?? same?.backup;
  const isUnchanged =
    same &&
    sameDevices(devices, listed) &&
    isSameBackup(backup, same.backup) &&
    equalBytes(same.selfSigningKey, selfSigningKey);
  if (isUnchanged) return undefined;
  const former = before && !same ? [before.body.masterKey, ...before.body.formerKeys] : (same?.formerKeys ?? []);
  const signed = ManifestBody.encode({
    user,
    version: (before?.body.version ?? 0) + 1,
    previousHash: before?.hash ?? zeroHash,
    devices,
    signer: device,
    masterKey,
    selfSigningKey,
    signedMs: parts.now(),
    backup,
    formerKeys: former.slice(0, formerKeysMax),
  }).finish();
  const signature = await engine.sign(manifestTextToSign(signed, primitives));
  const { listingSeed } = change;
  const backupSignature = listingSeed
    ? ed25519.sign(asciiBytes(manifestTextByBackup(signed, primitives)), listingSeed)
    : noBytes;
  return { signed, signature, credential: { member: 0, device, deviceJson, selfSigningJson }, backupSignature };
}

function sameDevices(a: readonly ManifestDevice[], b: readonly ManifestDevice[]): boolean {
  return a.length === b.length && a.every((device, index) => device.number === b[index]?.number);
}
