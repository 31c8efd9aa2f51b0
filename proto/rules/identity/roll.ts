// Who is behind the numbers of one room: persons by commitment, credentials by device key. It lies beside the chain and proves itself:
// a person is found only by the commitment that the chain holds, a credential only for the fingerprint of such a person. What a server
// puts in beyond that is never found. Not part of the state: erasure takes people out of it and the chain stays whole.
import type { Credential, Person } from '../../gen/record.ts';
import { toHex } from '../bytes/base.ts';
import { copyBytes, equalBytes } from '../bytes/bytes.ts';
import { keyBytes, personCommitment, saltBytes } from '../bytes/hash.ts';
import { isUserId } from '../ids.ts';
import type { Primitives } from '../primitives.ts';
import {
  type CredentialFault,
  credentialFits,
  type ProvenDevice,
  proveCredential,
  sameCredential,
} from './credential.ts';

/**
 * Credentials kept for one (member, device): one for each identity under which the device signed. None is dropped for a newer one: what proves old
 * entries must not go because something new was put beside it.
 */
const credentialsKeptMax = 16;

interface KeptCredential {
  readonly credential: Credential;
  /** The last result, and for which fingerprint. */
  proven: { readonly fingerprint: Uint8Array; readonly result: ProvenDevice | CredentialFault } | null;
}

/** Persons and credentials of one room. Mutable; one per room and program. */
export class Roll {
  readonly #primitives: Primitives;
  readonly #byCommitment = new Map<string, Person>();
  readonly #byUser = new Map<string, Person[]>();
  readonly #credentials = new Map<string, KeptCredential[]>();

  constructor(primitives: Primitives) {
    this.#primitives = primitives;
  }

  /** Takes a person in. False where it is malformed: user id, 16 bytes of salt, 32 of fingerprint. The number in it is not believed. */
  addPerson(person: Person): boolean {
    if (!isUserId(person.user) || person.salt.length !== saltBytes || person.fingerprint.length !== keyBytes) {
      return false;
    }
    const key = toHex(personCommitment(person, this.#primitives));
    if (this.#byCommitment.has(key)) return true;
    const { member, user, salt, fingerprint, bot } = person;
    const kept = { member, user, salt: copyBytes(salt), fingerprint: copyBytes(fingerprint), bot };
    this.#byCommitment.set(key, kept);
    this.#byUser.set(user, [...(this.#byUser.get(user) ?? []), kept]);
    return true;
  }

  /** Takes a credential in, to be proven when it is needed. False where it is too large, or sixteen others of the device are here. */
  addCredential(credential: Credential): boolean {
    if (!credentialFits(credential)) return false;
    const key = `${credential.member}/${credential.device}`;
    const kept = this.#credentials.get(key) ?? [];
    if (kept.some((other) => sameCredential(other.credential, credential))) return true;
    if (kept.length >= credentialsKeptMax) return false;
    const { member, device, deviceJson, selfSigningJson } = credential;
    const own = { member, device, deviceJson: copyBytes(deviceJson), selfSigningJson: copyBytes(selfSigningJson) };
    this.#credentials.set(key, [{ credential: own, proven: null }, ...kept]);
    return true;
  }

  /** The person behind a commitment of the chain. */
  person(commitment: Uint8Array): Person | undefined {
    return this.#byCommitment.get(toHex(commitment));
  }

  /** Every person taken in for this user id, oldest first. */
  personsOf(user: string): readonly Person[] {
    return this.#byUser.get(user) ?? [];
  }

  /** Drops what is known of a user (erasure). */
  forget(user: string): void {
    for (const person of this.personsOf(user)) {
      this.#byCommitment.delete(toHex(personCommitment(person, this.#primitives)));
      for (const key of this.#credentials.keys()) {
        if (key.startsWith(`${person.member}/`)) this.#credentials.delete(key);
      }
    }
    this.#byUser.delete(user);
  }

  /**
   * The proven device of a member that signs with this key for this person. `MISSING` where no credential names the key; else what is wrong
   * with it: a fault of the credential, or that it is another user's. Proven once, then remembered.
   */
  device(
    signer: { readonly member: number; readonly device: number; readonly key: Uint8Array },
    person: Person,
  ): ProvenDevice | CredentialFault | 'MISSING' {
    let worst: CredentialFault | 'MISSING' = 'MISSING';
    for (const kept of this.#credentials.get(`${signer.member}/${signer.device}`) ?? []) {
      if (kept.proven === null || !equalBytes(kept.proven.fingerprint, person.fingerprint)) {
        const result = proveCredential(kept.credential, person.fingerprint, this.#primitives);
        kept.proven = { fingerprint: person.fingerprint, result };
      }
      const { result } = kept.proven;
      if (typeof result === 'string') worst = result;
      else if (result.user !== person.user) worst = 'WRONG_USER';
      else if (equalBytes(result.signingKey, signer.key)) return result;
    }
    return worst;
  }
}
