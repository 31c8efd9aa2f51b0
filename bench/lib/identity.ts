// A person with one device as the server sees them: device keys, cross-signing keys and a manifest in the crypto library's JSON, signed with
// Ed25519 keys that follow from the user id. No Olm, no Megolm: the server never looks into a ciphertext, so load needs none. Not secret, not safe.

import { type Credential, type DeviceManifest, ManifestBody, type Person } from '#proto/gen/record.ts';
import { keyPair, signedJson, testPrimitives } from '#proto/golden/cast.ts';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import { asciiBytes, noBytes, utf8Bytes, zeroHash } from '#proto/rules/bytes/bytes.ts';
import { manifestTextToSign, personCommitment } from '#proto/rules/bytes/hash.ts';

/** The primitives that benches sign and hash with. */
export const primitives = testPrimitives;

/** A device that logged in. */
export interface BenchLogin {
  readonly userId: string;
  readonly deviceId: string;
  readonly deviceNumber: number;
  readonly accessToken: string;
}

export class Identity {
  readonly user: string;
  readonly deviceNumber: number;
  readonly deviceKey: Uint8Array;
  readonly commitment: Uint8Array;
  readonly deviceJson: Uint8Array;
  readonly masterJson: Uint8Array;
  readonly selfSigningJson: Uint8Array;
  readonly userSigningJson: Uint8Array;
  readonly manifest: DeviceManifest;
  readonly #keys: ReturnType<typeof keyPair>;
  readonly #fingerprint: Uint8Array;
  readonly #salt: Uint8Array;

  constructor({ userId: user, deviceId, deviceNumber }: BenchLogin) {
    const master = keyPair(`bench ${user} master`);
    const selfSigning = keyPair(`bench ${user} self-signing`);
    const userSigning = keyPair(`bench ${user} user-signing`);
    const identityKey = primitives.sha256(utf8Bytes(`bench ${user} ${deviceId} curve`));
    const selfName = toBase64(selfSigning.publicKey);
    const masterSigner = { name: toBase64(master.publicKey), keys: master };
    this.#keys = keyPair(`bench ${user} ${deviceId}`);
    this.#fingerprint = master.publicKey;
    this.#salt = primitives.sha256(utf8Bytes(`bench ${user} salt`)).subarray(0, 16);
    this.user = user;
    this.deviceNumber = deviceNumber;
    this.deviceKey = this.#keys.publicKey;
    const crossSigning = (usage: string, key: Uint8Array) =>
      signedJson(
        { user_id: user, usage: [usage], keys: { [`ed25519:${toBase64(key)}`]: toBase64(key) } },
        user,
        usage === 'master' ? [masterSigner, { name: deviceId, keys: this.#keys }] : [masterSigner],
      );
    this.masterJson = crossSigning('master', master.publicKey);
    this.selfSigningJson = crossSigning('self_signing', selfSigning.publicKey);
    this.userSigningJson = crossSigning('user_signing', userSigning.publicKey);
    this.deviceJson = signedJson(
      {
        user_id: user,
        device_id: deviceId,
        algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
        keys: { [`curve25519:${deviceId}`]: toBase64(identityKey), [`ed25519:${deviceId}`]: toBase64(this.deviceKey) },
      },
      user,
      [
        { name: deviceId, keys: this.#keys },
        { name: selfName, keys: selfSigning },
      ],
    );
    this.commitment = personCommitment({ salt: this.#salt, user, fingerprint: this.#fingerprint }, primitives);
    const signed = ManifestBody.encode({
      user,
      version: 1,
      previousHash: zeroHash,
      devices: [{ number: deviceNumber, id: deviceId, signingKey: this.deviceKey, identityKey }],
      signer: deviceNumber,
      masterKey: master.publicKey,
      selfSigningKey: selfSigning.publicKey,
      signedMs: 1_700_000_000_000,
      formerKeys: [],
    }).finish();
    this.manifest = {
      signed,
      signature: this.sign(manifestTextToSign(signed, primitives)),
      credential: { ...this.credential(0), device: deviceNumber },
      backupSignature: noBytes,
    };
  }

  /** Ed25519 by the device key over the text as ASCII. */
  sign(text: string): Uint8Array {
    return this.#keys.sign(asciiBytes(text));
  }

  person(member: number): Person {
    return { member, user: this.user, salt: this.#salt, fingerprint: this.#fingerprint, bot: false };
  }

  credential(member: number): Credential {
    const { deviceNumber: device, deviceJson, selfSigningJson } = this;
    return { member, device, deviceJson, selfSigningJson };
  }
}
