// Every message that actors exchange: the closed lists that session, user and room share without importing each other.
// Commands are imperative, facts are in the past tense. Local sends may be encoded and decoded in tests, so messages are plain data.
import type {
  AddressedDeviceMessage,
  ClaimedKey,
  ClaimTarget,
  ClientFrame,
  EphemeralKind,
  FetchRecords,
  ReadRoom,
  RoomEntry,
  ServerFrame,
  Submit,
  Undelivered,
  UserKeys,
} from '#proto/gen/client.ts';
import type { Disconnect } from '#proto/gen/codes.ts';
import type { ManifestHead, RoomStanding } from '#proto/gen/record.ts';
import type { LogAnswer } from '../log/messages.ts';
import type { Address } from './address.ts';

/** Who asks, through which session, under which request number. `user` and `device` are proven by the session's token. */
export interface Requester {
  readonly session: number;
  readonly request: number;
  readonly user: string;
  readonly device: number;
  /** May the user be in one more room? False: a room refuses a genesis and an ACCEPT with LIMIT_REACHED. */
  readonly mayEnter: boolean;
  /** May the user invite now? Else a room refuses an INVITE. */
  readonly mayInvite: boolean;
}

/** What a user wants to hear nothing of, and how long they must wait before they invite others. */
export interface Consent {
  /** 1:1 rooms with people whom the user blocks. */
  readonly hidden: readonly string[];
  /** Epoch milliseconds from which on the user may invite; 0 = now. */
  readonly inviteFromMs: number;
}

/** A body of a client frame, without the hello. */
export type RequestBody = NonNullable<ClientFrame['body']>;
/** A body of a server frame. */
export type AnswerBody = NonNullable<ServerFrame['body']>;
/** The request bodies that a user actor handles itself. */
export type UserRequestCase =
  | 'listRooms'
  | 'fetchInbox'
  | 'ackInbox'
  | 'sendDeviceMessages'
  | 'uploadKeys'
  | 'queryKeys'
  | 'claimKeys'
  | 'uploadCrossSigning'
  | 'uploadSignatures'
  | 'publishManifest'
  | 'listDevices'
  | 'renameDevice'
  | 'removeDevice'
  | 'setBlock'
  | 'listBlocks'
  | 'deactivateAccount'
  | 'eraseAccount'
  | 'readAccount';
/** A request that goes to the asker's own user actor. */
export type UserRequest = Extract<RequestBody, { $case: UserRequestCase }>;
/** The request bodies that no actor handles: the world does, since they need its store and no order among others. */
export type ServedRequest = AboutBackup | AboutDirectory | AboutReport;
/** Of those, what is about the user's backup. */
export type AboutBackup = Extract<
  RequestBody,
  { $case: 'checkBackup' | 'createBackup' | 'fetchBackup' | 'putBackup' | 'listBackup' | 'dropBackup' }
>;
/** What is about being found by name. */
export type AboutDirectory = Extract<RequestBody, { $case: 'readListing' | 'setListing' | 'searchDirectory' }>;
/** A message that is shown to the provider's people. */
export type AboutReport = Extract<RequestBody, { $case: 'report' }>;

/** A room's part of the answer to Subscribe, gathered by the session. */
export interface SubscribedPart {
  readonly kind: 'subscribedPart';
  readonly token: number;
  readonly room: string;
  /** null = the user is not in this room, or there is none. */
  readonly entry: RoomEntry | null;
  /** The kernel made this because the room was full or down: nothing is known. */
  readonly busy?: true;
}

