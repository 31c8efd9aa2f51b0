// The SDK's public face: what an app, a bot or a terminal can do and hear. `LuxchatClient` (luxchat-client.ts) implements it.
// Every method rejects with ClientError; codes other than CLOSED, STORE and BAD_ARGUMENT are named with each method.
// Everything shown was decrypted, bound and checked on this device; nothing here ever shows what the server merely claims, except where a
// field says so. Texts are as their authors wrote them and may hold any character, those that steer a terminal or turn the writing direction included:
// whoever shows them decides. Reactions and names of slots hold none.
import type { Content, MessageRef } from '#proto/gen/content.ts';
import type { MemberStatus, Role } from '#proto/gen/record.ts';
import type { ConnectionState } from './connection.ts';
import type { ClientError } from './errors.ts';

/** Why a message can't be shown. A closed list; each has a repair that runs by itself and a counter. */
export const troubleCauses = [
  /** No session key came yet: tried again when it comes. Nobody is asked for it; own devices would give one without proof of who made it. */
  'NO_KEY',
  /** The sender's device refused this device the key, usually because it is not confirmed: tried again after confirmation. */
  'WITHHELD',
  /** A key came that starts later than this message: tried again when an earlier one comes. */
  'UNKNOWN_INDEX',
  /** The sender's device is not known yet: its keys are fetched, then tried again. */
  'UNKNOWN_DEVICE',
  /** The sender's device is not confirmed by its owner: tried again when it is. */
  'NOT_CROSS_SIGNED',
  /** The sender's device is in no manifest, or was taken off before. Not shown. */
  'SENDER_REMOVED',
  /** The keys of the device do not fit the message. Not shown. */
  'KEY_MISMATCH',
  /** The key belongs to someone else than the event says. Not shown, an alarm. */
  'SENDER_MISMATCH',
  /** The sender's identity changed and was not approved. */
  'IDENTITY_CHANGED',
  /** Inside and outside differ: transplanted, re-attributed or renumbered. Not shown, an alarm. */
  'BINDING_MISMATCH',
  /** The same ciphertext came before as another message. Not shown, an alarm. */
  'REPLAY',
  /** Not what the algorithm makes, or damaged on its way. */
  'BAD_CIPHERTEXT',
  /** Decrypts, but is nothing that an SDK like this one writes. */
  'BAD_CONTENT',
  /** Decrypted, but made by a newer version: update to read it. */
  'UNKNOWN_CONTENT',
] as const;
/** One of the causes. */
export type TroubleCause = (typeof troubleCauses)[number];

/** What the server did that devices' signatures contradict, or, where an alarm names a `user`, that user's own lie. A closed list; README.md says
 * which ones freeze sending in the room or to the person. */
export const alarmCodes = [
  /** Two histories: a record names another one before it. With `user`: that author says to have had another record at some place. */
  'HISTORY_FORKED',
  /** A record is malformed, of another room, or its body is not the one named. */
  'RECORD_INVALID',
  /** A control entry fails the validity function: member added, role forged. */
  'CONTROL_INVALID',
  /** The control chain was shortened or rewritten. */
  'CONTROL_ROLLED_BACK',
  /** An author knew a control entry that the server does not hand out: a hidden removal. */
  'CONTROL_WITHHELD',
  /** A device manifest is invalid. */
  'MANIFEST_INVALID',
  /** A lower manifest than known, or another one with the same version: a removed device listed again. */
  'MANIFEST_ROLLED_BACK',
  /** An author names a manifest that the server does not hand out. */
  'MANIFEST_WITHHELD',
  /** Another identity than the one in the room's chain. */
  'IDENTITY_SWAPPED',
  /** A message whose inside names another place. */
  'MESSAGE_TRANSPLANTED',
  /** A message came twice under two places. */
  'MESSAGE_REPLAYED',
  /** A body was emptied without an ordered event that may do so. */
  'EMPTIED_UNLAWFULLY',
] as const;
/** One of the alarms. */
export type AlarmCode = (typeof alarmCodes)[number];

