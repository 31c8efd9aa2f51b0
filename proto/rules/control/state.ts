// What a control chain amounts to: members, policy, hub. Immutable; control/chain.ts alone makes the next one from an entry.
// Its encoding is deterministic, so that a CHECKPOINT can sign its hash and two readers can compare theirs.
import {
  type ControlHead,
  ControlState as ControlStateCodec,
  HistoryFrom,
  type HubPosition,
  type MemberState,
  MemberStatus,
  Role,
  type RoomPolicy,
} from '../../gen/record.ts';
import { concatBytes, zeroHash } from '../bytes/bytes.ts';
import { decodeCanonical } from '../bytes/canonical.ts';
import { hashBytes, stateHash } from '../bytes/hash.ts';
import { isProvider, isRoomId } from '../ids.ts';
import { limits } from '../limits.ts';
import type { Primitives } from '../primitives.ts';
import { type Chunk, chunkSize, type Member, MemberTable } from './member-table.ts';

/** As it is encoded. */
type StateImage = ReturnType<typeof ControlStateCodec.decode>;

/** The state after the entry `number`. */
export interface ControlState {
  readonly room: string;
  readonly number: number;
  /** hash of that entry. */
  readonly hash: Uint8Array;
  /** As signed, parts of later versions included: whoever knows them and whoever does not make the same hash of the state. */
  readonly hub: HubPosition;
  /** As signed, too; read it through `effectivePolicy`. */
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
 * chain commits to is SUSPENDED: it may read, the hub takes nothing from it but a LEAVE, devices share no keys with it, until IDENTITY.
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
  return concatBytes(encodeHead(state), ...state.members.chunks.map(encodeChunk));
}

/**
 * The first piece of an encoded state: all but the members. The pieces of the chunks come after it, in their order: a change of one member changes two
 * pieces, so that a large room need not be written whole.
 */
export function encodeHead(state: ControlState): Uint8Array {
  const { room, number, hash, hub, policy, lastRemoval } = state;
  const head = { number, hash };
  return ControlStateCodec.encode({ room, head, hub, policy, lastRemoval, members: [] }).finish();
}

/** The piece of a chunk. The same bytes for the same chunk: do not change them. */
export function encodeChunk(chunk: Chunk): Uint8Array {
  const known = pieces.get(chunk);
  if (known !== undefined) return known;
  const members = chunk.map((member) => ({ ...member, stays: [...member.stays] }));
  const piece = ControlStateCodec.encode({ ...noImage, members }).finish();
  pieces.set(chunk, piece);
  return piece;
}

/** hash of the state, as a CHECKPOINT signs it. */
export function hashState(state: ControlState, primitives: Primitives): Uint8Array {
  return stateHash(encodeState(state), primitives);
}

/** Why an encoded state is not taken. */
export type StateFault = 'WRONG_STATE' | 'UNKNOWN_KIND';

/**
 * Reads an encoded state. WRONG_STATE where it is not canonical or contradicts itself, UNKNOWN_KIND where a later version made it: what is not known
 * here would be missing from the hash of the next state. Whether it is true is said by the CHECKPOINT that follows.
 */
export function decodeState(bytes: Uint8Array): ControlState | StateFault {
  const image = decodeCanonical(ControlStateCodec, bytes);
  if (image === null) return 'WRONG_STATE';
  const computed = [image, image.head, ...image.members, ...image.members.flatMap(({ stays }) => stays)];
  if (computed.some((part) => Object.keys(part?._unknownFields ?? {}).length > 0)) return 'UNKNOWN_KIND';
  const chunks: Chunk[] = [];
  for (let at = 0; at < image.members.length; at += chunkSize) {
    const chunk = chunkOf(image.members.slice(at, at + chunkSize));
    if (chunk === null) return 'WRONG_STATE';
    chunks.push(chunk);
  }
  return stateOf(image, chunks) ?? 'WRONG_STATE';
}

/** Reads the piece of a chunk; null where it is no such piece. */
export function decodeChunk(piece: Uint8Array): Chunk | null {
  const image = decodeCanonical(ControlStateCodec, piece);
  const chunk = image === null ? null : chunkOf(image.members);
  if (chunk !== null) pieces.set(chunk, piece);
  return chunk;
}

/** The state of a head's piece and the chunks that were read beside it; null where they do not fit. */
export function joinState(head: Uint8Array, chunks: readonly Chunk[]): ControlState | null {
  const image = decodeCanonical(ControlStateCodec, head);
  return image === null ? null : stateOf(image, chunks);
}

/** The state before a genesis is applied: nobody, nothing. */
export function blankState(room: string, policy: RoomPolicy, hub: ControlState['hub']): ControlState {
  const none = { members: MemberTable.empty, counted: 0, joined: 0, owners: 0, lastRemoval: 0 };
  return { room, number: 0, hash: zeroHash, hub, policy, ...none };
}

const noImage: StateImage = {
  room: '',
  head: undefined,
  hub: undefined,
  policy: undefined,
  lastRemoval: 0,
  members: [],
};

/** Chunks never change, and most of a room is alike from one checkpoint to the next. */
const pieces = new WeakMap<Chunk, Uint8Array>();

function chunkOf(images: readonly MemberState[]): Chunk | null {
  const chunk: Member[] = [];
  for (const { number, role, status, person, stays, invitedBy, changed } of images) {
    if (person.length !== hashBytes || stays.length > limits.staysMax) return null;
    if (role < Role.ROLE_MEMBER || role > Role.ROLE_OWNER) return null;
    if (status < MemberStatus.MEMBER_STATUS_INVITED || status > MemberStatus.MEMBER_STATUS_BANNED) return null;
    const own = stays.map(({ from, through }) => ({ from, through }));
    chunk.push({ number, role, status, person, stays: own, invitedBy, changed });
  }
  return chunk;
}

function stateOf({ room, head, hub, policy, lastRemoval }: StateImage, chunks: readonly Chunk[]): ControlState | null {
  if (!isRoomId(room) || head === undefined || policy === undefined) return null;
  if (hub === undefined || !isProvider(hub.provider) || hub.epoch < 1) return null;
  if (head.number < 1 || head.hash.length !== hashBytes) return null;
  const members = MemberTable.of(chunks);
  if (members === null || members.size < 1 || members.size > limits.memberNumberMax) return null;
  const { number, hash } = head;
  return { room, number, hash, hub, policy, lastRemoval, members, ...tally(members) };
}

function tally(members: MemberTable): { counted: number; joined: number; owners: number } {
  const sum = { counted: 0, joined: 0, owners: 0 };
  for (const member of members) {
    const { counted, joined, owners } = weigh(member);
    sum.counted += counted;
    sum.joined += joined;
    sum.owners += owners;
  }
  return sum;
}

function weigh(member: Member | undefined): { counted: number; joined: number; owners: number } {
  const joined = member?.status === MemberStatus.MEMBER_STATUS_JOINED ? 1 : 0;
  const invited = member?.status === MemberStatus.MEMBER_STATUS_INVITED ? 1 : 0;
  return { counted: joined + invited, joined, owners: member?.role === Role.ROLE_OWNER ? joined : 0 };
}
