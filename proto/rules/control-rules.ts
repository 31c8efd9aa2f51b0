// What each kind of control entry may do: from the state and a well-formed body, whose signer is checked, to the changed state or the
// reason against it. Pure; called by control-chain.ts alone.
import { type ControlBody, ControlKind, HistoryFrom, MemberStatus, Role, type RoomPolicy } from '../gen/record.ts';
import { copyBytes, equalBytes } from './bytes.ts';
import type { ControlFault } from './control-fault.ts';
import { checkPerson } from './control-person.ts';
import { blankState, type ControlState, effectivePolicy, hashState, withMembers } from './control-state.ts';
import { groupRoomId, parseRoomId } from './ids.ts';
import { limits } from './limits.ts';
import type { Member } from './member-table.ts';
import type { Primitives } from './primitives.ts';
import { afterStay, openStay } from './reading.ts';
import type { Roll } from './roll.ts';

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
type Rule = (state: ControlState, body: ControlBody, context: RuleContext) => RuleResult;

const { MEMBER_STATUS_INVITED: invited, MEMBER_STATUS_JOINED: joined } = MemberStatus;
const { MEMBER_STATUS_LEFT: left, MEMBER_STATUS_DECLINED: declined } = MemberStatus;
const { MEMBER_STATUS_REMOVED: removed, MEMBER_STATUS_BANNED: banned } = MemberStatus;

/** The genesis: `hash` is its own. The creator is member 1, joined, owner of a group or admin of a 1:1 room. */
export function create(body: ControlBody, room: string, hash: Uint8Array, context: RuleContext): RuleResult {
  const parts = parseRoomId(room);
  const { policy, hub } = body;
  if (parts === null || policy === undefined || hub === undefined || body.actor !== 1) return 'MALFORMED';
  const named = parts.direct ? body.room === room : body.room === '' && groupRoomId(hash, hub.provider) === room;
  if (!named || parts.direct !== policy.direct) return 'WRONG_ROOM';
  if (hub.provider !== parts.provider || hub.epoch !== 1) return 'WRONG_HUB';
  if (body.role !== (parts.direct ? Role.ROLE_ADMIN : Role.ROLE_OWNER)) return 'WRONG_ROLE';
  if (!isPolicy(policy)) return 'BAD_POLICY';
  const state = blankState(room, policy, { provider: hub.provider, epoch: hub.epoch });
  const creator: Member = {
    number: 1,
    role: body.role,
    status: joined,
    person: copyBytes(body.person),
    stays: openStay([], context.seq, effectivePolicy(policy)),
    invitedBy: 1,
    changed: 1,
  };
  return withMembers(state, creator);
}

/** Applies any entry but the genesis. */
export function applyRule(state: ControlState, body: ControlBody, context: RuleContext): RuleResult {
  const rule = rules.get(body.kind);
  return rule === undefined ? 'UNKNOWN_KIND' : rule(state, body, context);
}