/** An alarm. */
export interface Alarm {
  readonly code: AlarmCode;
  /** Where, as far as known. */
  readonly room?: string;
  /** Whose identity, devices or words it is about: then either the server lies about them, or they do. */
  readonly user?: string;
}

/** How far an own message got. */
export type SendState =
  /** Waits for a connection, for its turn, or for the other person to accept. Survives a restart. */
  | 'waiting'
  /** Durable at the room's hub. */
  | 'accepted'
  /** Refused for good: see `failure`. Remove or send again. */
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
  readonly target: string;
  readonly role?: Role;
  /** For `slot`: its name. */
  readonly slot?: string;
}

/** A room in the list. */
export interface RoomInfo {
  readonly room: string;
  readonly direct: boolean;
  /** Decrypted name, or empty: show the members then. */
  readonly name: string;
  readonly topic: string;
  readonly status: MemberStatus;
  readonly role: Role;
  /** User ids of the joined members, without oneself; empty while invited. */
  readonly members: readonly string[];
  /** Exact: count at the head minus count at the own read position. */
  readonly unread: number;
  readonly headSeq: number;
  /** Who invited, as the server says: all that is shown before consent. */
  readonly invitedBy: string;
  readonly invitedByBot: boolean;
  /** Why sending is frozen; empty = it is not. */
  readonly frozen: AlarmCode | '';
}

/** A member as the verified chain says. */
export interface MemberInfo {
  readonly member: number;
  readonly user: string;
  readonly role: Role;
  readonly status: MemberStatus;
  /** Seq up to which this member has read, where receipts are on. */
  readonly readSeq: number;
  /** A message of this member contradicts what this device holds: see `TimelineItem.contradicts`. */
  readonly contradicts: boolean;
}

/** An own device. */
export interface DeviceInfo {
  readonly device: number;
  readonly deviceId: string;
  readonly name: string;
  /** UTC day since 1970-01-01. */
  readonly lastSeenDay: number;
  readonly current: boolean;
  /** Listed in the newest manifest: gets keys, may write. */
  readonly confirmed: boolean;
}

/** A verification by seven emoji under way. */
export interface VerificationInfo {
  readonly id: string;
  /** Own other device, or another user. */
  readonly user: string;
  readonly deviceId: string;
  readonly state: 'requested' | 'started' | 'emoji' | 'done' | 'cancelled';
  /** Seven pairs of emoji and English name, in state `emoji`. */
  readonly emoji: readonly { readonly symbol: string; readonly name: string }[];
  /** Asked by the other side: call `acceptVerification`. */
  readonly incoming: boolean;
}

/** What an app may listen to. */
export interface ClientEvents {
  connection: ConnectionState;
  /** First list after start, from the local store or the server. */
  ready: undefined;
  /** The server's list was compared and all rooms are live. */
  synced: undefined;
  /** A room is new, moved, was renamed, read, frozen …: read `rooms()` again. */
  room: RoomInfo;
  /** A line was added or changed (edited, decrypted late, accepted, deleted). In order per room for new ones. */
  item: TimelineItem;
  invitation: RoomInfo;
  typing: { readonly room: string; readonly user: string; readonly typing: boolean };
  /** Someone in the room has it open just now. Said by their app as often as it likes, at most one in three seconds; never stored, and never proven. */
  online: { readonly room: string; readonly user: string };
  receipt: { readonly room: string; readonly user: string; readonly seq: number };
  verification: VerificationInfo;
  /** The own device was confirmed or taken off. */
  devices: readonly DeviceInfo[];
  alarm: Alarm;
  /** It is over: LOGIN_NEEDED (logged out, or 90 days unused), DISCONNECTED (for good), CLOSED. A server that goes away for a while ends nothing. */
  ended: ClientError;
  /** A bug of the SDK, or a local store that can't be written. That piece of work was given up; the next session does it again. */
  fault: Error;
}

/** Counters, by name; every cause of trouble has its own (`trouble.NO_KEY`, `repaired.NO_KEY` …). */
export type Counters = Readonly<Record<string, number>>;

/** Options of `send`. */
export interface SendOptions {
  readonly replyTo?: MessageRef;
  readonly mentions?: readonly string[];
}

