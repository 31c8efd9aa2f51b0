// A device's copy of one room's control chain: read entry by entry, each judged by the rules that the hub runs too. From it come the own number,
// who else is there, and the head that every event names. Where it can't be followed it goes on behind the newest CHECKPOINT.
import type { AnswerBody } from '#actors/kernel/messages.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { MemberStatus, type Slot } from '#proto/gen/record.ts';
import { concatBytes } from '#proto/rules/bytes/bytes.ts';
import { applyControl, startFromCheckpoint } from '#proto/rules/control/chain.ts';
import type { ControlFault } from '#proto/rules/control/fault.ts';
import type { Member } from '#proto/rules/control/member-table.ts';
import type { ControlState } from '#proto/rules/control/state.ts';
import { Roll } from '#proto/rules/identity/roll.ts';
import { simPrimitives } from '../primitives.ts';
import { codeName } from '../witness.ts';
import type { Conversation, Place } from './conversation.ts';

const retryMs = 300;

/** How far a state is read that a CHECKPOINT signs. */
interface Skipping {
  readonly pieces: readonly Uint8Array[];
  /** Number of the CHECKPOINT; 0 = not known yet. */
  readonly of: number;
  /** False: without one the chain is read from its genesis. */
  readonly isNeeded: boolean;
}

export class ChainCopy {
  state: ControlState | null = null;
  /** Slots as the last complete reading gave them. */
  slots: readonly Slot[] = [];
  readonly room: string;
  readonly #user: string;
  readonly #name: string;
  readonly #place: Place;
  readonly #conversation: Conversation;
  readonly #roll = new Roll(simPrimitives);
  #reading = false;
  #again = false;

  constructor(room: string, given: { name: string; user: string; place: Place; conversation: Conversation }) {
    this.room = room;
    this.#user = given.user;
    this.#name = given.name;
    this.#place = given.place;
    this.#conversation = given.conversation;
  }

  /** How often it went on behind a CHECKPOINT. */
  skips = 0;
  /** There is more to read. */
  isStale = false;
  /** The room is not this device's to read any more, so what it knows may be old. */
  isOut = false;

