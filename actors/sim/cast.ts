// The people of a simulated world: users with an identity, devices with keys, and everything that they sign. Valid by proto/rules to the letter;
// only the cryptography under it is a stand-in.
import {
  ControlBody,
  type ControlEntry,
  type Credential,
  type DeviceManifest,
  ManifestBody,
  type Person,
} from '#proto/gen/record.ts';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import { asciiBytes, noBytes, utf8Bytes, zeroHash } from '#proto/rules/bytes/bytes.ts';
import { controlTextToSign, manifestHash, manifestTextToSign, personCommitment } from '#proto/rules/bytes/hash.ts';
import { canonicalJson, type JsonValue } from '#proto/rules/bytes/json.ts';
import { quickHash, type SimKeys, simKeys, simPrimitives } from './primitives.ts';

/** The token of a grant that counts; no other does. */
export const goodGrant = 'good';

/** The one provider. */
export const provider = 'lux.example';

/** A device of a user, as a manifest and a credential describe it. */
export interface CastDevice {
  readonly number: number;
  readonly id: string;
  readonly keys: SimKeys;
  readonly identityKey: Uint8Array;
  readonly json: Uint8Array;
}

type Fields = { readonly [key: string]: JsonValue | Fields };
interface Signer {
  readonly name: string;
  readonly keys: SimKeys;
}

/** A user with an identity. */
export class CastUser {
  readonly user: string;
  readonly master: SimKeys;
  readonly masterJson: Uint8Array;
  readonly selfSigningJson: Uint8Array;
  readonly userSigningJson: Uint8Array;
  readonly salt: Uint8Array;
  /** How the control chain names this person. */
  readonly commitment: Uint8Array;
  readonly #selfSigning: SimKeys;
  readonly #devices = new Map<number, CastDevice>();

  constructor(name: string) {
    this.user = `@${name}:${provider}`;
    this.master = simKeys(`${name} master`);
    this.#selfSigning = simKeys(`${name} self-signing`);
    const byMaster = { name: toBase64(this.master.publicKey), keys: this.master };
    this.masterJson = this.#crossSigning('master', this.master, []);
    this.selfSigningJson = this.#crossSigning('self_signing', this.#selfSigning, [byMaster]);
    this.userSigningJson = this.#crossSigning('user_signing', simKeys(`${name} user-signing`), [byMaster]);
    this.salt = quickHash(utf8Bytes(`salt of ${name}`)).slice(0, 16);
    const fingerprint = this.master.publicKey;
    this.commitment = personCommitment({ salt: this.salt, user: this.user, fingerprint }, simPrimitives);
  }

  person(member: number): Person {
    return { member, user: this.user, salt: this.salt, fingerprint: this.master.publicKey, bot: false };
  }

  device(number: number): CastDevice {
    const device = this.#devices.get(number) ?? this.#makeDevice(number);
    this.#devices.set(number, device);
    return device;
  }

  credential(member: number, device: number): Credential {
    return { member, device, deviceJson: this.device(device).json, selfSigningJson: this.selfSigningJson };
  }

  /** The manifest that lists these devices, signed by device 1. */
  manifest(version: number, previousHash: Uint8Array, devices: readonly number[]): DeviceManifest {
    const body: ManifestBody = {
      user: this.user,
      version,
      previousHash: version === 1 ? zeroHash : previousHash,
      devices: devices.map((number) => {
        const { id, keys, identityKey } = this.device(number);
        return { number, id, signingKey: keys.publicKey, identityKey };
      }),
      signer: 1,
      masterKey: this.master.publicKey,
      selfSigningKey: this.#selfSigning.publicKey,
      signedMs: 1_700_000_000_000,
      formerKeys: [],
    };
    const signed = ManifestBody.encode(body).finish();
    const signature = this.device(1).keys.sign(asciiBytes(manifestTextToSign(signed, simPrimitives)));
    return { signed, signature, credential: this.credential(0, 1), backupSignature: noBytes };
  }

  /** Signs a control body with one of the devices. */
  signControl(body: ControlBody, device: number): ControlEntry {
    const signed = ControlBody.encode(body).finish();
    return { signed, signature: this.device(device).keys.sign(asciiBytes(controlTextToSign(signed, simPrimitives))) };
  }

  #makeDevice(number: number): CastDevice {
    const label = `${this.user} device ${number}`;
    const id = `DEVICE${number}`;
    const keys = simKeys(label);
    const identityKey = quickHash(utf8Bytes(`curve ${label}`));
    const fields = {
      user_id: this.user,
      device_id: id,
      algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
      keys: { [`curve25519:${id}`]: toBase64(identityKey), [`ed25519:${id}`]: toBase64(keys.publicKey) },
    };
    const selfSigning = { name: toBase64(this.#selfSigning.publicKey), keys: this.#selfSigning };
    return { number, id, keys, identityKey, json: signedJson(fields, this.user, [{ name: id, keys }, selfSigning]) };
  }

  #crossSigning(usage: string, keys: SimKeys, signers: readonly Signer[]): Uint8Array {
    const name = toBase64(keys.publicKey);
    return signedJson({ user_id: this.user, usage: [usage], keys: { [`ed25519:${name}`]: name } }, this.user, signers);
  }
}

/** The hash by which the next manifest names this one. */
export function hashOfManifest(manifest: DeviceManifest): Uint8Array {
  return manifestHash(manifest.signed, simPrimitives);
}

function signedJson(fields: Fields, user: string, signers: readonly Signer[]): Uint8Array {
  const body = utf8Bytes(canonicalJson(toJson(fields)));
  const signatures = Object.fromEntries(
    signers.map(({ name, keys }) => [`ed25519:${name}`, toBase64(keys.sign(body))]),
  );
  return utf8Bytes(canonicalJson(toJson({ ...fields, signatures: { [user]: signatures } })));
}

function toJson(value: JsonValue | Fields): JsonValue {
  if (value === null || typeof value !== 'object' || value instanceof Map) return value as JsonValue;
  if (Array.isArray(value)) return value.map(toJson);
  return new Map(Object.entries(value).map(([key, part]) => [key, toJson(part as JsonValue | Fields)]));
}