/** The SDK. Codes that any call that asks the server may reject with, besides those named: TIMEOUT and DISCONNECTED (it may have been done; all may be
 * repeated), PROTOCOL. */
export interface Luxchat {
  /** Own user id. */
  readonly user: string;
  /** Number of this device among the user's. */
  readonly device: number;
  readonly deviceId: string;
  /** Listens until the returned function is called. What a listener throws is the program's own error, and ends it as any other. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (value: ClientEvents[Name]) => void): () => void;
  /** The next event for which `test` holds. Rejects when `signal` aborts. */
  once<Name extends keyof ClientEvents>(
    name: Name,
    test?: (value: ClientEvents[Name]) => boolean,
    signal?: AbortSignal,
  ): Promise<ClientEvents[Name]>;
  /** Opens the stores and starts connecting. Resolves when local history can be read. Call once. STORE. */
  start(): Promise<void>;
  /** Resolves when the list was compared with the server's. Rejects when the session ends for good: DISCONNECTED, LOGIN_NEEDED, CLOSED. */
  synced(): Promise<void>;
  /** Closes connection and stores. What waits is sent next time. */
  close(): Promise<void>;
  /** Ends this device's session at the server and closes; one that was logged out already is only closed. Local data stays until the caller removes
   * the device. OFFLINE. */
  logout(): Promise<void>;
  /** The network is back: tries to connect at once instead of waiting. */
  nudge(): void;

  /** All rooms: in, invited, and left as long as the server lists them. */
  rooms(): readonly RoomInfo[];
  /** Throws UNKNOWN. */
  room(room: string): RoomInfo;
  /** Everyone who ever had a number here, with status. Throws UNKNOWN. */
  members(room: string): readonly MemberInfo[];
  /** Starts, or opens again, the one 1:1 room with a user by exact Luxchat-ID. The room id. OFFLINE, UNKNOWN, NOT_CONFIRMED, UNTRUSTED, REJECTED. */
  startDirect(user: string): Promise<string>;
  /** Makes a group, names it and invites. The room id; if an invitation fails the group is there all the same. A lost connection is waited for (15 s);
   * a call that ends in TIMEOUT or DISCONNECTED while the group is being made is taken up by the next one, so that none is made twice. OFFLINE, UNKNOWN, NOT_CONFIRMED, REJECTED. */
  createGroup(options: {
    name: string;
    topic?: string;
    invite?: readonly string[];
    historyFromStart?: boolean;
  }): Promise<string>;
  /** Changes of members. A lost connection is waited for (15 s); what is so already is left as it is. OFFLINE, UNKNOWN, UNTRUSTED, REJECTED. */
  invite(room: string, user: string, role?: Role): Promise<void>;
  /** Joins a room that one is invited to. As `invite`. */
  accept(room: string): Promise<void>;
  /** As `invite`. */
  decline(room: string): Promise<void>;
  /** The last owner can't while others are in. As `invite`. */
  leave(room: string): Promise<void>;
  /** Takes out someone who stands below. As `invite`; also where people's words froze the room, as are `ban` and `leave`. */
  remove(room: string, user: string): Promise<void>;
  /** Takes out for good: not to be invited before `unban`. As `invite`. */
  ban(room: string, user: string): Promise<void>;
  /** As `invite`. */
  unban(room: string, user: string): Promise<void>;
  /** Gives a role below one's own; an owner may make owners. As `invite`. */
  setRole(room: string, user: string, role: Role): Promise<void>;
  /** Goes on in a frozen room: for a person who has compared with others, or has taken out who lies. Authors whose words froze it freeze it no more;
   * what the server hands out freezes it again if it still contradicts. Does nothing where sending is not frozen. UNKNOWN. */
  acknowledgeAlarm(room: string): Promise<void>;
  /** Encrypted name, at most 1.5 KB; goes out as messages do. UNKNOWN, UNTRUSTED, BAD_ARGUMENT. */
  setName(room: string, name: string): Promise<void>;
  /** As `setName`. */
  setTopic(room: string, topic: string): Promise<void>;
  /** Replaces the pinned messages. As `setName`. */
  pin(room: string, messages: readonly MessageRef[]): Promise<void>;
  /** Messages pinned here. Throws UNKNOWN. */
  pins(room: string): readonly MessageRef[];