function invite(state: ControlState, body: ControlBody, context: RuleContext): RuleResult {
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

function accept(state: ControlState, body: ControlBody, context: RuleContext): RuleResult {
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

function decline(state: ControlState, body: ControlBody): RuleResult {
  const actor = state.members.get(body.actor);
  return actor?.status === invited ? change(state, body, actor, { status: declined }) : 'NO_STANDING';
}

function leave(state: ControlState, body: ControlBody, context: RuleContext): RuleResult {
  const actor = joinedActor(state, body);
  if (actor === null) return 'NO_STANDING';
  if (actor.role === Role.ROLE_OWNER && state.owners === 1 && state.joined > 1) return 'LAST_OWNER';
  return lose(state, body, actor, { status: left, seq: context.seq });
}

function remove(state: ControlState, body: ControlBody, context: RuleContext): RuleResult {
  const target = targetBelow(state, body);
  if (typeof target === 'string') return target;
  if (target.status !== invited && target.status !== joined) return 'WRONG_STATUS';
  return lose(state, body, target, { status: removed, seq: context.seq });
}

function ban(state: ControlState, body: ControlBody, context: RuleContext): RuleResult {
  const target = targetBelow(state, body);
  if (typeof target === 'string') return target;
  if (target.status === banned) return 'WRONG_STATUS';
  return lose(state, body, target, { status: banned, seq: context.seq });
}

function unban(state: ControlState, body: ControlBody): RuleResult {
  const target = targetBelow(state, body);
  if (typeof target === 'string') return target;
  return target.status === banned ? change(state, body, target, { status: removed }) : 'WRONG_STATUS';
}

function giveRole(state: ControlState, body: ControlBody): RuleResult {
  if (body.target !== body.actor) {
    const target = targetBelow(state, body);
    if (typeof target === 'string') return target;
    if (target.status !== invited && target.status !== joined) return 'WRONG_STATUS';
    if (!mayGive(state, state.members.get(body.actor)!, body.role)) return 'ROLE_TOO_LOW';
    return target.role === body.role ? 'WRONG_ROLE' : change(state, body, target, { role: body.role });
  }
  const actor = joinedActor(state, body);
  if (actor === null) return 'NO_STANDING';
  if (isDirect(state)) return 'DIRECT_FIXED';
  if (body.role >= actor.role) return 'WRONG_ROLE';
  if (actor.role === Role.ROLE_OWNER && state.owners === 1) return 'LAST_OWNER';
  return change(state, body, actor, { role: body.role });
}

function setPolicy(state: ControlState, body: ControlBody): RuleResult {
  const actor = joinedActor(state, body);
  if (actor === null) return 'NO_STANDING';
  if (isDirect(state)) return 'DIRECT_FIXED';
  if (actor.role < Role.ROLE_ADMIN) return 'ROLE_TOO_LOW';
  if (body.policy === undefined || body.policy.direct || !isPolicy(body.policy)) return 'BAD_POLICY';
  return { ...state, policy: body.policy };
}

function moveHub(state: ControlState, body: ControlBody): RuleResult {
  const actor = joinedActor(state, body);
  if (actor === null || body.hub === undefined) return 'NO_STANDING';
  if (!leads(state, actor)) return 'ROLE_TOO_LOW';
  if (body.hub.epoch !== state.hub.epoch + 1) return 'WRONG_HUB';
  return { ...state, hub: { provider: body.hub.provider, epoch: body.hub.epoch } };
}

function renewIdentity(state: ControlState, body: ControlBody, context: RuleContext): RuleResult {
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

function checkpoint(state: ControlState, body: ControlBody, context: RuleContext): RuleResult {
  const actor = joinedActor(state, body);
  if (actor === null) return 'NO_STANDING';
  if (actor.role < Role.ROLE_ADMIN) return 'ROLE_TOO_LOW';
  return equalBytes(hashState(state, context.primitives), body.stateHash) ? state : 'WRONG_STATE';
}

function depart(state: ControlState, body: ControlBody, context: RuleContext): RuleResult {
  const target = state.members.get(body.target);
  if (target === undefined) return 'WRONG_TARGET';
  if (target.status !== invited && target.status !== joined) return 'WRONG_STATUS';
  return lose(state, body, target, { status: left, seq: context.seq });
}

const rules: ReadonlyMap<ControlKind, Rule> = new Map<ControlKind, Rule>([
  [ControlKind.CONTROL_KIND_CREATE, () => 'ALREADY_CREATED'],
  [ControlKind.CONTROL_KIND_INVITE, invite],
  [ControlKind.CONTROL_KIND_ACCEPT, accept],
  [ControlKind.CONTROL_KIND_DECLINE, decline],
  [ControlKind.CONTROL_KIND_LEAVE, leave],
  [ControlKind.CONTROL_KIND_REMOVE, remove],
  [ControlKind.CONTROL_KIND_BAN, ban],
  [ControlKind.CONTROL_KIND_UNBAN, unban],
  [ControlKind.CONTROL_KIND_ROLE, giveRole],
  [ControlKind.CONTROL_KIND_POLICY, setPolicy],
  [ControlKind.CONTROL_KIND_HUB, moveHub],
  [ControlKind.CONTROL_KIND_IDENTITY, renewIdentity],
  [ControlKind.CONTROL_KIND_CHECKPOINT, checkpoint],
  [ControlKind.CONTROL_KIND_DEPART, depart],
]);

function isDirect(state: ControlState): boolean {
  return state.policy.direct;
}

function joinedActor(state: ControlState, body: ControlBody): Member | null {
  const actor = state.members.get(body.actor);
  return actor?.status === joined ? actor : null;
}

/** The target of an actor who stands strictly above it: never in a 1:1 room, where both stand alike. */
function targetBelow(state: ControlState, body: ControlBody): Member | ControlFault {
  const actor = joinedActor(state, body);
  const target = state.members.get(body.target);
  if (actor === null) return 'NO_STANDING';
  if (isDirect(state)) return 'DIRECT_FIXED';
  if (target === undefined) return 'WRONG_TARGET';
  return actor.role >= Role.ROLE_MODERATOR && actor.role > target.role ? target : 'ROLE_TOO_LOW';
}

/** Has the highest standing that is present: an owner, or where no owner is joined an admin. */
function leads(state: ControlState, actor: Member): boolean {
  return actor.role === Role.ROLE_OWNER || (actor.role === Role.ROLE_ADMIN && state.owners === 0);
}

function mayGive(state: ControlState, actor: Member, role: Role): boolean {
  return role < actor.role || (role === actor.role && leads(state, actor));
}

/** Whoever may invite may bring in plain members. */
function mayInviteAs(state: ControlState, actor: Member, role: Role): boolean {
  return role === Role.ROLE_MEMBER || mayGive(state, actor, role);
}

function change(state: ControlState, body: ControlBody, member: Member, to: Partial<Member>): ControlState {
  return withMembers(state, { ...member, ...to, changed: body.number });
}

/** Someone loses access: the stay ends with this event, the role falls (in a 1:1 room it is what it always is). */
function lose(
  state: ControlState,
  body: ControlBody,
  member: Member,
  to: { readonly status: MemberStatus; readonly seq: number },
): ControlState {
  const role = isDirect(state) ? member.role : Role.ROLE_MEMBER;
  const stays = afterStay(member.stays, to.seq);
  return { ...change(state, body, member, { status: to.status, role, stays }), lastRemoval: body.number };
}

function isPolicy(policy: RoomPolicy): boolean {
  const { history, inviteRole, slotRole, postRole, membersMax } = policy;
  if (history < 0 || history > HistoryFrom.HISTORY_FROM_START) return false;
  const given = inviteRole !== 0 || slotRole !== 0 || postRole !== 0 || membersMax !== 0;
  if (policy.direct) return !given;
  const isRole = (role: Role) => role >= Role.ROLE_UNSPECIFIED && role <= Role.ROLE_OWNER;
  const isSize = membersMax === 0 || (membersMax >= limits.membersMaxLeast && membersMax <= limits.membersMax);
  return isRole(inviteRole) && isRole(slotRole) && isRole(postRole) && isSize;
}
