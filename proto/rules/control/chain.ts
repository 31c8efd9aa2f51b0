// THE validity function of the control chain: run by the hub before an entry gets its place, and by every device on every entry.
// Both reach the same state or the same fault, because nothing but chain, persons and credentials is looked at: no clock, no session,
// no opinion of a server. An entry that is invalid after the hub took it means that someone lies: the device stops sending in that room.
import { type ControlBody, type ControlEntry, ControlKind, type EventHeader } from '../../gen/record.ts';
import { equalBytes, zeroHash } from '../bytes/bytes.ts';
import { controlHash, stateHash } from '../bytes/hash.ts';
import type { Roll } from '../identity/roll.ts';
import { parseRoomId } from '../ids.ts';
import type { Primitives } from '../primitives.ts';
import { checkProvider, checkSigner, decodeControl } from './entry.ts';
import type { ControlFault } from './fault.ts';
import { checkPersons } from './person.ts';
import { applyRule, create } from './rules.ts';
import type { RuleResult } from './standing.ts';
import { type ControlState, decodeState } from './state.ts';

/** What an entry is judged by besides the state. */
export interface ControlContext {
  /** The room whose log the entry stands in. */
  readonly room: string;
  /** Seq of its event, from 1. Decides from where a newcomer may read. */
  readonly seq: number;
  readonly primitives: Primitives;
  /** Persons and credentials known, those that came with the entry included. */
  readonly roll: Roll;
  /** Whose signing key is this, by the member list of providers? For DEPART. */
  readonly providerOf: (key: Uint8Array) => string | undefined;
  /**
   * True where the entry is new: its Person must be there. False where a device reads old entries: people brought in then may have been erased.
   * Actors are never excused: entries of someone erased can be read only behind a CHECKPOINT, which an admin's device signs after a DEPART.
   */
  readonly fresh: boolean;
}

/** The state after the entry, with its decoded body, or why the entry is not valid. */
export type ControlResult =
  | { readonly state: ControlState; readonly body: ControlBody; readonly invalid?: never }
  | { readonly invalid: ControlFault; readonly state?: never; readonly body?: never };

/** Applies one entry to the state before it; null before the genesis. Never throws for anything in `entry`. */
export function applyControl(state: ControlState | null, entry: ControlEntry, context: ControlContext): ControlResult {
  const body = decodeControl(entry);
  if (typeof body === 'string') return { invalid: body };
  const misplaced = checkPlace(state, body, context.room);
  if (misplaced !== null) return { invalid: misplaced };
  const signed = checkSignature(state, entry, body, context);
  if (signed !== null) return { invalid: signed };
  const hash = controlHash(entry.signed, context.primitives);
  const result: RuleResult =
    state === null ? create(body, context.room, hash, context) : applyRule(state, body, context);
  if (typeof result === 'string') return { invalid: result };
  return { state: { ...result, number: body.number, hash }, body };
}

/**
 * Starts from a CHECKPOINT instead of the genesis: `stateBytes` is the encoded state before it, vouched for by the admin who signed `entry`.
 * Nothing ties such a state to the room's id but the pair of a 1:1 room: it is as good as the persons who signed since. WRONG_STATE where the bytes do
 * not fit, or are no state that a room of this id can have; UNKNOWN_KIND where a later version made them; SECOND_NUMBER, WRONG_PAIR by who is known of
 * its members.
 */
export function startFromCheckpoint(
  stateBytes: Uint8Array,
  entry: ControlEntry,
  context: ControlContext,
): ControlResult {
  const body = decodeControl(entry);
  if (typeof body === 'string') return { invalid: body };
  // A hub must not pass off bytes of its own as those of a later version.
  const isSigned = equalBytes(stateHash(stateBytes, context.primitives), body.stateHash);
  if (body.kind !== ControlKind.CONTROL_KIND_CHECKPOINT || !isSigned) return { invalid: 'WRONG_STATE' };
  const state = decodeState(stateBytes);
  if (typeof state === 'string') return { invalid: state };
  if (state.room !== context.room || !fitsRoom(state)) return { invalid: 'WRONG_STATE' };
  const wrong = checkPersons(state, context);
  return wrong === null ? applyControl(state, entry, context) : { invalid: wrong };
}

/** Of which kind a room is stands in its id: no state makes a group of a 1:1 room. */
function fitsRoom({ room, policy, members }: ControlState): boolean {
  const isDirect = parseRoomId(room)?.direct;
  return policy.direct === isDirect && (!isDirect || members.size <= 2);
}

/** Does the header of the event tell the same actor and device as the entry that it carries? A DEPART comes from device 0 of its target. */
export function headerFitsControl(header: EventHeader, body: ControlBody): boolean {
  const actor = body.kind === ControlKind.CONTROL_KIND_DEPART ? body.target : body.actor;
  return header.member === actor && header.device === body.device;
}

function checkPlace(state: ControlState | null, body: ControlBody, room: string): ControlFault | null {
  const isGenesis = body.kind === ControlKind.CONTROL_KIND_CREATE;
  if (state === null) {
    if (!isGenesis) return 'NOT_CREATED';
    if (body.number !== 1) return 'WRONG_NUMBER';
    return equalBytes(body.previousHash, zeroHash) ? null : 'WRONG_PREVIOUS';
  }
  if (isGenesis) return 'ALREADY_CREATED';
  if (body.room !== room || state.room !== room) return 'WRONG_ROOM';
  if (body.number !== state.number + 1) return 'WRONG_NUMBER';
  return equalBytes(body.previousHash, state.hash) ? null : 'WRONG_PREVIOUS';
}

function checkSignature(
  state: ControlState | null,
  entry: ControlEntry,
  body: ControlBody,
  context: ControlContext,
): ControlFault | null {
  if (body.kind === ControlKind.CONTROL_KIND_DEPART) {
    const target = state?.members.get(body.target);
    if (target === undefined) return 'WRONG_TARGET';
    return checkProvider(entry, body, { ...context, commitment: target.person });
  }
  const actor = state?.members.get(body.actor);
  // Only a genesis and the partner of a 1:1 room bring their own commitment; the rules refuse it everywhere else.
  const own = state === null || (state.policy.direct && body.kind === ControlKind.CONTROL_KIND_ACCEPT);
  const commitment = actor?.person ?? (own && body.person.length > 0 ? body.person : null);
  if (commitment === null) return 'NO_STANDING';
  return checkSigner(entry, body, { commitment, roll: context.roll, primitives: context.primitives });
}
