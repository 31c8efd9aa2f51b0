// The SDK's public face: what an app, a bot or a terminal can do and hear. `LuxchatClient` (luxchat-client.ts) implements it.
// Every method rejects with ClientError; codes other than CLOSED, STORE and BAD_ARGUMENT are named with each method.
import type { Content, MessageRef } from '#proto/gen/content.ts';
import type { Role } from '#proto/gen/record.ts';
import type { AccountApi } from './account/account.ts';
import type { StepUpGrant, StepUpPurpose } from './connection/login.ts';
import type { Contact } from './contact/contact.ts';
import type { DirectoryApi } from './contact/directory.ts';
import type { ProfileChange } from './devices/profiles.ts';
import type { BeginStepUp } from './devices/step-up.ts';
import type { Doubts } from './doubts.ts';
import type { ClientEvents } from './events.ts';
import type { Security } from './security/security.ts';
import type {
  DeviceInfo,
  FormerDevice,
  IdentityMark,
  MemberInfo,
  ProfileInfo,
  RoomInfo,
  TimelineItem,
  VerificationInfo,
} from './shown.ts';

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
  /** Starts, or opens again, the one 1:1 room with a user by exact Luxchat-ID. The room id. With the `fingerprint` of a contact link, the server must show
   * that very identity: IDENTITY_DIFFERS, and nothing was started; so the first contact needs no trust in it. A bot is told that it was started. OFFLINE, UNKNOWN, NOT_CONFIRMED,
   * UNTRUSTED, REJECTED. */
  startDirect(user: string, options?: { readonly fingerprint?: Uint8Array }): Promise<string>;
  /** What a person typed, pasted or scanned: a Luxchat-ID (in groups or not, of the own provider where none is named) or a contact link. Asks no server. Throws
   * BAD_ARGUMENT with a sentence: mistyped, of another program, too long (256 characters). */
  readContact(text: string): Contact;
  /** One's own contact link, for a QR code too: id and identity, to be given to people directly. Works offline. UNKNOWN before the first login was finished. */
  contactLink(): Promise<string>;
  /** Finding people of the own provider by name, and being found. */
  readonly directory: DirectoryApi;
  /** To the provider's Info bot alone: whose account began and whom it has not greeted yet. Empty for everybody else. */
  newcomers(): Promise<readonly string[]>;
  /** This one is greeted: named no more. Durable when it resolves. */
  greeted(user: string): Promise<void>;
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
  /** Joins a room that one is invited to; a bot that left it meanwhile is invited back. As `invite`; UNTRUSTED also where whoever invited has another identity
   * than this device knows them by: `approveIdentity` first. */
  accept(room: string): Promise<void>;
  /** As `invite`. */
  decline(room: string): Promise<void>;
  /** The last owner can't while others are in (REJECTED, FORBIDDEN): `setRole` makes somebody else one first. As `invite`. */
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

  /** Writes a text of 1 to 16,384 bytes; resolves with its line as soon as it is safe on this device. UNKNOWN, also where the other of a 1:1 room left, UNTRUSTED, BAD_ARGUMENT;
   * LOGIN_NEEDED once it is known that this device was logged out: nothing is kept then. */
  send(room: string, text: string, options?: SendOptions): Promise<TimelineItem>;
  /** The same for any content of at most 24 KiB. */
  sendContent(room: string, content: Content): Promise<TimelineItem>;
  /** Replaces the text of an own message that was accepted. Goes out as messages do. UNKNOWN, UNTRUSTED, BAD_ARGUMENT. */
  edit(room: string, id: string, text: string): Promise<void>;
  /** One emoji of at most 32 bytes, without control characters, or takes an own one back. As `edit`. */
  react(room: string, id: string, emoji: string, removed?: boolean): Promise<void>;
  /** Deletes for all: own messages, or others' as one who stands above. Empties the stored bodies, edits included. As `edit`. */
  deleteForAll(room: string, id: string): Promise<void>;
  /** Resolves when everything written so far was answered, or can't go out before someone else acts: at once where nothing waits; rejects with OFFLINE after `timeoutMs` (30,000). */
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

  /** Hears nothing of this person any more, on any own device: no invitation, no 1:1 room, and in groups not what they say. They are told nothing, and
   * see what they would see of a device that is switched off. What they write meanwhile is not shown later either. At most 1,000. Whom this device knows
   * is blocked whatever the server says of them now; an id that it does not know is looked up, as `startDirect` does. OFFLINE, REJECTED, UNKNOWN, BAD_ARGUMENT. */
  block(user: string): Promise<void>;
  /** Ends that. What lies in the 1:1 room by then counts as read. As `block`. */
  unblock(user: string): Promise<void>;
  /** Who is blocked, by Luxchat-ID. */
  blocked(): readonly string[];
  /** Shows one message of someone else, as it was sent, to the people of the own provider, with a reason of at most 1,000 characters. They can check
   * that it was sent, and see nothing else of the room; nobody in the room is told. One that was deleted can't be shown: this device forgot it. At most 20 in 24 hours. OFFLINE, UNKNOWN, REJECTED, BAD_ARGUMENT. */
  report(room: string, id: string, reason?: string): Promise<void>;

  /** How one wants to be called oneself; both empty until one said so. */
  readonly profile: ProfileInfo;
  /** Changes name (at most 128 bytes, one line) or picture (JPEG or WebP of at most 16 KiB); empty takes it away. Durable when it resolves. People whom one
   * talks to hear it, encrypted: those of the 30 rooms used last at once, the others ahead of one's next message there; own devices, too; servers and bots
   * never. BAD_ARGUMENT. */
  setProfile(change: ProfileChange): Promise<void>;
  /** The picture of a user, or one's own. */
  picture(user: string): Promise<Uint8Array | undefined>;

  /** Own devices. OFFLINE. */
  devices(): Promise<readonly DeviceInfo[]>;
  /** Own devices that this one saw, and that are logged out: one of them may turn out to be lost (`security.logOutAsLost`). OFFLINE. */
  formerDevices(): Promise<readonly FormerDevice[]>;
  /** 1 to 64 characters, seen by the server. OFFLINE, REJECTED. */
  renameDevice(device: number, name: string): Promise<void>;
  /** Logs another own device out: manifest without it, its session cut. BAD_ARGUMENT for this very device: `logout`, after `security.lossAtLogOut` was told.
   * One that this device saw, and that is logged out, stays so. OFFLINE, NOT_CONFIRMED, REJECTED. */
  removeDevice(device: number): Promise<void>;
  /** Asks own devices to confirm this one, or this one a given device: by emoji, or by a QR code that one of the two shows and the other scans. The
   * verification's id. OFFLINE, UNKNOWN. */
  requestVerification(deviceId?: string, by?: 'emoji' | 'code'): Promise<string>;
  /** Under way or ended since `start`. */
  verifications(): readonly VerificationInfo[];
  /** Agrees to compare. UNKNOWN. */
  acceptVerification(id: string): Promise<void>;
  /** The emoji are the same on both; or the other device says that it has scanned the code shown here. UNKNOWN. */
  confirmVerification(id: string): Promise<void>;
  /** This device has scanned what the other one shows. UNKNOWN, BAD_ARGUMENT (no such code), UNTRUSTED (of another verification, or of other keys than the server
   * gave out: do not go on). */
  scanVerification(id: string, code: Uint8Array): Promise<void>;
  /** They are not, or not now. UNKNOWN. */
  cancelVerification(id: string): Promise<void>;
  /** The identity of a user, or one's own, as this device knows it: eight groups of five digits. Two people who see the same one for each of them, by
   * voice or side by side, have no one between them. After a change: the new one, not approved yet. OFFLINE, UNKNOWN. */
  fingerprint(user: string): Promise<string>;
  /** Trusts the identity that a user has now, after it changed (alarm IDENTITY_SWAPPED) or where this device saw it first: once two people have compared
   * `fingerprint`. With that number it is the one compared, and none that the server shows since. It is signed in in the 1:1 room and in groups that this user
   * leads, now or as soon as that can be done; from then on the person reads and writes there. Where it is the one that was trusted before, the number alone is
   * noted, as compared. UNKNOWN (nobody, or nothing to approve), UNTRUSTED (another one by now), OFFLINE (the keys of it could not be had). */
  approveIdentity(user: string, options?: { readonly fingerprint?: string }): Promise<void>;
  /** What this device knows of whose identity somebody has; asks no server. `compared` once `approveIdentity` was given the number, or `startDirect` a contact
   * link's fingerprint, and until the identity changes. Each own device has its own. */
  identityMark(user: string): IdentityMark;

  /** Begins a step-up, a fresh login with LuxID, without which the server lets no one at the backup or the identity. Resolves to the address to send the
   * person to; they come back to `redirect`, as at a login, where `finishStepUp` goes on, also on a page that was loaded anew. One at a time: an earlier
   * one ends. OFFLINE (the server or LuxID), REJECTED (too many begun), BAD_ARGUMENT (the server does not know the address to come back to). */
  beginStepUp(options: BeginStepUp): Promise<string>;
  /** Ends it: `address` is where the person came back to. Afterwards take the query out of the address bar: its code is spent. Resolves to the grant for
   * one request. STEP_UP_NEEDED (not begun here, not for this, ended by the person, done by someone else, too late), OFFLINE (may be repeated),
   * REJECTED (ten an hour), LOGIN_NEEDED. */
  finishStepUp(purpose: StepUpPurpose, address: string): Promise<StepUpGrant>;

  /** The backup password and what it opens: each method says how it fails. */
  readonly security: Pick<
    Security,
    | 'state'
    | 'setUp'
    | 'unlock'
    | 'changePassword'
    | 'logOutAsLost'
    | 'lossAtStartOver'
    | 'startOver'
    | 'flushed'
    | 'restored'
    | 'lossAtLogOut'
    | 'exportKeys'
    | 'importKeys'
  >;

  /** The account as a whole: switching it off, erasing it. */
  readonly account: AccountApi;

  /** What speaks against what is shown, whichever run of this device noticed it. */
  doubts(): Promise<Doubts>;
  /** What was counted since `start`. */
  counters(): Counters;
}
