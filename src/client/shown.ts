// What an app shows: lines, rooms, members, devices. Everything was decrypted, bound and checked on this device, but where a field says that it is the
// server's word. Texts are as their authors wrote them and may hold any character, those that steer a terminal or turn the writing direction included:
// whoever shows them decides. Reactions and names of slots hold none.
import type { Content } from '#proto/gen/content.ts';
import type { MemberStatus, Role } from '#proto/gen/record.ts';
import type { AlarmCode, TroubleCause } from './alarms.ts';
/** How far an own message got. */
export type SendState =
  /** Waits for a connection, for its turn, for the other person to accept, or, in a 1:1 room, until they can be given the key (`RoomInfo.unheard`). Survives a
   * restart. */
  | 'waiting'
  /** Durable at the room's hub. */
  | 'accepted'
  /** Refused for good, or the other of a 1:1 room left before it went out (`NOT_MEMBER`): see `failure`. Remove or send again. */
  | 'failed';

/** A line of a conversation. Edits, reactions and deletions are folded into the message that they concern. */
export interface TimelineItem {
  /** Stable for ever: `<member>.<device>.<send id>`, or the local id while it waits. */
  readonly id: string;
  /** Own messages of this device: the id under which `send` gave the line back, also after `id` changed. */
  readonly localId?: string;
  readonly room: string;
  /** 0 while it waits. */
  readonly seq: number;
  /** User id of the author. */
  readonly sender: string;
  /** What the author wants to be called, as far as this device heard; empty = nothing. It proves nothing, and two may be called the same: show the id, too. */
  readonly senderName: string;
  readonly device: number;
  readonly own: boolean;
  /** Milliseconds since the epoch: when the hub accepted it, or when it was written while it waits. */
  readonly at: number;
  /** The same by its author's clock, unchanged by any server; absent where the author said none or nothing can be read. Where
   * `showsBothTimes` (timeline.ts) holds, show both: the author was offline, or one of the clocks is wrong. */
  readonly writtenAt?: number;
  readonly kind: 'message' | 'notice' | 'trouble' | 'deleted';
  /** The message; its text is the newest edit. */
  readonly content?: Content;
  readonly edited: boolean;
  /** Emoji -> user ids. */
  readonly reactions: ReadonlyMap<string, readonly string[]>;
  /** Its author's view of the room is not this device's: the server showed one of the two another history, or the author lies. */
  readonly contradicts?: AlarmCode;
  /** Its key, or that of an edit of it, came out of a key file, which alone says who wrote it: never to be shown without a word. */
  readonly unproven?: true;
  /** For kind `trouble`. */
  readonly trouble?: TroubleCause;
  /** For kind `notice`: what happened in the room. */
  readonly notice?: Notice;
  /** Own messages only. */
  readonly sending?: SendState;
  /** Name of the rejection for `failed`. */
  readonly failure?: string;
}

/** A change of members, roles or settings as the control chain tells it. */
export interface Notice {
  readonly what:
    | 'created'
    | 'invited'
    | 'joined'
    | 'declined'
    | 'left'
    | 'removed'
    | 'banned'
    | 'unbanned'
    | 'role'
    | 'policy'
    | 'identity'
    | 'slot';
  readonly actor: string;
  /** What the two want to be called, as `TimelineItem.senderName`. */
  readonly actorName: string;
  readonly target: string;
  readonly targetName: string;
  /** The one that was given. */
  readonly role?: Role;
  /** For `slot`: its name. */
  readonly slot?: string;
  /** For the slots `name` and `topic`: the new one, empty where it was taken away. Absent where this device can't read it, and
   * where who wrote it is blocked. */
  readonly text?: string;
}

/** Why somebody who is in a room is given no keys of what is written there; '' = they are. In a 1:1 room messages wait for it to end, and go out by themselves then. */
export type Unheard =
  | ''
  /** Another identity than the one that counts here, which nobody approved: `approveIdentity`, once two people have compared. */
  | 'IDENTITY_CHANGED'
  /** Their new identity was approved here, and nobody who may has signed it in yet. */
  | 'NOT_SIGNED_IN'
  /** The server hides their newest list of devices. */
  | 'MANIFEST_WITHHELD';

/** What this device knows of whose identity it is that somebody has. */
export type IdentityMark =
  /** Nothing was fetched yet. */
  | 'unknown'
  /** As the server showed it first. */
  | 'seen'
  /** There was another one before; the person at this device, or in the 1:1 room another own device, approved this one without a number. */
  | 'approved'
  /** The person at this device compared the number, or had it from a contact link. Own other devices do not know that. */
  | 'compared'
  /** Another one than before, which nobody approved. */
  | 'changed';

