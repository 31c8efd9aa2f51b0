// The people that golden bytes and tests are made with: users with real Ed25519 keys that follow from their names, so that every run makes the
// same bytes. Also a small author of control entries. For tests and `make.ts` only: nothing here is random or secret.
import { createHash, createHmac, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import {
  type BackupHead,
  ControlBody,
  type ControlEntry,
  type ControlKind,
  type Credential,
  type DeviceManifest,
  ManifestBody,
  type Person,
} from '../gen/record.ts';
import { toBase64 } from '../rules/bytes/base.ts';
import { asciiBytes, noBytes, utf8Bytes, zeroHash } from '../rules/bytes/bytes.ts';
import { controlTextToSign, manifestTextByBackup, manifestTextToSign, personCommitment } from '../rules/bytes/hash.ts';
import { canonicalJson, type JsonValue } from '../rules/bytes/json.ts';
import type { ControlContext } from '../rules/control/chain.ts';
import type { ControlState } from '../rules/control/state.ts';
import { Roll } from '../rules/identity/roll.ts';
import type { Primitives } from '../rules/primitives.ts';

const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex');
const imported = new Map<string, KeyObject>();

/** node:crypto, as plain as can be. */
export const testPrimitives: Primitives = {
  sha256: (data) => new Uint8Array(createHash('sha256').update(data).digest()),
  hmacSha256: (key, data) => new Uint8Array(createHmac('sha256', key).update(data).digest()),
  verify(publicKey, message, signature) {
    if (publicKey.length !== 32 || signature.length !== 64) return false;
    const name = Buffer.from(publicKey).toString('hex');
    const key =
      imported.get(name) ??
      createPublicKey({ key: Buffer.concat([publicPrefix, publicKey]), format: 'der', type: 'spki' });
    imported.set(name, key);
    return verify(null, message, key, signature);
  },
};

/** 32 bytes that follow from a text. */
export function bytesOf(label: string, length = 32): Uint8Array {
  return testPrimitives.sha256(utf8Bytes(label)).subarray(0, length);
}

/** An Ed25519 key pair that follows from a text. */
export interface KeyPair {
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

export function keyPair(label: string): KeyPair {
  const seed = bytesOf(`key of ${label}`);
  const key = createPrivateKey({ key: Buffer.concat([privatePrefix, seed]), format: 'der', type: 'pkcs8' });
  const der = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return {
    publicKey: new Uint8Array(der.subarray(-32)),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  };
}

/** One device of an actor. */
export interface CastDevice {
  readonly number: number;
  readonly id: string;
  readonly keys: KeyPair;
  readonly identityKey: Uint8Array;
  readonly deviceJson: Uint8Array;
}

/** A user with master and self-signing key and devices. */
export interface Actor {
  readonly user: string;
  readonly master: KeyPair;
  readonly selfSigning: KeyPair;
  readonly selfSigningJson: Uint8Array;
  device(number: number): CastDevice;
  person(member: number): Person;
  /** The commitment that `person` has. */
  commitment: Uint8Array;
  credential(member: number, device: number): Credential;
}

type Fields = { [key: string]: JsonValue | Fields };

/** JSON of the crypto library's shape, signed by these keys: `name` stands after `ed25519:`. */
export function signedJson(
  fields: Fields,
  user: string,
  signers: readonly { readonly name: string; readonly keys: KeyPair }[],
): Uint8Array {
  const body = utf8Bytes(canonicalJson(toJson(fields)));
  const signatures: Fields = {};
  for (const { name, keys } of signers) signatures[`ed25519:${name}`] = toBase64(keys.sign(body));
  return utf8Bytes(canonicalJson(toJson({ ...fields, signatures: { [user]: signatures } })));
}

/** A user; `identity` tells the identities of one who starts over apart. */
export function makeActor(user: string, identity = 1): Actor {
  const label = `${user} ${identity}`;
  const master = keyPair(`${label} master`);
  const selfSigning = keyPair(`${label} self-signing`);
  const selfSigningName = toBase64(selfSigning.publicKey);
  const selfSigningJson = signedJson(
    { user_id: user, usage: ['self_signing'], keys: { [`ed25519:${selfSigningName}`]: selfSigningName } },
    user,
    [{ name: toBase64(master.publicKey), keys: master }],
  );
  const devices = new Map<number, CastDevice>();
  const makeDevice = (number: number): CastDevice => {
    const keys = keyPair(`${label} device ${number}`);
    const id = `DEVICE${identity}${number}`;
    const identityKey = bytesOf(`${label} curve ${number}`);
    const fields: Fields = {
      user_id: user,
      device_id: id,
      algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
      keys: { [`curve25519:${id}`]: toBase64(identityKey), [`ed25519:${id}`]: toBase64(keys.publicKey) },
    };
    const signers = [
      { name: id, keys },
      { name: selfSigningName, keys: selfSigning },
    ];
    return { number, id, keys, identityKey, deviceJson: signedJson(fields, user, signers) };
  };
  const salt = bytesOf(`${label} salt`, 16);
  const device = (number: number): CastDevice => {
    const made = devices.get(number) ?? makeDevice(number);
    devices.set(number, made);
    return made;
  };
  return {
    user,
    master,
    selfSigning,
    selfSigningJson,
    device,
    person: (member) => ({ member, user, salt, fingerprint: master.publicKey, bot: false }),
    commitment: personCommitment({ salt, user, fingerprint: master.publicKey }, testPrimitives),
    credential: (member, number) => ({
      member,
      device: number,
      deviceJson: device(number).deviceJson,
      selfSigningJson,
    }),
  };
}

/** The parts of a ControlBody that a test cares about; the rest follows from the state. */
export type Wish = Partial<ControlBody> & { readonly kind: ControlKind };

/** The body that a well-behaved device would sign after `state`. */
export function bodyAfter(state: ControlState | null, actor: Actor, wish: Wish): ControlBody {
  return {
    room: state?.room ?? '',
    number: (state?.number ?? 0) + 1,
    previousHash: state?.hash ?? zeroHash,
    actor: 1,
    device: 1,
    deviceKey: actor.device(wish.device ?? 1).keys.publicKey,
    target: 0,
    person: noBytes,
    role: 0,
    policy: undefined,
    hub: undefined,
    stateHash: noBytes,
    nonce: noBytes,
    signedMs: 1_700_000_000_000,
    ...wish,
  };
}

/** Signs a body as it is. */
export function signBody(body: ControlBody, keys: KeyPair): ControlEntry {
  const signed = ControlBody.encode(body).finish();
  return { signed, signature: keys.sign(asciiBytes(controlTextToSign(signed, testPrimitives))) };
}

/** The three public keys of an actor's identity as a device uploads them, signed by the first: the user-signing key follows from its name alone. */
export function crossSigningOf({ user, master, selfSigningJson }: Actor) {
  const name = toBase64(master.publicKey);
  const userSigning = toBase64(keyPair('user signing').publicKey);
  const json = (usage: string, key: string) =>
    signedJson({ user_id: user, usage: [usage], keys: { [`ed25519:${key}`]: key } }, user, [{ name, keys: master }]);
  return { masterJson: json('master', name), selfSigningJson, userSigningJson: json('user_signing', userSigning) };
}

/** A context in which everybody of `actors` is known under the number that stands before. */
export function contextFor(
  room: string,
  actors: readonly { readonly member: number; readonly actor: Actor }[],
  seq = 1,
): ControlContext {
  const roll = new Roll(testPrimitives);
  for (const { member, actor } of actors) {
    roll.addPerson(actor.person(member));
    roll.addCredential(actor.credential(member, 1));
  }
  return { room, seq, primitives: testPrimitives, roll, providerOf: () => undefined, fresh: true };
}

/** A manifest of these devices, signed by `signer`. */
export function signManifest(
  actor: Actor,
  parts: {
    readonly version: number;
    readonly previousHash?: Uint8Array;
    readonly devices: readonly number[];
    readonly backup?: BackupHead | undefined;
    /** The listing key of a backup. */
    readonly vouchedBy?: KeyPair;
    readonly formerKeys?: readonly Uint8Array[];
    readonly signedMs?: number;
  },
  signer = 1,
): DeviceManifest {
  const body: ManifestBody = {
    user: actor.user,
    version: parts.version,
    previousHash: parts.previousHash ?? zeroHash,
    devices: parts.devices.map((number) => {
      const { id, keys, identityKey } = actor.device(number);
      return { number, id, signingKey: keys.publicKey, identityKey };
    }),
    signer,
    masterKey: actor.master.publicKey,
    selfSigningKey: actor.selfSigning.publicKey,
    signedMs: parts.signedMs ?? 1_700_000_000_000,
    backup: parts.backup,
    formerKeys: [...(parts.formerKeys ?? [])],
  };
  const signed = ManifestBody.encode(body).finish();
  const signature = actor.device(signer).keys.sign(asciiBytes(manifestTextToSign(signed, testPrimitives)));
  const backupSignature = parts.vouchedBy?.sign(asciiBytes(manifestTextByBackup(signed, testPrimitives))) ?? noBytes;
  return { signed, signature, credential: { ...actor.credential(0, signer) }, backupSignature };
}

function toJson(value: JsonValue | Fields): JsonValue {
  if (value === null || typeof value !== 'object' || value instanceof Map) return value as JsonValue;
  if (Array.isArray(value)) return value.map(toJson);
  return new Map(Object.entries(value).map(([key, part]) => [key, toJson(part as JsonValue | Fields)]));
}
