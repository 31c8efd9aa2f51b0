// The device's own copy of a room's control chain: every entry is run through the same validity function as at the hub, so that members,
// roles and policy are what people signed and never what a server says. Keeps entries as rows, so that the chain need not be read twice.
// Where the entries before can't be followed it goes on behind a CHECKPOINT; who stands for that one is said by behind-checkpoint.ts.
import { LocalControl } from '#proto/gen/local.ts';
import { ControlBody, type ControlEntry, ControlKind, type Credential, type Person } from '#proto/gen/record.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { decodeCanonical } from '#proto/rules/bytes/canonical.ts';
import { controlHash } from '#proto/rules/bytes/hash.ts';
import { applyControl, startFromCheckpoint } from '#proto/rules/control/chain.ts';
import type { Member } from '#proto/rules/control/member-table.ts';
import type { ControlState } from '#proto/rules/control/state.ts';
import { Roll } from '#proto/rules/identity/roll.ts';
import { limits } from '#proto/rules/limits.ts';
import type { Primitives } from '#proto/rules/primitives.ts';
import type { LocalChange } from '../store/store.ts';
import { orderedNumber } from '../store/store.ts';
import { ChainHistory } from './chain-history.ts';

/** An entry with its place and what lies beside it. */
export interface ChainLink {
  readonly seq: number;
  readonly entry: ControlEntry;
  readonly persons: readonly Person[];
  readonly credentials: readonly Credential[];
}

/** What taking an entry led to. `known` = it was here already, the same; `missing` = something before it is not here yet. */
export type Taken =
  | {
      readonly result: 'applied';
      readonly kind: ControlKind;
      readonly actor: number;
      readonly target: number;
      readonly changes: readonly LocalChange[];
    }
  | { readonly result: 'known' | 'missing' }
  | { readonly result: 'invalid'; readonly fault: string };

/** A CHECKPOINT, and the state that it signs, as the server brought them. */
export interface CheckpointLink extends ChainLink {
  readonly stateBytes: Uint8Array;
}

/** What somebody signed. */
export interface Signed {
  readonly kind: ControlKind;
  readonly actor: number;
  readonly device: number;
  readonly target: number;
  /** Who the actor was then, by commitment. */
  readonly person: Uint8Array;
  /** When, as the author says. */
  readonly signedMs: number;
}

/** A room's chain. */
export class Chain {
  readonly room: string;
  readonly roll: Roll;
  #history = new ChainHistory();
  #primitives: Primitives;
  #state: ControlState | null = null;
  #signed: Signed[] = [];
  /** Those found so far: what a commitment stands for never changes. */
  readonly #persons = new WeakMap<Member, Person>();

  constructor(room: string, primitives: Primitives) {
    this.room = room;
    this.#primitives = primitives;
    this.roll = new Roll(primitives);
  }

  /** The state after the last entry; null before the genesis is here. */
  get state(): ControlState | null {
    return this.#state;
  }

  /** Number of the last entry, 0 = none. */
  get number(): number {
    return this.#state?.number ?? 0;
  }

  /** Every entry from this number on is here. */
  get start(): number {
    return this.#history.start;
  }

  /** Is every entry from the genesis on here? Else it begins behind a CHECKPOINT, or went on behind one. */
  get isWhole(): boolean {
    return this.start === 1;
  }

  /** What was signed, in order, from the genesis on, or from the CHECKPOINT on that was skipped to. */
  get signed(): readonly Signed[] {
    return this.#signed;
  }

  /** hash of the entry `number`, if it is here. */
  hashAt(number: number): Uint8Array | undefined {
    return this.#history.hashAt(number);
  }

  /** Is it an entry that a CHECKPOINT stood in for? */
  isSkipped(number: number): boolean {
    return this.#history.isSkipped(number);
  }

  /** Is this entry, by its hash, part of the chain? */
  has(hash: Uint8Array): boolean {
    return this.placeOf(hash) !== undefined;
  }

  /** Seq of the event with this entry, as whoever brought it said; undefined = it is not part of the chain. */
  placeOf(hash: Uint8Array): number | undefined {
    return this.#history.placeOf(hash);
  }

  /** Does the chain have an entry at this seq? */
  standsAt(seq: number): boolean {
    return this.#history.standsAt(seq);
  }