/** What a session gets. */
export type SessionMessage =
  | SubscribedPart
  /** A socket was accepted: the only message that creates a session. From here the hello is waited for. */
  | { readonly kind: 'opened' }
  /** Frames as they came off the wire, already split, each at most 64 KiB. */
  | { readonly kind: 'frames'; readonly frames: readonly Uint8Array[] }
  /** The answer to the token check that the session asked for with the effect `checkToken`. `null` = unknown or expired. */
  | {
      readonly kind: 'tokenChecked';
      readonly identity: {
        readonly user: string;
        readonly device: number;
        readonly deviceId: string;
        readonly deviceName: string;
      } | null;
    }
  /** The user actor knows this device: the session is live. */
  | {
      readonly kind: 'welcomed';
      readonly body: AnswerBody;
      readonly mayWrite: boolean;
      /** Head of the newest manifest, {0, empty} before the first. */
      readonly manifest: ManifestHead;
      readonly mayEnter: boolean;
      readonly consent: Consent;
    }
  /** A manifest was published, which this one is the head of: may the device submit? */
  | { readonly kind: 'mayWrite'; readonly mayWrite: boolean; readonly manifest: ManifestHead }
  /** The user has come into the last room that they may be in, or has left one again: see Requester. */
  | { readonly kind: 'mayEnter'; readonly mayEnter: boolean }
  /** The user blocked someone or ended that, or has invited as many as they may for now. */
  | ({ readonly kind: 'consent' } & Consent)
  /** The user lost the room: the session is not live there any more. */
  | { readonly kind: 'evicted'; readonly room: string }
  /** The session does not hear these any more, since they moved to another node or theirs is gone: it asks for them anew, and tells the device where
   *  they stand. */
  | {
      readonly kind: 'unheard';
      /** Rooms that it was live in. */
      readonly rooms: readonly string[];
      /** Rooms that it watched. */
      readonly watched: readonly string[];
      /** Its user. */
      readonly own: boolean;
    }
  /** One answer to one request. */
  | { readonly kind: 'answer'; readonly request: number; readonly body: AnswerBody }
  /** The socket is gone. */
  | { readonly kind: 'closed' }
  | { readonly kind: 'timer'; readonly name: string };

/**
 * What a user actor gets. `busy` in an answer says that the kernel made it because the asked actor was full or down: nothing is known about
 * the matter itself, so it must not be told as "does not exist" or "not allowed"; say BUSY.
 */
export type UserMessage =
  /** A session proved its token. Answered by `welcomed` to the session, or a disconnect. */
  | {
      readonly kind: 'hello';
      readonly session: number;
      readonly device: number;
      readonly deviceId: string;
      readonly deviceName: string;
    }
  | { readonly kind: 'request'; readonly from: Requester; readonly body: UserRequest }
  /** Login ended this device's tokens (logged out over HTTP, a token used twice, too long unused): it goes from the account as well.
   *  Told again until the effect `revokeDevice` comes, since the user's log may fail. */
  | { readonly kind: 'deviceRevoked'; readonly device: number }
  /** Another user actor stores device messages here; lane = `sender`. Answered by `deposited`, once durable. */
  | {
      readonly kind: 'deposit';
      readonly replyTo: Address;
      readonly token: number;
      readonly sender: string;
      readonly senderDevice: number;
      /** `index` is the position in the sender's request. */
      readonly messages: readonly { readonly index: number; readonly message: AddressedDeviceMessage }[];
    }
  | {
      readonly kind: 'deposited';
      readonly token: number;
      readonly user: string;
      readonly undelivered: readonly Undelivered[];
    }
  /** Give one one-time key of each device away. Answered by `claimed` once the claim is durable. */
  | {
      readonly kind: 'claim';
      readonly replyTo: Address;
      readonly token: number;
      readonly targets: readonly ClaimTarget[];
    }
  | {
      readonly kind: 'claimed';
      readonly token: number;
      readonly user: string;
      readonly keys: readonly ClaimedKey[];
      readonly busy?: true;
    }
  /** Public keys and manifest; `devices` false = identity and manifest only; `manifestsAbove`: older manifests above this version too. */
  | {
      readonly kind: 'readKeys';
      readonly replyTo: Address;
      readonly token: number;
      readonly devices: boolean;
      readonly own: boolean;
      readonly manifestsAbove?: number;
    }
  | {
      readonly kind: 'keysRead';
      readonly token: number;
      readonly user: string;
      readonly keys: UserKeys | null;
      readonly busy?: true;
    }
  /** A room says how this user stands there; repeated until `standingKept` comes back. Repeats are known by the control number. */
  | {
      readonly kind: 'standing';
      readonly replyTo: Address;
      readonly standing: RoomStanding;
      readonly readableFrom: number;
    }
  /** A room has heard `identityMoved` and made durable what it must keep of it. */
  | { readonly kind: 'identityKept'; readonly room: string; readonly version: number }
  /** To the Info bot: this account began. Repeated until `newcomerKept` comes. */
  | { readonly kind: 'newcomer'; readonly replyTo: Address; readonly user: string }
  /** The Info bot's inbox has kept `newcomer`, durably. */
  | { readonly kind: 'newcomerKept' }
  /** Someone this user shares a room with published a manifest. Best effort: the truth travels in payloads. */
  | { readonly kind: 'manifestMoved'; readonly user: string; readonly head: ManifestHead }
  /** An INVITE of this user is in a room for good. May be lost: then it was for nothing. */
  | { readonly kind: 'invited' }
  /** The answer to the effect `closeAccount`: all of it is done, durably. */
  | { readonly kind: 'accountClosed' }
  /** A room's answer to `authorise`: of those asked about who is joined (`allowed`) and who is only invited. Nobody where the asker is neither,
   *  or is suspended. */
  | {
      readonly kind: 'authorised';
      readonly token: number;
      readonly allowed: readonly string[];
      readonly invited: readonly string[];
      readonly busy?: true;
    }
  /** The answer to the effect `checkGrant`; null: that can't be known now. */
  | { readonly kind: 'grantChecked'; readonly token: number; readonly counts: boolean | null }
  /** The answer to the effect `summaries`; a room that could not be had is missing. */
  | { readonly kind: 'summaries'; readonly token: number; readonly summaries: readonly RoomSummary[] }
  | { readonly kind: 'log'; readonly answer: LogAnswer }
  | { readonly kind: 'timer'; readonly name: string };

