// What each kind of control entry may do: from the state and a well-formed body, whose signer is checked, to the changed state or the
// reason against it. Pure; called by control/chain.ts alone.
import { type ControlBody, ControlKind, HistoryFrom, MemberStatus, Role, type RoomPolicy } from '../../gen/record.ts';
import { copyBytes, equalBytes } from '../bytes/bytes.ts';
import { groupRoomId, parseRoomId } from '../ids.ts';
import { limits } from '../limits.ts';
import { openStay } from '../record/reading.ts';
import type { Member } from './member-table.ts';
import { accept, ban, decline, depart, invite, leave, remove, renewIdentity, unban } from './membership.ts';
import {
  change,
  isDirect,
  joinedActor,
  leads,
  mayGive,
  type Rule,
  type RuleContext,
  type RuleResult,
  targetBelow,
} from './standing.ts';
import { blankState, type ControlState, effectivePolicy, hashState, withMembers } from './state.ts';

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
  const state = blankState(room, policy, hub);
  const creator: Member = {
    number: 1,
    role: body.role,
    status: MemberStatus.MEMBER_STATUS_JOINED,
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

function giveRole(state: ControlState, body: ControlBody): RuleResult {
  if (body.target !== body.actor) {
    const target = targetBelow(state, body);
    if (typeof target === 'string') return target;
    if (target.status !== MemberStatus.MEMBER_STATUS_INVITED && target.status !== MemberStatus.MEMBER_STATUS_JOINED)
      return 'WRONG_STATUS';
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
  return { ...state, hub: body.hub };
}

function checkpoint(state: ControlState, body: ControlBody, context: RuleContext): RuleResult {
  const actor = joinedActor(state, body);
  if (actor === null) return 'NO_STANDING';
  if (actor.role < Role.ROLE_ADMIN) return 'ROLE_TOO_LOW';
  return equalBytes(hashState(state, context.primitives), body.stateHash) ? state : 'WRONG_STATE';
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

function isPolicy(policy: RoomPolicy): boolean {
  const { history, inviteRole, slotRole, postRole, membersMax } = policy;
  if (history < 0 || history > HistoryFrom.HISTORY_FROM_START) return false;
  const given = inviteRole !== 0 || slotRole !== 0 || postRole !== 0 || membersMax !== 0;
  if (policy.direct) return !given;
  const isRole = (role: Role) => role >= Role.ROLE_UNSPECIFIED && role <= Role.ROLE_OWNER;
  const isSize = membersMax === 0 || (membersMax >= limits.membersMaxLeast && membersMax <= limits.membersMax);
  return isRole(inviteRole) && isRole(slotRole) && isRole(postRole) && isSize;
}