/** A room in the list. */
export interface RoomInfo {
  readonly room: string;
  readonly direct: boolean;
  /** Decrypted name, or empty: show the members then. */
  readonly name: string;
  readonly topic: string;
  /** SUSPENDED: this user started over, and reads here; what is written waits until somebody else signs the new identity in. */
  readonly status: MemberStatus;
  /** While invited: the one that is offered, as the server says. */
  readonly role: Role;
  /** User ids of the joined members, without oneself; empty while invited. */
  readonly members: readonly string[];
  /** What they want to be called, in the same order: see `TimelineItem.senderName`. */
  readonly memberNames: readonly string[];
  /** Exact: count at the head minus count at the own read position. */
  readonly unread: number;
  readonly headSeq: number;
  /** When the hub accepted the newest record that is here, in milliseconds since the epoch; 0 = none is. */
  readonly lastMs: number;
  /** Who invited, as the server says: with the kind of room and the role all that is shown before consent. */
  readonly invitedBy: string;
  readonly invitedByBot: boolean;
  /** When the own provider heard of the invitation, in milliseconds since the epoch; 0 = it did not say. */
  readonly invitedMs: number;
  /** The other of this 1:1 room is a bot, as their provider says. */
  readonly bot: boolean;
  /** The other of this 1:1 room: INVITED until they accept; LEFT or DECLINED: nothing can be said here until `startDirect` invites them again. Absent in groups,
   * and before anybody was invited. `user` is empty where the provider forgot an erased one before this device read who it was. */
  readonly other: { readonly user: string; readonly status: MemberStatus } | undefined;
  /** False: the server's list has it no more, 30 days after one went. What was said there stays readable on this device. */
  readonly listed: boolean;
  /** Why sending is frozen; empty = it is not. */
  readonly frozen: AlarmCode | '';
  /** Others in it who are given no keys of what is written here; nobody where this user is not in. */
  readonly unheard: readonly { readonly user: string; readonly why: Unheard }[];
}

/** What a person says of themselves. */
export interface ProfileInfo {
  /** Empty = nothing. See `TimelineItem.senderName`. */
  readonly name: string;
  /** There is one: `picture` of the SDK has it. */
  readonly picture: boolean;
}

/** A member as the verified chain says, but for what they say of themselves. */
export interface MemberInfo extends ProfileInfo {
  readonly member: number;
  readonly user: string;
  /** A program, as its provider says. */
  readonly bot: boolean;
  readonly role: Role;
  readonly status: MemberStatus;
  /** Seq up to which this member has read, where receipts are on. */
  readonly readSeq: number;
  /** A message of this member contradicts what this device holds: see `TimelineItem.contradicts`. */
  readonly contradicts: boolean;
  /** In a group somebody else may have signed in an identity that nobody approved here: `changed`, and heard all the same. */
  readonly identity: IdentityMark;
  /** Of who is joined. */
  readonly unheard: Unheard;
}

/** An own device. */
export interface DeviceInfo {
  readonly device: number;
  readonly deviceId: string;
  readonly name: string;
  /** UTC day since 1970-01-01. */
  readonly lastSeenDay: number;
  /** UTC day on which it is logged out where it stays away. */
  readonly endsDay: number;
  /** That day is at most thirty days away: the person is to be told (event `deviceEnding`). Never of this device, which is there. */
  readonly endsSoon: boolean;
  readonly current: boolean;
  /** Listed in the newest manifest: gets keys, may write. */
  readonly confirmed: boolean;
}

/** An own device that is logged out. */
export type FormerDevice = Pick<DeviceInfo, 'device' | 'name'>;

/** A verification by seven emoji, or by a QR code, under way. */
export interface VerificationInfo {
  readonly id: string;
  /** Always this user: own devices confirm each other. Two people compare `fingerprint`. */
  readonly user: string;
  readonly deviceId: string;
  readonly state: 'requested' | 'started' | 'emoji' | 'scanned' | 'done' | 'cancelled';
  /** Bytes for a QR code, which the other device scans; or this one scans that of the other. In state `started`, where it was asked for by code. `scanned`:
   * the other device has done so; ask the person whether it says so, too, then `confirmVerification`. */
  readonly code?: Uint8Array;
  /** Seven pairs of emoji and English name, in state `emoji`. */
  readonly emoji: readonly { readonly symbol: string; readonly name: string }[];
  /** Asked by the other side: call `acceptVerification`. */
  readonly incoming: boolean;
}

/** How a person's messages are secured, as this device knows. */
export interface SecurityState {
  /** `unconfirmed`: this device has to be confirmed, by another one or by the password; `unprotected`: there is no backup, and who loses all devices loses
   * all messages; `waiting`: there is one, and another own device has yet to give this one its key; `protected`: this device fills it. */
  readonly state: 'unconfirmed' | 'unprotected' | 'waiting' | 'protected';
  /** Is there a backup that own devices signed, so that its password opens it? */
  readonly backup: boolean;
  /** Sessions of this device that are not in the backup yet. */
  readonly waiting: number;
  /** The backup takes no more: what waits is on this device alone, and so will be what comes. Tell the person to have another device confirmed or to write a
   * key file. Noticed when this device has something for it, and kept over restarts. */
  readonly full?: true;
  /** While history is read back. */
  readonly restore?: RestoreProgress;
}

/** How far reading back is. */
export interface RestoreProgress {
  readonly rooms: number;
  readonly roomsDone: number;
  readonly sessions: number;
  /** Entries that were not sealed by an own device, or were damaged: not taken. */
  readonly refused: number;
}