  /** Does this seq lie where a CHECKPOINT stood in for the entries? */
  isUntold(seq: number): boolean {
    return this.#history.isUntold(seq);
  }

  /** The state that held when the record `seq` was taken by the hub; null before the genesis, and where a CHECKPOINT stood in for the entries. */
  stateAt(seq: number): ControlState | null {
    return this.#history.stateAt(seq);
  }

  /** Seq of the event with which this member joined last; 0 = never, or not known. */
  joinedAt(member: number): number {
    return this.#history.joinedAt(member);
  }

  /** Was this member joined, as the same person, after the entry `number` and after each one since? */
  joinedSince(member: number, number: number): boolean {
    return this.#history.joinedSince(member, number);
  }

  /** Who signed the present identity of this member in, as they were known then. Undefined where nobody did behind `start`: it came with the member, or with a
   * CHECKPOINT, by whose word ever. */
  renewedBy(member: number): Person | undefined {
    const isRenewal = ({ kind, target }: Signed) => kind === ControlKind.CONTROL_KIND_IDENTITY && target === member;
    const renewal = this.#signed.findLast(isRenewal);
    return renewal && this.roll.person(renewal.person);
  }

  /** Was this member ever allowed to read one of the seqs `from` to `through`? */
  mayReadAny(member: number, from: number, through: number): boolean {
    const stays = this.#state?.members.get(member)?.stays ?? [];
    return stays.some((stay) => stay.from <= through && (stay.through === 0 || stay.through >= from));
  }

  /** Was this member joined after one of the entries that are here of before `start`? */
  wasInBefore(member: number): boolean {
    return this.#history.wasInBefore(member);
  }

  /** Was this member in the room when the hub took the record `seq`, as far as stays say? Of who came too often the first ones are not kept. */
  wasThere(member: number, seq: number): boolean {
    const stays = this.#state?.members.get(member)?.stays ?? [];
    const isForgotten = stays.length >= limits.staysMax && seq < (stays[0]?.from ?? 0);
    return isForgotten || this.mayReadAny(member, seq, seq);
  }

