// Is the person under a member number one that may be there? One user has one number in a room, a 1:1 room has the pair of its id, and a
// new identity is of the same user. Asked when an entry brings a person in, and again by a device when a Person arrives later.
import { equalBytes } from '../bytes/bytes.ts';
import { personCommitment } from '../bytes/hash.ts';
import type { Roll } from '../identity/roll.ts';
import { directRoomId } from '../ids.ts';
import type { Primitives } from '../primitives.ts';
import type { ControlFault } from './fault.ts';
import type { ControlState } from './state.ts';

/** A commitment that is, or is about to be, under a number. */
export interface Newcomer {
  readonly number: number;
  readonly commitment: Uint8Array;
  /** The Person must be known; else one that is not (erased since) is let pass: nobody shares keys with a number that has no Person. */
  readonly fresh: boolean;
}

/** Null, or MISSING_PERSON, WRONG_PERSON, SECOND_NUMBER, WRONG_PAIR. */
export function checkPerson(
  state: ControlState,
  newcomer: Newcomer,
  context: { readonly roll: Roll; readonly primitives: Primitives },
): ControlFault | null {
  const person = context.roll.person(newcomer.commitment);
  if (person === undefined) return newcomer.fresh ? 'MISSING_PERSON' : null;
  const before = state.members.get(newcomer.number);
  const known = before === undefined ? undefined : context.roll.person(before.person);
  if (known !== undefined && known.user !== person.user) return 'WRONG_PERSON';
  if (hasOtherNumber(state, person.user, newcomer.number, context.roll, context.primitives)) return 'SECOND_NUMBER';
  if (!state.policy.direct) return null;
  const partner = state.members.get(newcomer.number === 1 ? 2 : 1);
  const other = partner === undefined ? undefined : context.roll.person(partner.person);
  if (other === undefined) return null;
  return isPair(state.room, person.user, other.user, context.primitives) ? null : 'WRONG_PAIR';
}

/**
 * Everybody in a state that was not followed from its genesis. Null, or SECOND_NUMBER, WRONG_PAIR. Of members who are not known nothing is said: nobody
 * shares keys with them.
 */
export function checkPersons(
  state: ControlState,
  context: { readonly roll: Roll; readonly primitives: Primitives },
): ControlFault | null {
  const users: string[] = [];
  for (const { person } of state.members) {
    const known = context.roll.person(person);
    if (known !== undefined) users.push(known.user);
  }
  if (new Set(users).size < users.length) return 'SECOND_NUMBER';
  const [one, other] = users;
  if (!state.policy.direct || one === undefined || other === undefined) return null;
  return isPair(state.room, one, other, context.primitives) ? null : 'WRONG_PAIR';
}

/** Is this the 1:1 room of the two users? False for the same user twice. A hub asks it of a genesis, so that nobody takes another pair's room. */
export function isPair(room: string, one: string, other: string, primitives: Primitives): boolean {
  return one !== other && directRoomId(one, other, primitives) === room;
}

/** A walk over the members, by comparing commitments: also the very same one must not stand under two numbers. */
function hasOtherNumber(
  state: ControlState,
  user: string,
  number: number,
  roll: Roll,
  primitives: Primitives,
): boolean {
  const commitments = roll.personsOf(user).map((person) => personCommitment(person, primitives));
  for (const member of state.members) {
    if (member.number === number) continue;
    if (commitments.some((commitment) => equalBytes(commitment, member.person))) return true;
  }
  return false;
}