  /** Writes a text of 1 to 16,384 bytes; resolves with its line as soon as it is safe on this device. UNKNOWN, UNTRUSTED, BAD_ARGUMENT. */
  send(room: string, text: string, options?: SendOptions): Promise<TimelineItem>;
  /** The same for any content of at most 24 KiB. */
  sendContent(room: string, content: Content): Promise<TimelineItem>;
  /** Replaces the text of an own message that was accepted. Goes out as messages do. UNKNOWN, UNTRUSTED, BAD_ARGUMENT. */
  edit(room: string, id: string, text: string): Promise<void>;
  /** One emoji of at most 32 bytes, without control characters, or takes an own one back. As `edit`. */
  react(room: string, id: string, emoji: string, removed?: boolean): Promise<void>;
  /** Deletes for all: own messages, or others' as one who stands above. Empties the stored bodies, edits included. As `edit`. */
  deleteForAll(room: string, id: string): Promise<void>;
  /** Resolves when everything written so far was answered, or can't go out before someone else acts; rejects with OFFLINE after `timeoutMs` (30,000). */
  flushed(timeoutMs?: number): Promise<void>;
  /** Gives a failed message another try. UNKNOWN. */
  retry(room: string, localId: string): Promise<void>;
  /** Takes a failed message out: its line comes once more, as `deleted`. UNKNOWN. */
  discard(room: string, localId: string): Promise<void>;

  /** Lines older than `beforeSeq` (default: the newest), oldest first, at most `limit` (default 50), then what waits. Fetches what is not here while
   * there is a connection. UNKNOWN. */
  timeline(room: string, options?: { beforeSeq?: number; limit?: number }): Promise<readonly TimelineItem[]>;
  /** Everything up to `seq` (default: head) is read; follows to own devices, and as a receipt where these are on. UNKNOWN. */
  markRead(room: string, seq?: number): Promise<void>;
  /** Does this device tell others how far this user has read? On until switched off. */
  readonly receipts: boolean;
  /** Switches receipts of this device, for all rooms and durably. What others were told before stays told. Own devices follow positions either way. */
  setReceipts(on: boolean): Promise<void>;
  /** At most one in three seconds goes out; dropped without a connection. */
  typing(room: string, typing: boolean): void;
  /** Tells the others in the room that it is open here. As `typing`; an app whose user wants to be left alone does not call it. */
  online(room: string): void;

  /** Own devices. OFFLINE. */
  devices(): Promise<readonly DeviceInfo[]>;
  /** 1 to 64 characters, seen by the server. OFFLINE, REJECTED. */
  renameDevice(device: number, name: string): Promise<void>;
  /** Logs an own device out: manifest without it, its session cut. OFFLINE, NOT_CONFIRMED, REJECTED. */
  removeDevice(device: number): Promise<void>;
  /** Asks own devices to confirm this one by emoji, or this one a given device. The verification's id. OFFLINE, UNKNOWN. */
  requestVerification(deviceId?: string): Promise<string>;
  /** Under way or ended since `start`. */
  verifications(): readonly VerificationInfo[];
  /** Agrees to compare. UNKNOWN. */
  acceptVerification(id: string): Promise<void>;
  /** The emoji are the same on both. UNKNOWN. */
  confirmVerification(id: string): Promise<void>;
  /** They are not, or not now. UNKNOWN. */
  cancelVerification(id: string): Promise<void>;
  /** The identity of a user, or one's own, as this device knows it: eight groups of five digits. Two people who see the same one for each of them, by
   * voice or side by side, have no one between them. After a change: the new one, not approved yet. OFFLINE, UNKNOWN. */
  fingerprint(user: string): Promise<string>;
  /** Trusts the identity that a user has now, after it changed. UNKNOWN. */
  approveIdentity(user: string): Promise<void>;

  /** What was counted since `start`. */
  counters(): Counters;
}
