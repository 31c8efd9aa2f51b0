// Makes signed control entries: what a member says about members, roles and policy. It writes what was asked; whether the chain allows it is
// said by the validity function, which the caller runs on the result before it goes out.
import {
  ControlBody,
  ControlEntry,
  type ControlKind,
  type Credential,
  type HubPosition,
  type Person,
  Role,
  type RoomPolicy,
} from '#proto/gen/record.ts';
import { controlTextToSign, personCommitment } from '#proto/rules/bytes/hash.ts';
import type { Primitives } from '#proto/rules/primitives.ts';
import type { CryptoEngine } from '../crypto/engine.ts';

/** Where the next entry goes. */
export interface ChainPlace {
  /** Empty in the genesis of a group. */
  readonly room: string;
  readonly number: number;
  /** 32 bytes. */
  readonly previousHash: Uint8Array;
  /** Own member number. */
  readonly actor: number;
}

/** What the entry says. */
export interface Statement {
  readonly kind: ControlKind;
  readonly target: number;
  /** The person brought in, where the kind names one. */
  readonly person?: Person;
  readonly role?: Role;
  readonly policy?: RoomPolicy;
  readonly hub?: HubPosition;
  /** Of a CHECKPOINT: hash of the state after the newest entry. */
  readonly stateHash?: Uint8Array;
}

/** A signed entry with what lies beside it. */
export interface SignedControl {
  readonly entry: ControlEntry;
  readonly person: Person | undefined;
  readonly credential: Credential;
}

/** What signing needs. */
export interface Author {
  readonly engine: CryptoEngine;
  readonly primitives: Primitives;
  readonly device: number;
  readonly now: () => number;
}

/** Signs a statement with this device. Rejects with NOT_CONFIRMED while the device is not confirmed. */
export async function signControl(author: Author, place: ChainPlace, statement: Statement): Promise<SignedControl> {
  const { engine, primitives } = author;
  const [keys, certificate] = await Promise.all([engine.ownKeys(), engine.certificate()]);
  const { person } = statement;
  const signed = ControlBody.encode({
    room: place.room,
    number: place.number,
    previousHash: place.previousHash,
    kind: statement.kind,
    actor: place.actor,
    device: author.device,
    deviceKey: keys.ed25519,
    target: statement.target,
    person: person ? personCommitment(person, primitives) : new Uint8Array(),
    role: statement.role ?? Role.ROLE_UNSPECIFIED,
    policy: statement.policy,
    hub: statement.hub,
    stateHash: statement.stateHash ?? new Uint8Array(),
    nonce: place.number === 1 ? crypto.getRandomValues(new Uint8Array(16)) : new Uint8Array(),
    signedMs: author.now(),
  }).finish();
  const signature = await engine.sign(controlTextToSign(signed, primitives));
  const credential: Credential = {
    member: place.actor,
    device: author.device,
    deviceJson: certificate.deviceJson,
    selfSigningJson: certificate.selfSigningJson,
  };
  return { entry: { signed, signature }, person, credential };
}

/** A person as the one who brings them in describes them: with a fresh salt. */
export function describePerson(user: string, fingerprint: Uint8Array, member: number, bot = false): Person {
  return { member, user, fingerprint, bot, salt: crypto.getRandomValues(new Uint8Array(16)) };
}

/** The entry as an event body. */
export function controlBytes(entry: ControlEntry): Uint8Array {
  return ControlEntry.encode(entry).finish();
}