/** A room's head and what a list shows of it; the same for every member. Kept as the state row `summary` at passivation. */
export interface RoomSummary {
  readonly room: string;
  readonly entry: RoomEntry;
  readonly floor: number;
}

/** What a room gets. */
export type RoomMessage =
  | { readonly kind: 'submit'; readonly from: Requester; readonly submit: Submit }
  /** Make this session live in the room: effect `join`, then `subscribedPart` to the session, which gathers the parts. `watch`: it wants marks only. */
  | {
      readonly kind: 'subscribe';
      readonly from: Requester;
      readonly replyTo: Address;
      readonly token: number;
      readonly watch?: true;
    }
  | { readonly kind: 'fetch'; readonly from: Requester; readonly fetch: FetchRecords }
  | { readonly kind: 'putReceipt'; readonly from: Requester; readonly write: Uint8Array }
  | { readonly kind: 'ephemeral'; readonly from: Requester; readonly ephemeral: EphemeralKind }
  | { readonly kind: 'readRoom'; readonly from: Requester; readonly read: ReadRoom }
  /** May `user` reach `users` through this room? Answered by `authorised`. */
  | {
      readonly kind: 'authorise';
      readonly replyTo: Address;
      readonly token: number;
      readonly user: string;
      readonly users: readonly string[];
    }
  /** Head and list entry, for a room list. Answered by the effect `summarised`. */
  | { readonly kind: 'summarise'; readonly token: number; readonly user: string }
  /** A user actor has kept a standing. `fingerprint`: the user's master key now, empty where there is none: a room that the user was not in when it
   *  changed learns of it so. */
  | {
      readonly kind: 'standingKept';
      readonly user: string;
      readonly controlNumber: number;
      readonly fingerprint: Uint8Array;
      /** The account is erased. */
      readonly erased: boolean;
    }
  /** A member's identity changed or a manifest moved: pushes a notice to the others, suspends where the fingerprint differs. Without a fingerprint,
   *  version 0: the account is erased. Told again until `identityKept` comes. */
  | {
      readonly kind: 'identityMoved';
      readonly user: string;
      readonly fingerprint: Uint8Array;
      readonly head: ManifestHead;
    }
  | { readonly kind: 'log'; readonly answer: LogAnswer }
  | { readonly kind: 'timer'; readonly name: string };

/** Any message, by the kind of actor that gets it. */
export type Message = SessionMessage | UserMessage | RoomMessage;

/** Why a session is ended. */
export interface Ending {
  readonly code: Disconnect;
  readonly retryAfterMs: number;
}
