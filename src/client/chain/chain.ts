// The device's own copy of a room's control chain: every entry is run through the same validity function as at the hub, so that members,
// roles and policy are what people signed and never what a server says. Keeps entries as rows, so that the chain need not be read twice.
import { LocalControl } from '#proto/gen/local.ts';
import {
  ControlBody,
  type ControlEntry,
  ControlKind,
  type Credential,
  MemberStatus,
  type Person,
} from '#proto/gen/record.ts';
import { toHex } from '#proto/rules/bytes/base.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { decodeCanonical } from '#proto/rules/bytes/canonical.ts';
import { controlHash } from '#proto/rules/bytes/hash.ts';
import { applyControl } from '#proto/rules/control/chain.ts';
import type { ControlState } from '#proto/rules/control/state.ts';
import { Roll } from '#proto/rules/identity/roll.ts';
import type { Primitives } from '#proto/rules/primitives.ts';
import type { LocalChange } from '../store/store.ts';
import { orderedNumber } from '../store/store.ts';

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

/** A room's chain. */
export class Chain {
  readonly room: string;
  readonly roll: Roll;
  #primitives: Primitives;
  #state: ControlState | null = null;
  /** By number - 1: the state after that entry, the seq of its event, and who signed it. States share what they can. */
  #history: { readonly seq: number; readonly state: ControlState; readonly actor: number }[] = [];
  #numbers = new Map<string, number>();

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

  /** hash of the entry `number`, if it is here. */
  hashAt(number: number): Uint8Array | undefined {
    return this.#history[number - 1]?.state.hash;
  }

  /** Is this entry, by its hash, part of the chain? */
  has(hash: Uint8Array): boolean {
    return this.#numbers.has(toHex(hash));
  }

  /** Seq of the event with this entry, as whoever brought it said; undefined = it is not part of the chain. */
  placeOf(hash: Uint8Array): number | undefined {
    return this.#history[(this.#numbers.get(toHex(hash)) ?? 0) - 1]?.seq;
  }

  /** Does the chain have an entry at this seq? */
  standsAt(seq: number): boolean {
    return this.#history.findLast((step) => step.seq <= seq)?.seq === seq;
  }

  /** The state that held when the record `seq` was taken by the hub; null before the genesis. */
  stateAt(seq: number): ControlState | null {
    return this.#history.findLast((step) => step.seq <= seq)?.state ?? null;
  }

  /** Seq of the event with which this member joined last; 0 = never. */
  joinedAt(member: number): number {
    const joined = (state: ControlState | undefined) =>
      state?.members.get(member)?.status === MemberStatus.MEMBER_STATUS_JOINED;
    const at = this.#history.findLastIndex(
      ({ state }, index) => joined(state) && !joined(this.#history[index - 1]?.state),
    );
    return this.#history[at]?.seq ?? 0;
  }

  /** Was this member joined, as the same person, after the entry `number` and after each one since? */
  joinedSince(member: number, number: number): boolean {
    const now = this.#state?.members.get(member);
    if (!now || number < 1 || number > this.#history.length) return false;
    return this.#history.slice(number - 1).every(({ state }) => {
      const then = state.members.get(member);
      return then?.status === MemberStatus.MEMBER_STATUS_JOINED && equalBytes(then.person, now.person);
    });
  }

  /** Who signed the present identity of this member in, as they were known then. Undefined where nobody did: it came with the member, by whose word ever. */
  renewedBy(member: number): Person | undefined {
    const personAt = (index: number) => this.#history[index]?.state.members.get(member)?.person;
    const at = this.#history.findLastIndex((_, index) => {
      const [person, before] = [personAt(index), personAt(index - 1)];
      return person && !(before && equalBytes(person, before));
    });
    const step = this.#history[at];
    const actor = personAt(at - 1) && step?.state.members.get(step.actor);
    return actor && this.roll.person(actor.person);
  }

  /** Was this member ever allowed to read one of the seqs `from` to `through`? */
  mayReadAny(member: number, from: number, through: number): boolean {
    const stays = this.#state?.members.get(member)?.stays ?? [];
    return stays.some((stay) => stay.from <= through && (stay.through === 0 || stay.through >= from));
  }

  /** Rebuilds the chain from own rows. They were checked when they came and lie sealed, so signatures are not checked again. */
  restore(rows: readonly Uint8Array[]): void {
    const trusting: Primitives = { ...this.#primitives, verify: () => true };
    for (const row of rows) {
      const { seq, entry, person, credential } = LocalControl.decode(row);
      if (!entry) continue;
      if (person) this.roll.addPerson(person);
      if (credential) this.roll.addCredential(credential);
      const { state, body } = applyControl(this.#state, entry, { ...this.#context(seq), primitives: trusting });
      // What does not follow was written around a crash: the server is asked for the rest.
      if (!state) return;
      this.#keep(seq, state, body.actor);
    }
  }

  /** Takes the next entry, or recognises one that is here. One that is here under another seq is invalid, `MOVED`: what an entry holds for depends
   * on where it stands, and of that no signature says anything. */
  take(link: ChainLink): Taken {
    for (const person of link.persons) this.roll.addPerson(person);
    for (const credential of link.credentials) this.roll.addCredential(credential);
    const hash = controlHash(link.entry.signed, this.#primitives);
    const place = this.placeOf(hash);
    if (place !== undefined) return place === link.seq ? { result: 'known' } : { result: 'invalid', fault: 'MOVED' };
    const { state, body, invalid } = applyControl(this.#state, link.entry, this.#context(link.seq));
    if (invalid === 'WRONG_NUMBER' || invalid === 'NOT_CREATED') return this.#misplaced(link);
    if (invalid !== undefined) return { result: 'invalid', fault: invalid };
    const { kind, actor, target } = body;
    this.#keep(link.seq, state, actor);
    return { result: 'applied', kind, actor, target, changes: [this.#row(link, body)] };
  }

  /** Does the entry bring someone in of whom nothing is known here? A record says nothing of persons: ReadRoom does, or they were erased since. */
  lacksPerson({ signed }: ControlEntry): boolean {
    const body = decodeCanonical(ControlBody, signed);
    return body !== null && body !== undefined && body.person.length > 0 && !this.roll.person(body.person);
  }

  /** User id behind a member number; '' when the person is not known (any more). */
  user(member: number): string {
    const found = this.#state?.members.get(member);
    return (found && this.roll.person(found.person)?.user) ?? '';
  }

  /** The committed person of a member. */
  person(member: number): Person | undefined {
    const found = this.#state?.members.get(member);
    return found && this.roll.person(found.person);
  }

  /** Member number of a user, 0 = none. */
  memberOf(user: string): number {
    for (const member of this.#state?.members ?? [])
      if (this.roll.person(member.person)?.user === user) return member.number;
    return 0;
  }

  #keep(seq: number, state: ControlState, actor: number): void {
    this.#state = state;
    this.#history.push({ seq, state, actor });
    this.#numbers.set(toHex(state.hash), state.number);
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
    // An entry under a number that is taken, but with another hash, is a second chain.
    return number <= this.number ? { result: 'invalid', fault: 'REWRITTEN' } : { result: 'missing' };
  }

  #row(link: ChainLink, { target, actor, device }: ControlBody): LocalChange {
    const state = this.#state as ControlState;
    const row: LocalControl = {
      seq: link.seq,
      entry: link.entry,
      person: this.person(target),
      credential: link.credentials.findLast((one) => one.member === actor && one.device === device),
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
