// What a control chain amounts to: members, policy, hub. Immutable; control-chain.ts alone makes the next one from an entry.
// Its encoding is deterministic, so that a CHECKPOINT can sign its hash and two readers can compare theirs.
import {
  type ControlHead,
  ControlState as ControlStateCodec,
  HistoryFrom,
  type HubPosition,
  MemberStatus,
  Role,
  type RoomPolicy,
} from '../gen/record.ts';
import { zeroHash } from './bytes.ts';
import { decodeCanonical } from './canonical.ts';
import { hashBytes, stateHash } from './hash.ts';
import { isProvider, isRoomId } from './ids.ts';
import { limits } from './limits.ts';
import { type Member, MemberTable } from './member-table.ts';
import type { Primitives } from './primitives.ts';

/** The state after the entry `number`. */
export interface ControlState {
  readonly room: string;
  readonly number: number;
  /** hash of that entry. */
  readonly hash: Uint8Array;
  readonly hub: { readonly provider: string; readonly epoch: number };
  /** As signed; read it through `effectivePolicy`. */
  readonly policy: RoomPolicy;
  /** Newest entry by which someone lost access (REMOVE, BAN, LEAVE, DEPART, IDENTITY); 0 = none. */
  readonly lastRemoval: number;
  readonly members: MemberTable;
  /** Invited and joined members. */
  readonly counted: number;
  /** Joined members. */
  readonly joined: number;
  /** Joined owners. */
  readonly owners: number;
}

/** A policy with its defaults filled in. */
export interface EffectivePolicy {
  readonly direct: boolean;
  /** Newcomers may read everything from the floor on. */
  readonly fromStart: boolean;
  readonly inviteRole: Role;
  readonly slotRole: Role;
  readonly postRole: Role;
  readonly membersMax: number;
}

/** The head as it stands in frames and headers. */
export function controlHead(state: ControlState | null): ControlHead {
  return state === null ? { number: 0, hash: new Uint8Array(0) } : { number: state.number, hash: state.hash };
}

/** Fills in the defaults of a policy. */
export function effectivePolicy(policy: RoomPolicy): EffectivePolicy {
  return {
    direct: policy.direct,
    fromStart: policy.history === HistoryFrom.HISTORY_FROM_START,
    inviteRole: policy.inviteRole || Role.ROLE_MEMBER,
    slotRole: policy.slotRole || Role.ROLE_MEMBER,
    postRole: policy.postRole || Role.ROLE_MEMBER,
    membersMax: policy.direct ? 2 : policy.membersMax || limits.membersMaxDefault,
  };
}

/** Is this member joined? (Suspension is a matter of the hub and of each reader, see `standing`.) */
export function isJoined(state: ControlState, member: number): boolean {
  return state.members.get(member)?.status === MemberStatus.MEMBER_STATUS_JOINED;
}

/** May this member post content now? Joined, and the role reaches the policy's. */
export function mayPost(state: ControlState, member: number): boolean {
  const found = state.members.get(member);
  return found?.status === MemberStatus.MEMBER_STATUS_JOINED && found.role >= effectivePolicy(state.policy).postRole;
}

/** May this member leave a value in an ordered slot now? */
export function maySetSlot(state: ControlState, member: number): boolean {
  const found = state.members.get(member);
  return found?.status === MemberStatus.MEMBER_STATUS_JOINED && found.role >= effectivePolicy(state.policy).slotRole;
}

/**
 * The status with suspension taken into account: an invited or joined member whose person has another fingerprint today than the one that the
 * chain commits to is SUSPENDED: the hub refuses all but LEAVE (SUSPENDED), devices share no keys with it, until IDENTITY.
 * `committed` is the fingerprint of the Person that fits the chain, `current` the master key in the newest manifest; null = not known.
 */
