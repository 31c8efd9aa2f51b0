// The rules about who is in a room: coming in, going, being sent away, starting over. Called by control/rules.ts alone.
import { type ControlBody, MemberStatus, Role } from '../../gen/record.ts';
import { copyBytes, equalBytes } from '../bytes/bytes.ts';
import { limits } from '../limits.ts';
import { openStay } from '../record/reading.ts';
import type { Member } from './member-table.ts';
import { checkPerson } from './person.ts';
import { change, joinedActor, lose, mayGive, type RuleContext, type RuleResult, targetBelow } from './standing.ts';
import { type ControlState, effectivePolicy, withMembers } from './state.ts';

const { MEMBER_STATUS_INVITED: invited, MEMBER_STATUS_JOINED: joined } = MemberStatus;
const { MEMBER_STATUS_LEFT: left, MEMBER_STATUS_DECLINED: declined } = MemberStatus;
const { MEMBER_STATUS_REMOVED: removed, MEMBER_STATUS_BANNED: banned } = MemberStatus;

/** INVITE. */
export function invite(state: ControlState, body: ControlBody, context: RuleContext): RuleResult {
  const actor = joinedActor(state, body);
  const policy = effectivePolicy(state.policy);
  if (actor === null) return 'NO_STANDING';
  if (actor.role < policy.inviteRole) return 'ROLE_TOO_LOW';
  if (policy.direct ? body.role !== Role.ROLE_ADMIN : !mayInviteAs(state, actor, body.role)) return 'WRONG_ROLE';
  const before = state.members.get(body.target);
  if (before === undefined) return bringIn(state, body, context, { status: invited, role: body.role });
  if (body.person.length !== 0) return 'WRONG_TARGET';
  if (before.status !== left && before.status !== declined && before.status !== removed) return 'WRONG_STATUS';
  if (state.counted >= policy.membersMax) return 'MEMBERS_FULL';
  return change(state, body, before, { status: invited, role: body.role, invitedBy: body.actor });
}

/** ACCEPT. */
export function accept(state: ControlState, body: ControlBody, context: RuleContext): RuleResult {
  const policy = effectivePolicy(state.policy);
  const before = state.members.get(body.actor);
  if (before === undefined) {
    if (!policy.direct) return 'NO_STANDING';
    return bringIn(state, body, { ...context, fresh: true }, { status: joined, role: Role.ROLE_ADMIN });
  }
  if (body.person.length !== 0) return 'WRONG_TARGET';
  const returns = policy.direct && (before.status === left || before.status === declined);
  if (before.status !== invited && !returns) return 'NO_STANDING';
  return change(state, body, before, { status: joined, stays: openStay(before.stays, context.seq, policy) });
}

/** A person without a number gets the next one. */
function bringIn(
  state: ControlState,
  body: ControlBody,
  context: RuleContext,
  as: { readonly status: MemberStatus; readonly role: Role },
): RuleResult {
  const policy = effectivePolicy(state.policy);
  const number = state.members.size + 1;
  if (body.target !== number || body.person.length === 0) return 'WRONG_TARGET';
  if (state.counted >= policy.membersMax || number > limits.memberNumberMax) return 'MEMBERS_FULL';
  if (policy.direct && number > 2) return 'DIRECT_FIXED';
  const fault = checkPerson(state, { number, commitment: body.person, fresh: context.fresh }, context);
  if (fault !== null) return fault;
  const stays = as.status === joined ? openStay([], context.seq, policy) : [];
  const member = { number, ...as, person: copyBytes(body.person), stays, invitedBy: body.actor, changed: body.number };
  return withMembers(state, member);
}

/** DECLINE. */
export function decline(state: ControlState, body: ControlBody): RuleResult {
  const actor = state.members.get(body.actor);
  return actor?.status === invited ? change(state, body, actor, { status: declined }) : 'NO_STANDING';
}

/** LEAVE. */
export function leave(state: ControlState, body: ControlBody, context: RuleContext): RuleResult {
  const actor = joinedActor(state, body);
  if (actor === null) return 'NO_STANDING';
  if (actor.role === Role.ROLE_OWNER && state.owners === 1 && state.joined > 1) return 'LAST_OWNER';
  return lose(state, body, actor, { status: left, seq: context.seq });
}

/** REMOVE. */
export function remove(state: ControlState, body: ControlBody, context: RuleContext): RuleResult {
  const target = targetBelow(state, body);
  if (typeof target === 'string') return target;
  if (target.status !== invited && target.status !== joined) return 'WRONG_STATUS';
  return lose(state, body, target, { status: removed, seq: context.seq });
}

/** BAN. */
export function ban(state: ControlState, body: ControlBody, context: RuleContext): RuleResult {
  const target = targetBelow(state, body);
  if (typeof target === 'string') return target;
  if (target.status === banned) return 'WRONG_STATUS';
  return lose(state, body, target, { status: banned, seq: context.seq });
}

/** UNBAN. */
export function unban(state: ControlState, body: ControlBody): RuleResult {
  const target = targetBelow(state, body);
  if (typeof target === 'string') return target;
  return target.status === banned ? change(state, body, target, { status: removed }) : 'WRONG_STATUS';
}

/** IDENTITY: nobody can vouch for a role above the own one. */
export function renewIdentity(state: ControlState, body: ControlBody, context: RuleContext): RuleResult {
  const actor = joinedActor(state, body);
  const target = state.members.get(body.target);
  if (actor === null) return 'NO_STANDING';
  if (actor.role < Role.ROLE_ADMIN) return 'ROLE_TOO_LOW';
  if (target === undefined || target === actor || equalBytes(target.person, body.person)) return 'WRONG_TARGET';
  if (target.status !== invited && target.status !== joined) return 'WRONG_STATUS';
  const newcomer = { number: target.number, commitment: body.person, fresh: context.fresh };
  const fault = checkPerson(state, newcomer, context);
  if (fault !== null) return fault;
  const role = target.role > actor.role ? actor.role : target.role;
  return { ...change(state, body, target, { person: copyBytes(body.person), role }), lastRemoval: body.number };
}

/** DEPART. */
export function depart(state: ControlState, body: ControlBody, context: RuleContext): RuleResult {
  const target = state.members.get(body.target);
  if (target === undefined) return 'WRONG_TARGET';
  if (target.status !== invited && target.status !== joined) return 'WRONG_STATUS';
  return lose(state, body, target, { status: left, seq: context.seq });
}

/** Whoever may invite may bring in plain members. */
function mayInviteAs(state: ControlState, actor: Member, role: Role): boolean {
  return role === Role.ROLE_MEMBER || mayGive(state, actor, role);
}
