// This device's keys and its user's identity: making them, showing them, signing with them.
// Guarantees: an identity is replaced by another only when that is asked for; making it can be cut short anywhere and done again.
// Does not: decide whether this is the first device (the server refuses a second identity).
import * as wasm from '@matrix-org/matrix-sdk-crypto-wasm';
import { ed25519 } from '@noble/curves/ed25519.js';
import { fromBase64, toBase64 } from '#proto/rules/bytes/base.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { ClientError } from '../../errors.ts';
import type { Certificate, CrossSigningKeys, CryptoServer, OwnDeviceKeys } from '../engine.ts';
import type { IdentitySeeds } from '../keeping.ts';
import { canonicalBytes, type Json, objectOf, parseObject } from './json.ts';
import type { Machine, Requests } from './requests.ts';
import { keyBytes, keyIn } from './trust.ts';

/** See `CryptoEngine.createIdentity`; the caller fetches the own keys afterwards. */
export async function createIdentity({ olm, lock }: Machine, requests: Requests, server: CryptoServer): Promise<void> {
  const made = await lock.run(async () => {
    const { hasMaster, hasSelfSigning, hasUserSigning } = await olm.crossSigningStatus();
    // Asking for a new one would delete the one that is there.
    return olm.bootstrapCrossSigning(!(hasMaster && hasSelfSigning && hasUserSigning));
  });
  await publish(made, requests, (keys) => server.uploadCrossSigning(keys));
}

/** See `CryptoEngine.replaceIdentity`; the caller fetches the own keys afterwards, also where this rejects: then the library lets go of what it made. */
export async function replaceIdentity(
  { olm, lock }: Machine,
  requests: Requests,
  upload: (keys: CrossSigningKeys) => Promise<void>,
): Promise<void> {
  await publish(await lock.run(() => olm.bootstrapCrossSigning(true)), requests, upload);
}

async function publish(
  made: wasm.CrossSigningBootstrapRequests,
  requests: Requests,
  upload: (keys: CrossSigningKeys) => Promise<void>,
): Promise<void> {
  // In this order: each is signed by what went before.
  const { uploadKeysRequest } = made;
  if (uploadKeysRequest instanceof wasm.KeysUploadRequest) await requests.perform(uploadKeysRequest);
  const { master_key, self_signing_key, user_signing_key } = parseObject(made.uploadSigningKeysRequest.body);
  await upload({
    master: canonicalBytes(objectOf(master_key)),
    selfSigning: canonicalBytes(objectOf(self_signing_key)),
    userSigning: canonicalBytes(objectOf(user_signing_key)),
  });
  await requests.perform(made.uploadSignaturesRequest);
}

/** See `Keeping.exportIdentity`. */
export async function exportIdentity({ olm, lock }: Machine): Promise<IdentitySeeds | undefined> {
  const seeds = await lock.run(() => olm.exportCrossSigningKeys());
  const { masterKey, self_signing_key, userSigningKey } = seeds ?? {};
  if (masterKey === undefined || self_signing_key === undefined || userSigningKey === undefined) return undefined;
  return {
    master: keyBytes(masterKey),
    selfSigning: keyBytes(self_signing_key),
    userSigning: keyBytes(userSigningKey),
  };
}

/** See `Keeping.importIdentity`; the caller fetches the own keys before and afterwards. */
export async function importIdentity({ olm, lock }: Machine, requests: Requests, seeds: IdentitySeeds): Promise<void> {
  const signing = await lock.run(async () => {
    const identity = await olm.getIdentity(olm.userId);
    if (!(identity instanceof wasm.OwnUserIdentity)) throw new ClientError('UNKNOWN', 'No own identity is published');
    const pairs = [
      [seeds.master, identity.masterKey],
      [seeds.selfSigning, identity.selfSigningKey],
      [seeds.userSigning, identity.userSigningKey],
    ] as const;
    // All before the first is taken in: the library keeps those that came before one that it refuses.
    const fits = pairs.every(
      ([seed, json]) => seed.length === 32 && equalBytes(ed25519.getPublicKey(seed), keyIn(json)),
    );
    if (!fits) throw new ClientError('UNTRUSTED', 'The published identity is not the one that these seeds make');
    const [master, selfSigning, userSigning] = pairs.map(([seed]) => toBase64(seed));
    await olm.importCrossSigningKeys(master, selfSigning, userSigning);
    const device = await olm.getDevice(olm.userId, olm.deviceId);
    if (device === undefined) throw new Error('The crypto library does not know its own device');
    return device.verify();
  });
  await requests.perform(signing);
}

/** See `CryptoEngine.confirmed`. */
export async function isConfirmed({ olm }: Machine): Promise<boolean> {
  const identity = await olm.getIdentity(olm.userId);
  return identity instanceof wasm.OwnUserIdentity && identity.isVerified() && (await identity.trustsOurOwnDevice());
}

/** See `CryptoEngine.ownKeys`. */
export async function ownKeys({ olm }: Machine): Promise<OwnDeviceKeys> {
  const { ed25519, curve25519 } = olm.identityKeys;
  const deviceJson = canonicalBytes(await ownDeviceJson(olm));
  return { ed25519: keyBytes(ed25519.toBase64()), curve25519: keyBytes(curve25519.toBase64()), deviceJson };
}

/** See `CryptoEngine.certificate`. */
export async function certificate(machine: Machine): Promise<Certificate> {
  const identity = await machine.olm.getIdentity(machine.olm.userId);
  if (!identity || !(await isConfirmed(machine)))
    throw new ClientError('NOT_CONFIRMED', 'This device is not confirmed yet');
  return {
    deviceJson: canonicalBytes(await ownDeviceJson(machine.olm)),
    selfSigningJson: canonicalBytes(parseObject(identity.selfSigningKey)),
    masterJson: canonicalBytes(parseObject(identity.masterKey)),
  };
}

/** See `CryptoEngine.sign`. The library signs with the master key besides, where it has it; only the device's counts here. */
export async function sign({ olm }: Machine, text: string): Promise<Uint8Array> {
  const all = objectOf(parseObject((await olm.sign(text)).asJSON())[olm.userId.toString()]);
  const signature = fromBase64(String(all[`ed25519:${olm.deviceId.toString()}`]));
  if (signature?.length !== 64) throw new Error('The crypto library gave no signature of this device');
  return signature;
}

// The library shows its device only in parts. These are all that a device of this library has, so the signatures fit.
async function ownDeviceJson(olm: wasm.OlmMachine): Promise<Json> {
  const device = await olm.getDevice(olm.userId, olm.deviceId);
  if (device === undefined) throw new Error('The crypto library does not know its own device');
  return {
    algorithms: device.algorithms.map(algorithmName),
    device_id: device.deviceId.toString(),
    keys: Object.fromEntries([...device.keys].map(([id, key]) => [id.toString(), key.toBase64()])),
    signatures: parseObject(device.signatures.asJSON()),
    user_id: device.userId.toString(),
  };
}

function algorithmName(algorithm: wasm.EncryptionAlgorithm): string {
  if (algorithm === wasm.EncryptionAlgorithm.OlmV1Curve25519AesSha2) return 'm.olm.v1.curve25519-aes-sha2';
  if (algorithm === wasm.EncryptionAlgorithm.MegolmV1AesSha2) return 'm.megolm.v1.aes-sha2';
  throw new Error(`The own device names an unknown algorithm ${algorithm}`);
}