export function standing(member: Member, committed: Uint8Array | null, current: Uint8Array | null): MemberStatus {
  const live =
    member.status === MemberStatus.MEMBER_STATUS_JOINED || member.status === MemberStatus.MEMBER_STATUS_INVITED;
  if (!live || committed === null || current === null) return member.status;
  const same = committed.length === current.length && committed.every((byte, index) => byte === current[index]);
  return same ? member.status : MemberStatus.MEMBER_STATUS_SUSPENDED;
}

/** A state with changed members, the counts in step. */
export function withMembers(state: ControlState, ...changed: readonly Member[]): ControlState {
  let { members, counted, joined, owners } = state;
  for (const member of changed) {
    const before = members.get(member.number);
    counted += weigh(member).counted - weigh(before).counted;
    joined += weigh(member).joined - weigh(before).joined;
    owners += weigh(member).owners - weigh(before).owners;
    members = members.put(member);
  }
  return { ...state, members, counted, joined, owners };
}

/** The bytes that `stateHash` covers: an encoded ControlState message. About 60 bytes a member. */
export function encodeState(state: ControlState): Uint8Array {
  return ControlStateCodec.encode({
    room: state.room,
    head: { number: state.number, hash: state.hash },
    hub: { provider: state.hub.provider, epoch: state.hub.epoch },
    policy: state.policy,
    lastRemoval: state.lastRemoval,
    members: Array.from(state.members, (member) => ({ ...member, stays: [...member.stays] })),
  }).finish();
}

/** hash of the state, as a CHECKPOINT signs it. */
export function hashState(state: ControlState, primitives: Primitives): Uint8Array {
  return stateHash(encodeState(state), primitives);
}

/** Reads an encoded state. Null where it is not canonical or contradicts itself. Whether it is true is said by the CHECKPOINT that follows. */
export function decodeState(bytes: Uint8Array): ControlState | null {
  const image = decodeCanonical(ControlStateCodec, bytes);
  if (image === null || !isRoomId(image.room) || image.head === undefined || image.policy === undefined) return null;
  const hub: HubPosition | undefined = image.hub;
  if (hub === undefined || !isProvider(hub.provider) || hub.epoch < 1) return null;
  if (image.head.number < 1 || image.head.hash.length !== hashBytes) return null;
  let state: ControlState = {
    room: image.room,
    number: image.head.number,
    hash: image.head.hash,
    hub: { provider: hub.provider, epoch: hub.epoch },
    policy: image.policy,
    lastRemoval: image.lastRemoval,
    members: MemberTable.empty,
    counted: 0,
    joined: 0,
    owners: 0,
  };
  for (const [index, member] of image.members.entries()) {
    if (member.number !== index + 1 || member.number > limits.memberNumberMax) return null;
    if (member.person.length !== hashBytes || member.stays.length > limits.staysMax) return null;
    if (member.role < Role.ROLE_MEMBER || member.role > Role.ROLE_OWNER) return null;
    if (member.status < MemberStatus.MEMBER_STATUS_INVITED || member.status > MemberStatus.MEMBER_STATUS_BANNED) {
      return null;
    }
    const { number, role, status, person, invitedBy, changed } = member;
    const stays = member.stays.map(({ from, through }) => ({ from, through }));
    state = withMembers(state, { number, role, status, person, stays, invitedBy, changed });
  }
  return state.members.size === 0 ? null : state;
}

/** The state before a genesis is applied: nobody, nothing. */
export function blankState(room: string, policy: RoomPolicy, hub: ControlState['hub']): ControlState {
  const none = { members: MemberTable.empty, counted: 0, joined: 0, owners: 0, lastRemoval: 0 };
  return { room, number: 0, hash: zeroHash, hub, policy, ...none };
}

function weigh(member: Member | undefined): { counted: number; joined: number; owners: number } {
  const joined = member?.status === MemberStatus.MEMBER_STATUS_JOINED ? 1 : 0;
  const invited = member?.status === MemberStatus.MEMBER_STATUS_INVITED ? 1 : 0;
  return { counted: joined + invited, joined, owners: member?.role === Role.ROLE_OWNER ? joined : 0 };
}