  /** The own member, if one has a number. */
  get self(): Member | undefined {
    return this.member(this.#user);
  }

  get isJoined(): boolean {
    return !this.isOut && this.self?.status === MemberStatus.MEMBER_STATUS_JOINED;
  }

  /** The member of a user. */
  member(user: string): Member | undefined {
    for (const member of this.state?.members ?? []) if (this.userOf(member) === user) return member;
    return undefined;
  }

  /** Who a member is. */
  userOf(member: Member): string | undefined {
    return this.#roll.person(member.person)?.user;
  }

  /** Reads what is new; `done` false = it could not be had (cut off, or the room is not this device's to read). */
  read(done: (success: boolean) => void = () => {}): void {
    if (this.#reading) {
      this.#again = true;
      this.#place.schedule.after(retryMs, () => done(this.state !== null));
      return;
    }
    this.isStale = false;
    if (this.state === null && this.#place.beginsBehind?.()) return this.#skip(done, { isNeeded: false });
    this.#readOn(done);
  }

  #readOn(done: (success: boolean) => void): void {
    this.#reading = true;
    const known = this.state?.number ?? 0;
    const value = {
      room: this.room,
      fromControl: (this.state?.number ?? 0) + 1,
      slots: true,
      stateOffset: 0,
      afterSlot: '',
    };
    this.#conversation.ask({ $case: 'readRoom', value }, (answer) => {
      this.#reading = false;
      if (answer?.$case === 'roomSnapshot' && (answer.value.head?.number ?? 0) < known)
        this.#wrong(`a chain that ends at ${answer.value.head?.number ?? 0}, when it knew ${known}`);
      this.#heard(answer, done);
    });
  }

  #heard(answer: AnswerBody | null, done: (success: boolean) => void): void {
    if (answer === null) {
      this.isStale = true;
      return done(false);
    }
    if (answer.$case === 'rejected') return this.#refused(answer.value.code, done);
    if (answer.$case !== 'roomSnapshot') return;
    this.isOut = false;
    const { control, persons, credentials, slots, next, checkpointNumber } = answer.value;
    // What was asked for is gone.
    if (checkpointNumber > (this.state?.number ?? 0)) return this.#skip(done);
    for (const person of persons) this.#roll.addPerson(person);
    for (const credential of credentials) this.#roll.addCredential(credential);
    for (const { seq, entry } of control) {
      if (entry === undefined) break;
      const fault = this.#apply(seq, entry);
      if (fault === 'MISSING_PERSON' || fault === 'MISSING_CREDENTIAL') return this.#skip(done);
      if (fault !== null) {
        this.#wrong(`a control entry that is ${fault}`);
        break;
      }
    }
    if (next === 0) this.slots = slots;
    if (next !== 0 || this.#again) {
      this.#again = false;
      this.read(done);
    } else {
      done(true);
    }
  }

  #refused(code: Rejection, done: (success: boolean) => void): void {
    if (code < Rejection.REJECTION_STALE_STATE) {
      this.#place.schedule.after(retryMs, () => this.read(done));
      return;
    }
    if (code !== Rejection.REJECTION_NOT_FOUND && code !== Rejection.REJECTION_NOT_MEMBER) {
      this.#place.witness.wrong(`${this.#name} was refused the chain of ${this.room}: ${codeName(code)}`);
    }
    this.isOut = true;
    done(false);
  }

  /** The state that the newest CHECKPOINT signs is read piece by piece, then what follows: somebody before it was erased, entries are gone, or nothing was read
   * yet. */
  #skip(done: (success: boolean) => void, { pieces = [], of = 0, isNeeded = true }: Partial<Skipping> = {}): void {
    const stateOffset = pieces.reduce((sum, { length }) => sum + length, 1);
    const value = { room: this.room, fromControl: 0, slots: false, stateOffset, afterSlot: '' };
    this.#reading = true;
    this.#conversation.ask({ $case: 'readRoom', value }, (answer) => {
      this.#reading = false;
      if (answer?.$case === 'rejected') return this.#refused(answer.value.code, done);
      if (answer?.$case !== 'roomSnapshot') {
        this.isStale = true;
        return done(false);
      }
      this.isOut = false;
      const { checkpointNumber, checkpointState, checkpointStateSize, persons, credentials, control } = answer.value;
      for (const person of persons) this.#roll.addPerson(person);
      for (const credential of credentials) this.#roll.addCredential(credential);
      if (checkpointNumber === 0 && !isNeeded) return this.#readOn(done);
      if (checkpointNumber <= (this.state?.number ?? 0))
        return this.#wrong('no checkpoint behind what it can not follow');
      // There is another one by now.
      if (of > 0 && of !== checkpointNumber) return this.#skip(done, { isNeeded });
      const all = [...pieces, checkpointState];
      if (stateOffset - 1 + checkpointState.length < checkpointStateSize)
        return this.#skip(done, { pieces: all, of: checkpointNumber, isNeeded });
      const [first] = control;
      if (first?.entry === undefined) return this.#wrong('a checkpoint without its entry');
      const result = startFromCheckpoint(concatBytes(...all), first.entry, this.#context(first.seq));
      if (result.state === undefined) return this.#wrong(`a checkpoint that is ${result.invalid}`);
      this.state = result.state;
      this.skips++;
      this.read(done);
    });
  }

  #apply(seq: number, entry: Parameters<typeof applyControl>[1]): ControlFault | null {
    const result = applyControl(this.state, entry, this.#context(seq));
    this.state = result.state ?? this.state;
    return result.invalid ?? null;
  }

  #context(seq: number) {
    const { room } = this;
    return { room, seq, primitives: simPrimitives, roll: this.#roll, providerOf: () => undefined, fresh: false };
  }

  #wrong(what: string): void {
    this.#place.witness.wrong(`${this.#name} reads of ${this.room} ${what}`);
  }
}