  /** Rebuilds the chain from own rows. They were checked when they came and lie sealed, so signatures are not checked again. */
  restore(rows: readonly Uint8Array[]): void {
    const trusting: Primitives = { ...this.#primitives, verify: () => true };
    for (const row of rows) {
      const { seq, entry, person, credential, state: stateBytes, persons } = LocalControl.decode(row);
      if (!entry) continue;
      for (const each of person ? [person, ...persons] : persons) this.roll.addPerson(each);
      if (credential) this.roll.addCredential(credential);
      const context = { ...this.#context(seq), primitives: trusting };
      const isSkipped = stateBytes.length > 0;
      const { state, body } = isSkipped
        ? startFromCheckpoint(stateBytes, entry, context)
        : applyControl(this.#state, entry, context);
      // What does not follow was written around a crash: the server is asked for the rest.
      if (!state) return;
      this.#keep(seq, state, { body, isSkipped });
    }
  }

  /** Takes the next entry, or recognises one that is here. One that is here under another seq is invalid, `MOVED`: what an entry holds for depends
   * on where it stands, and of that no signature says anything. */
  take(link: ChainLink): Taken {
    for (const person of link.persons) this.roll.addPerson(person);
    for (const credential of link.credentials) this.roll.addCredential(credential);
    const hash = controlHash(link.entry.signed, this.#primitives);
    const place = this.#history.placeOf(hash);
    if (place !== undefined) return place === link.seq ? { result: 'known' } : { result: 'invalid', fault: 'MOVED' };
    const { state, body, invalid } = applyControl(this.#state, link.entry, this.#context(link.seq));
    if (invalid === 'WRONG_NUMBER' || invalid === 'NOT_CREATED') return this.#misplaced(link);
    if (invalid !== undefined) return { result: 'invalid', fault: invalid };
    this.#keep(link.seq, state, { body, isSkipped: false });
    const { kind, actor, target } = body;
    return { result: 'applied', kind, actor, target, changes: [this.#row(link, body)] };
  }

  /** Goes on behind a CHECKPOINT above what is here, whose state the caller holds for good. */
  skipTo(link: CheckpointLink): Taken {
    for (const person of link.persons) this.roll.addPerson(person);
    for (const credential of link.credentials) this.roll.addCredential(credential);
    const { state, body, invalid } = startFromCheckpoint(link.stateBytes, link.entry, this.#context(link.seq));
    if (invalid !== undefined) return { result: 'invalid', fault: invalid };
    if (state.number <= this.number) return { result: 'invalid', fault: 'REWRITTEN' };
    if (link.seq <= this.#history.seq) return { result: 'invalid', fault: 'MOVED' };
    this.#keep(link.seq, state, { body, isSkipped: true });
    const { kind, actor, target } = body;
    return { result: 'applied', kind, actor, target, changes: [this.#row(link, body, link.stateBytes)] };
  }

  /** Does the entry bring someone in of whom nothing is known here? A record says nothing of persons: ReadRoom does, or they were erased since. */
  lacksPerson({ signed }: ControlEntry): boolean {
    const body = decodeCanonical(ControlBody, signed);
    return body !== null && body !== undefined && body.person.length > 0 && !this.roll.person(body.person);
  }

  /** User id behind a member number; '' when the person is not known (any more). */
  user(member: number): string {
    return this.person(member)?.user ?? '';
  }

  /** The committed person of a member. */
  person(member: number): Person | undefined {
    const found = this.#state?.members.get(member);
    return found && this.#personOf(found);
  }

  /** Member number of a user, 0 = none. */
  memberOf(user: string): number {
    for (const member of this.#state?.members ?? []) if (this.#personOf(member)?.user === user) return member.number;
    return 0;
  }

  /** Looked up by commitment once: the roll's look takes microseconds, and every message in a large room looks at all members several times. */
  #personOf(member: Member): Person | undefined {
    const known = this.#persons.get(member);
    if (known) return known;
    const found = this.roll.person(member.person);
    if (found) this.#persons.set(member, found);
    return found;
  }

  #keep(seq: number, state: ControlState, { body, isSkipped }: { body: ControlBody; isSkipped: boolean }): void {
    const { kind, actor, device, target, signedMs } = body;
    const before = isSkipped ? undefined : this.#state?.members.get(actor);
    const { person = noBytes } = before ?? state.members.get(actor) ?? {};
    this.#state = state;
    if (isSkipped) {
      this.#history.skipTo(seq, state);
      this.#signed = [];
    } else this.#history.add(seq, state);
    this.#signed.push({ kind, actor, device, target, person, signedMs });
  }

  #context(seq: number) {
    return {
      room: this.room,
      seq,
      primitives: this.#primitives,
      roll: this.roll,
      providerOf: () => undefined,
      fresh: false,
    };
  }

  #misplaced(link: ChainLink): Taken {
    const { number } = ControlBody.decode(link.entry.signed);
    // Whatever it says, a CHECKPOINT stood in for it.
    if (this.#history.isSkipped(number) && this.#history.isUntold(link.seq)) return { result: 'known' };
    // An entry under a number that is taken, but with another hash, is a second chain.
    return number <= this.number ? { result: 'invalid', fault: 'REWRITTEN' } : { result: 'missing' };
  }

  #row(link: ChainLink, { target, actor, device }: ControlBody, stateBytes: Uint8Array = noBytes): LocalChange {
    const state = this.#state as ControlState;
    const members = stateBytes.length > 0 ? [...state.members] : [];
    const row: LocalControl = {
      seq: link.seq,
      entry: link.entry,
      person: this.person(target),
      credential: link.credentials.findLast((one) => one.member === actor && one.device === device),
      state: stateBytes,
      persons: members.flatMap(({ person }) => this.roll.person(person) ?? []),
    };
    return {
      table: 'control',
      key: `${this.room} ${orderedNumber(state.number)}`,
      value: LocalControl.encode(row).finish(),
    };
  }
}

/** Kinds after which someone may no longer read: the sender key of the room ends. */
export const removals: ReadonlySet<ControlKind> = new Set([
  ControlKind.CONTROL_KIND_LEAVE,
  ControlKind.CONTROL_KIND_REMOVE,
  ControlKind.CONTROL_KIND_BAN,
  ControlKind.CONTROL_KIND_DEPART,
  ControlKind.CONTROL_KIND_IDENTITY,
]);
