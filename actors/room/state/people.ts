// Who is in the room: persons and credentials that came with accepted control entries, and which number a user has. Wraps the roll that the
// validity function looks into: what a refused entry brought gets into the roll, but is never kept, shown or written, and is swept out again.
import type { Credential, Person } from '#proto/gen/record.ts';
import { toHex } from '#proto/rules/bytes/base.ts';
import { personCommitment } from '#proto/rules/bytes/hash.ts';
import { Roll } from '#proto/rules/identity/roll.ts';
import type { Primitives } from '#proto/rules/primitives.ts';

/** A person and the seq of the entry that brought it. */
export interface KeptPerson {
  readonly seq: number;
  readonly person: Person;
  readonly commitment: Uint8Array;
}

/** A credential that is good: the signing key that it proves, for which master key, and the seq of the entry that brought it. */
export interface KeptCredential {
  readonly seq: number;
  readonly credential: Credential;
  readonly key: Uint8Array;
  readonly fingerprint: Uint8Array;
}

/** The people of one room. */
export class People {
  readonly #primitives: Primitives;
  readonly #strayPartsMax: number;
  readonly #persons = new Map<string, KeptPerson>();
  readonly #byMember = new Map<number, KeptPerson[]>();
  readonly #credentials = new Map<string, KeptCredential[]>();
  readonly #numbers = new Map<string, number>();
  readonly #users = new Map<number, string>();
  readonly #forgotten = new Set<number>();
  #roll: Roll;
  #strays = 0;

  constructor(primitives: Primitives, strayPartsMax: number) {
    this.#primitives = primitives;
    this.#strayPartsMax = strayPartsMax;
    this.#roll = new Roll(primitives);
  }

  /** What the validity function looks into. Take it anew for every entry: sweeping replaces it. */
  get roll(): Roll {
    return this.#roll;
  }

  /** The member number of a user, also of one whose entry is not covered yet. */
  numberOf(user: string): number | undefined {
    return this.#numbers.get(user);
  }

  /** The user behind a number. A number keeps its user for ever; only an erasure takes it. */
  userOf(member: number): string | undefined {
    return this.#users.get(member);
  }

  /** The person behind a commitment. */
  person(commitment: Uint8Array): Person | undefined {
    return this.#persons.get(toHex(commitment))?.person;
  }

  /** Credentials kept of a device, oldest first. */
  credentials(member: number, device: number): readonly KeptCredential[] {
    return this.#credentials.get(`${member}/${device}`) ?? [];
  }

  /** Every person that ever stood under a number, oldest first. */
  personsOf(member: number): readonly KeptPerson[] {
    return this.#byMember.get(member) ?? [];
  }

  /** Lets the roll know what an entry brings, before the entry is judged. False where a part is malformed. */
  show(parts: { readonly person?: Person | undefined; readonly credential?: Credential | undefined }): boolean {
    if (parts.person !== undefined && !this.#roll.addPerson(parts.person)) return false;
    return parts.credential === undefined || this.#roll.addCredential(parts.credential);
  }

  /** The entry was refused: once enough strays have gathered the roll is made anew from what is kept. */
  refused(): void {
    this.#strays++;
    if (this.#strays < this.#strayPartsMax) return;
    this.#strays = 0;
    this.#roll = new Roll(this.#primitives);
    for (const { person } of this.#persons.values()) this.#roll.addPerson(person);
    for (const kept of this.#credentials.values())
      for (const { credential } of kept) this.#roll.addCredential(credential);
  }

  /** Keeps the person of an accepted entry. Again: nothing changes. */
  keepPerson(seq: number, person: Person): void {
    if (this.#forgotten.has(person.member)) return;
    const commitment = personCommitment(person, this.#primitives);
    const key = toHex(commitment);
    if (this.#persons.has(key)) return;
    const kept = { seq, person, commitment };
    this.#persons.set(key, kept);
    this.#byMember.set(person.member, [...this.personsOf(person.member), kept]);
    this.#numbers.set(person.user, person.member);
    this.#users.set(person.member, person.user);
    this.#roll.addPerson(person);
  }

  /** Is nothing kept any more of who this was? */
  hasForgotten(member: number): boolean {
    return this.#forgotten.has(member);
  }

  /** Forgets who this was, for good: what was kept until now. */
  forget(member: number): { readonly persons: readonly KeptPerson[]; readonly credentials: readonly KeptCredential[] } {
    const persons = this.personsOf(member);
    const user = this.userOf(member);
    const devices = [...this.#credentials.keys()].filter((key) => key.startsWith(`${member}/`));
    const credentials = devices.flatMap((key) => this.#credentials.get(key) ?? []);
    this.#forgotten.add(member);
    for (const { commitment } of persons) this.#persons.delete(toHex(commitment));
    for (const key of devices) this.#credentials.delete(key);
    this.#byMember.delete(member);
    this.#users.delete(member);
    if (user !== undefined) {
      this.#numbers.delete(user);
      this.#roll.forget(user);
    }
    return { persons, credentials };
  }

  /** Keeps the credential of an accepted entry. Again: nothing changes. */
  keepCredential(kept: KeptCredential): void {
    const { member, device } = kept.credential;
    const before = this.credentials(member, device);
    if (before.some(({ seq }) => seq === kept.seq)) return;
    this.#credentials.set(`${member}/${device}`, [...before, kept]);
    this.#roll.addCredential(kept.credential);
  }
}
