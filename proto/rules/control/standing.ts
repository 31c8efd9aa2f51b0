// Who stands where in a room, and what it means to change a member: shared by all rules of the control chain.
import { type ControlBody, MemberStatus, Role } from '../../gen/record.ts';
import type { Roll } from '../identity/roll.ts';
import type { Primitives } from '../primitives.ts';
import { afterStay } from '../record/reading.ts';
import type { ControlFault } from './fault.ts';
import type { Member } from './member-table.ts';
import { type ControlState, withMembers } from './state.ts';

/** What a rule may look at besides state and body. */
export interface RuleContext {
  /** Seq of the entry's event. */
  readonly seq: number;
  readonly primitives: Primitives;
  readonly roll: Roll;
  /** The person that the entry brings in must be known (the entry is being made now), see ControlContext. */
  readonly fresh: boolean;
}

/** The changed state (number and hash still the old ones), or the fault. */
export type RuleResult = ControlState | ControlFault;
/** One kind of entry. */
export type Rule = (state: ControlState, body: ControlBody, context: RuleContext) => RuleResult;

/** A room of two, whose members stand alike for ever. */
export function isDirect(state: ControlState): boolean {
  return state.policy.direct;
}

/** The actor, where it is joined. */
export function joinedActor(state: ControlState, body: ControlBody): Member | null {
  const actor = state.members.get(body.actor);
  return actor?.status === MemberStatus.MEMBER_STATUS_JOINED ? actor : null;
}

/** The target of an actor who stands strictly above it: never in a 1:1 room, where both stand alike. */
export function targetBelow(state: ControlState, body: ControlBody): Member | ControlFault {
  const actor = joinedActor(state, body);
  const target = state.members.get(body.target);
  if (actor === null) return 'NO_STANDING';
  if (isDirect(state)) return 'DIRECT_FIXED';
  if (target === undefined) return 'WRONG_TARGET';
  return actor.role >= Role.ROLE_MODERATOR && actor.role > target.role ? target : 'ROLE_TOO_LOW';
}

/** Has the highest standing that is present: an owner, or where no owner is joined an admin. */
export function leads(state: ControlState, actor: Member): boolean {
  return actor.role === Role.ROLE_OWNER || (actor.role === Role.ROLE_ADMIN && state.owners === 0);
}

/** May this actor give this role? Below the own one, or the own one where it is the highest present. */
export function mayGive(state: ControlState, actor: Member, role: Role): boolean {
  return role < actor.role || (role === actor.role && leads(state, actor));
}

/** The state with one member changed by this entry. */
export function change(state: ControlState, body: ControlBody, member: Member, to: Partial<Member>): ControlState {
  return withMembers(state, { ...member, ...to, changed: body.number });
}

/** Someone loses access: the stay ends with this event, the role falls (in a 1:1 room it is what it always is). */
export function lose(
  state: ControlState,
  body: ControlBody,
  member: Member,
  to: { readonly status: MemberStatus; readonly seq: number },
): ControlState {
  const role = isDirect(state) ? member.role : Role.ROLE_MEMBER;
  const stays = afterStay(member.stays, to.seq);
  return { ...change(state, body, member, { status: to.status, role, stays }), lastRemoval: body.number };
}
