// What a lying server can make by itself: manifests under any signature, and a whole identity in another user's name.

import type { CryptoEngine } from '#client/crypto/engine.ts';
import { openEngine } from '#client/crypto/olm-engine.ts';
import { TestServer } from '#client/crypto/test-server.ts';
import { portablePrimitives as primitives } from '#client/primitives.ts';
import { MemoryStore } from '#client/store/memory-store.ts';
import { storeLedger } from '#client/store/store-ledger.ts';
import { type Credential, type DeviceManifest, ManifestBody } from '#proto/gen/record.ts';
import { noBytes, zeroHash } from '#proto/rules/bytes/bytes.ts';
import { manifestTextToSign } from '#proto/rules/bytes/hash.ts';
import { readCrossSigningJson } from '#proto/rules/identity/credential.ts';

/** A manifest signed by this engine's device, whoever it is. */
export async function signManifest(
  engine: CryptoEngine,
  body: ManifestBody,
  credential: Credential,
): Promise<DeviceManifest> {
  const signed = ManifestBody.encode(body).finish();
  const { member, device, deviceJson, selfSigningJson } = credential;
  return {
    signed,
    signature: await engine.sign(manifestTextToSign(signed, primitives)),
    credential: { member, device, deviceJson, selfSigningJson },
    backupSignature: noBytes,
  };
}

/** A fresh identity with one device `EVIL` that claims to be `user`: consistent in itself, and nobody's. */
export async function forgedIdentity(user: string) {
  const engine = await openEngine({
    user,
    device: 'EVIL',
    server: new TestServer().portOf(user, 'EVIL'),
    ledger: storeLedger(new MemoryStore()),
  });
  await engine.track([user]);
  await engine.flush();
  await engine.createIdentity();
  await engine.flush();
  const [keys, certificate] = [await engine.ownKeys(), await engine.certificate()];
  const { masterJson, selfSigningJson, deviceJson } = certificate;
  const body: ManifestBody = {
    user,
    version: 1,
    previousHash: zeroHash,
    // Numbers are never used again, not even by a new identity.
    devices: [{ number: 2, id: 'EVIL', signingKey: keys.ed25519, identityKey: keys.curve25519 }],
    signer: 2,
    masterKey: readCrossSigningJson(masterJson, 'master')?.key ?? new Uint8Array(),
    selfSigningKey: readCrossSigningJson(selfSigningJson, 'self_signing')?.key ?? new Uint8Array(),
    signedMs: Date.now(),
    formerKeys: [],
  };
  const credential: Credential = { member: 0, device: 2, deviceJson, selfSigningJson };
  return {
    engine,
    body,
    credential,
    keys: { masterJson, selfSigningJson, devices: [{ device: 2, deviceId: 'EVIL', deviceJson }] },
  };
}
