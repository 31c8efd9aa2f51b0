// End-to-end encryption as the SDK sees it: the engine's interface, the ports it needs, and the closed lists of what
// can go wrong. Nothing here names the library behind it, so another engine (MLS) can implement the same.
// Guarantees: keys go only to devices that the caller lists AND that their owner's identity signed; what `decrypt`
// returns comes from a device its owner signed, or says by its `trust` why it may; a step of a ratchet is used once. Does not: decide who is a member,
// which devices a user has (that is the signed manifest), or when to try again. Bytes of keys are opaque to all.

import type { Grant } from '#proto/gen/client.ts';
import type { DeviceId, RoomId, RoomKey, UserId } from './ids.ts';
import type { Keeping, OriginLedger } from './keeping.ts';

/** A message for one device: `type` and content JSON as bytes. */
export interface DeviceMessage {
  user: UserId;
  device: DeviceId;
  type: string;
  bytes: Uint8Array;
}

/** A one-time or fallback key: `keyId` is `algorithm:id`, `bytes` its signed JSON. */
export interface OneTimeKey {
  keyId: string;
  bytes: Uint8Array;
}

/** What a device publishes about itself; `deviceKeys` only when they changed. */
export interface KeyUpload {
  deviceKeys?: Uint8Array;
  oneTimeKeys: OneTimeKey[];
  fallbackKeys: OneTimeKey[];
}

/** The published keys of one user, JSON verbatim with the signatures added since. */
export interface UserKeys {
  user: UserId;
  deviceKeys: Uint8Array[];
  masterKey?: Uint8Array;
  selfSigningKey?: Uint8Array;
  /** Own user only. */
  userSigningKey?: Uint8Array;
}

/** One device whose one-time key is wanted. */
export interface ClaimTarget {
  user: UserId;
  device: DeviceId;
}

/** A one-time key handed out: to nobody else, ever. */
export interface ClaimedKey extends ClaimTarget, OneTimeKey {}

/** The three public cross-signing keys of a user. */
export interface CrossSigningKeys {
  master: Uint8Array;
  selfSigning: Uint8Array;
  userSigning: Uint8Array;
}

/** The server, as the engine needs it. A call that rejects is made again at the next `flush` (or fails the `encrypt`
 * that needed it); nothing is lost and nothing is assumed to have happened. So reject only what may go better later: a
 * device message that can never be delivered must resolve, or those after it wait for it for ever.
 * `room` is set where a room is the reason. */
export interface CryptoServer {
  /** Resolves with how many one-time keys the server now holds for this device. */
  uploadKeys(upload: KeyUpload): Promise<{ oneTimeKeys: number }>;
  /** Users left out of the answer count as unreachable and are asked for again. */
  queryKeys(users: UserId[], room?: RoomId): Promise<UserKeys[]>;
  /** Devices left out of the answer have no key left. */
  claimKeys(targets: ClaimTarget[], room?: RoomId): Promise<ClaimedKey[]>;
  /** Resolves once every message is durable. `id` is the same when the same messages are sent again. */
  sendDeviceMessages(id: string, messages: DeviceMessage[], room?: RoomId): Promise<void>;
  /** `grant`: where they take the place of another identity. */
  uploadCrossSigning(keys: CrossSigningKeys, grant?: Grant): Promise<void>;
  /** JSON {user: {device or key: signed object}}; to be merged into what `queryKeys` gives. */
  uploadSignatures(bytes: Uint8Array): Promise<void>;
}

/** What the engine must remember and the library does not. Each call is durable when it resolves. */
export interface CryptoLedger extends OriginLedger {
  /** Notes that `eventId` used step `index` of session `sessionId`, unless an event did before.
   * Resolves with the event that holds the step: another id than the one given means a replay. */
  claimIndex(sessionId: string, index: number, eventId: string): Promise<string>;
  /** When the room's current sending session began, in epoch milliseconds; undefined if never set. */
  sessionBegan(room: RoomId): Promise<SessionBegan | undefined>;
  setSessionBegan(room: RoomId, began: SessionBegan): Promise<void>;
  /** The audience of a session that began here, also of one that ended long ago; undefined where none was set. */
  sessionAudience(room: RoomId, sessionId: string): Promise<number | undefined>;
}

/** The sending session of a room and its age. */
export interface SessionBegan {
  sessionId: string;
  atMs: number;
  /** See `EncryptRequest.audience`. */
  audience?: number;
}

/** A user with those of its devices that may read, straight from its newest signed manifest. */
export interface Recipient {
  user: UserId;
  devices: readonly DeviceId[];
}

/** When a session must end. */
export interface Rotation {
  /** Most messages under one session: 1 to 10,000. */
  messages: number;
  /** Longest time under one session, in milliseconds; at least 1. */
  ageMs: number;
}

/** What to encrypt and for whom. */
export interface EncryptRequest {
  room: RoomId;
  /** The same array again (by reference) is the quick path. Own other devices belong in it, too. */
  recipients: readonly Recipient[];
  plaintext: Uint8Array;
  rotation: Rotation;
  /** A mark of whom the recipients follow from (the number of a control entry, from 1): kept with a session that begins with this message, see
   * `Keeping.sessionAudience`. Default: none is kept. */
  audience?: number;
}

/** Why a listed device or user got no key. `UNKNOWN`: the server has no such keys (yet). `NO_SESSION`: it has no
 * one-time key left; it is tried again every 30 s, on sending. */
export type ExclusionReason =
  | 'UNKNOWN'
  | 'NO_IDENTITY'
  | 'IDENTITY_CHANGED'
  | 'NOT_CROSS_SIGNED'
  | 'NOT_LISTED'
  | 'NO_SESSION';

/** A device left out of the sharing; without `device`: all of the user's. */
export interface Exclusion {
  user: UserId;
  device?: DeviceId;
  reason: ExclusionReason;
}

/** An encrypted body, to be sent verbatim. It is spent even if it is never sent: encrypt again for another try only
 * when these very bytes are lost. */
export interface Encrypted {
  algorithm: string;
  body: Uint8Array;
  sessionId: string;
  index: number;
  /** As of the last sharing in this room. `NOT_LISTED` names devices that the server knows and the caller did not list. */
  excluded: readonly Exclusion[];
}

/** What to decrypt. `sender` is who the room's log says it is from; `eventId` any stable name of the event. */
export interface DecryptRequest {
  room: RoomId;
  sender: UserId;
  eventId: string;
  body: Uint8Array;
}

/** Why something cannot be decrypted; closed, stable. */
export type DecryptCause =
  /** No key for this session yet. It may still come (`roomKeys`), or from the backup. */
  | 'NO_KEY'
  /** The sender said that it will not give this device the key; `withheld` says why. */
  | 'WITHHELD'
  /** The key is there, but only for later messages than this one. A backup may have an earlier one. */
  | 'UNKNOWN_INDEX'
  /** The sending device is unknown: refresh the sender's keys and try again. */
  | 'UNKNOWN_DEVICE'
  /** The sending device is not signed by its owner's identity: refresh and try again. */
  | 'NOT_CROSS_SIGNED'
  /** The key came from a device whose own keys do not fit the message. Final. */
  | 'KEY_MISMATCH'
  /** The log names another sender than the one whose session this is. Final. */
  | 'SENDER_MISMATCH'
  /** The sender's identity changed and nobody approved the new one: `approveIdentity`, then try again. */
  | 'IDENTITY_CHANGED'
  /** The same step of the same session came before in another event; `firstEventId` names it. Final. */
  | 'REPLAY'
  /** Not an encrypted body, or altered on its way. Final. */
  | 'BAD_CIPHERTEXT'
  /** Decrypts, but is not what an engine like this one encrypts. Final. */
  | 'BAD_CONTENT';

/** A failed decryption: an expected answer, not an error. */
export interface DecryptFailure {
  ok: false;
  cause: DecryptCause;
  /** The session, where the body names one: match with `roomKeys`. */
  sessionId?: string;
  /** With WITHHELD: the library's code, such as `m.unverified`. */
  withheld?: string;
  /** With REPLAY. */
  firstEventId?: string;
  /** For logs; may change. */
  detail: string;
}

/** A decrypted message with what is proven about its origin. */
export interface Decrypted {
  ok: true;
  plaintext: Uint8Array;
  sender: UserId;
  device: DeviceId;
  /** Curve25519 key of the sending device, base64. */
  senderKey: string;
  sessionId: string;
  index: number;
  /** `verified`: the sender's identity was compared by its user with ours; `crossSigned`: its owner signed the device; `restored`: the key came out of the own
   * backup or from an own device, which names the sending one as it had verified it, or from the sending device itself, later than the message; `unproven`: the key came out of a key file, which alone says who made
   * it: never to be shown without a word. */
  trust: 'verified' | 'crossSigned' | 'restored' | 'unproven';
}

/** What came with a batch of the inbox. */
export interface Received {
  messages: readonly InboxMessage[];
  /** One-time keys of this device left on the server; undefined = not said, so unchanged. */
  oneTimeKeys?: number;
  /** Algorithms whose fallback key was not used; undefined = not said. */
  unusedFallback?: readonly string[];
  /** Users whose devices or identity changed. */
  changedUsers?: readonly UserId[];
  /** Users with whom no room is shared any more. */
  leftUsers?: readonly UserId[];
}

/** An entry of the inbox as the server handed it out. */
export interface InboxMessage {
  sender: UserId;
  type: string;
  bytes: Uint8Array;
}

/** A decrypted device message of a type of our own (see `sealForDevices`), from a cross-signed device. */
export interface PrivateMessage {
  sender: UserId;
  device: DeviceId | undefined;
  type: string;
  content: unknown;
}

/** What a batch of the inbox led to. Once it resolves, everything is durable and the batch may be acknowledged. */
export interface ReceiveReport {
  roomKeys: RoomKey[];
  messages: PrivateMessage[];
  /** Entries that could not be decrypted or parsed; they are dropped. */
  dropped: number;
  /** Senders of those that could not be decrypted, as the server names them. Also who was read before: the ratchet turns once. */
  undecrypted: UserId[];
}

/** What `flush` did. `failed` requests are kept and made again at the next `flush`. */
export interface FlushReport {
  sent: number;
  failed: number;
}

/** One emoji of the seven, with its English name. */
export interface EmojiSymbol {
  symbol: string;
  name: string;
}

/** Where a verification between two own devices stands. */
export type VerificationState =
  /** Asked for; the other side has not answered. If `weStarted` is false: `accept` or `cancel`. */
  | { phase: 'requested' }
  /** Accepted; keys are being exchanged. With `code`, where a QR code was asked for: the bytes that one of the two shows and the other one scans. */
  | { phase: 'started'; code?: Uint8Array }
  /** The other device says that it has scanned what is shown here; `confirm` if the person sees there that it has, else `cancel`. */
  | { phase: 'scanned' }
  /** Show the seven; `confirm` if both sides show the same, else `cancel`. */
  | { phase: 'emoji'; emoji: readonly EmojiSymbol[] }
  /** Confirmed here, not yet there. */
  | { phase: 'confirmed' }
  | { phase: 'done' }
  | { phase: 'cancelled'; code: string; byUs: boolean };

/** A verification and its state. */
export interface Verification {
  flowId: string;
  /** Undefined while a request went to all own devices and none has answered. */
  otherDevice: DeviceId | undefined;
  weStarted: boolean;
  state: VerificationState;
}

/** Events of the engine, by name. */
export interface EngineEvents {
  /** A verification began or moved on. */
  verification: Verification;
  /** Room keys arrived outside of `receive` (imported, or after a sender became known). */
  roomKeys: RoomKey[];
  /** There is something for `flush` to do. */
  flushNeeded: undefined;
  /** A request failed by a bug, of the engine or of the library. */
  fault: Error;
}

/** The public keys of this device. */
export interface OwnDeviceKeys {
  /** 32 bytes. */
  ed25519: Uint8Array;
  /** 32 bytes. */
  curve25519: Uint8Array;
  /** Canonical JSON with its signatures. */
  deviceJson: Uint8Array;
}

/** Why others may believe this device's signatures: device key <- self-signing key <- master key, canonical JSON each. */
export interface Certificate {
  deviceJson: Uint8Array;
  selfSigningJson: Uint8Array;
  masterJson: Uint8Array;
}

/** A user's identity as known here. */
export interface IdentityState {
  /** 32 bytes: the fingerprint. */
  masterKey: Uint8Array;
  /** It differs from the one first seen (or verified), and `approveIdentity` was not called since. */
  changed: boolean;
  verified: boolean;
}

/** A device as known here. Its keys are those that it signed itself: the engine takes no others. */
export interface DeviceState {
  device: DeviceId;
  /** 32 bytes. */
  ed25519: Uint8Array | undefined;
  /** 32 bytes. */
  curve25519: Uint8Array | undefined;
  crossSigned: boolean;
}

/** The engine of one device of one user. All methods may be called at any time and together; they order themselves.
 * After `close` each rejects with ClientError CLOSED. Errors of the server port pass through as they are. */
export interface CryptoEngine extends Keeping {
  readonly user: UserId;
  readonly device: DeviceId;

  /** Listens to an event; the returned function ends it. */
  on<Name extends keyof EngineEvents>(name: Name, listener: (value: EngineEvents[Name]) => void): () => void;

  // ---- identity

  /** Creates (or, after a crash, completes) the user's identity and signs this device with it. For the FIRST device
   * only: on a further one the server refuses it. Repeating is harmless. */
  createIdentity(): Promise<void>;
  /** Begins another identity in place of the user's, of which this device holds nothing, and signs this device with it. Cut short: where the server took it,
   * `createIdentity` ends it; where not, what was made here is gone after the next `refresh` of the own user. */
  replaceIdentity(grant: Grant): Promise<void>;
  /** Whether this device is signed by its user's identity and trusts it: needed for `encrypt` and `certificate`. */
  confirmed(): Promise<boolean>;
  /** Whether this device holds the private identity, so that it can confirm others. */
  holdsIdentity(): Promise<boolean>;
  ownKeys(): Promise<OwnDeviceKeys>;
  /** Rejects with ClientError NOT_CONFIRMED while this device is not confirmed. */
  certificate(): Promise<Certificate>;
  /** Ed25519 by this device over the UTF-8 of `text`: 64 bytes. The text must say what it is for. */
  sign(text: string): Promise<Uint8Array>;

  // ---- what the server brings and takes

  /** Takes in a batch of the inbox, in order. Then call `flush`. */
  receive(received: Received): Promise<ReceiveReport>;
  /** Makes every request that waits, each on its own: one that fails holds up no other. Never rejects for a failure
   * of the server; see the report. */
  flush(): Promise<FlushReport>;
  /** Watches these users' keys from now on, and fetches those not known yet. */
  track(users: readonly UserId[]): Promise<void>;
  /** Fetches these users' keys now. */
  refresh(users: readonly UserId[], room?: RoomId): Promise<void>;
  devices(user: UserId): Promise<DeviceState[]>;
  identity(user: UserId): Promise<IdentityState | undefined>;
  /** Accepts this identity of the user, by its master key, in place of the one first seen. False where it is not the present one here: `refresh`, then try
   * again. Repeating costs nothing. Rejects with ClientError UNKNOWN where none is known. */
  approveIdentity(user: UserId, masterKey: Uint8Array): Promise<boolean>;

  // ---- messages

  /** Encrypts for a room, sharing the room key first where needed. Rejects with NOT_CONFIRMED, with BAD_ARGUMENT, or
   * with what the server port threw while keys had to go out (then nothing was encrypted; call again). */
  encrypt(request: EncryptRequest): Promise<Encrypted>;
  /** Decrypts a message of a room, or says why not. Never rejects for what is in the message. */
  decrypt(request: DecryptRequest): Promise<Decrypted | DecryptFailure>;
  /** Ends the room's sending session: the next message begins a new one. For members who left. */
  rotate(room: RoomId): Promise<void>;
  /** Encrypts `content` (JSON) for single devices, each listed and cross-signed; devices that can't get it are left out.
   * The result is for the `sendDeviceMessages` of the port. Rejects with NOT_CONFIRMED. */
  sealForDevices(type: string, content: unknown, recipients: readonly Recipient[]): Promise<DeviceMessage[]>;

  // ---- verification of own devices

  /** Asks `device`, or all own devices, to compare emoji or, `byCode`, to scan a QR code. Rejects with UNKNOWN if that device or the identity is not known. */
  requestVerification(device?: DeviceId, byCode?: boolean): Promise<Verification>;
  /** Agrees to a request that the other side made. These three reject with UNKNOWN for a flow that is not there. */
  acceptVerification(flowId: string): Promise<void>;
  /** Says that both devices show the same seven emoji. */
  confirmVerification(flowId: string): Promise<void>;
  cancelVerification(flowId: string): Promise<void>;
  /** Takes the bytes that the other device shows. Rejects with UNKNOWN as above, BAD_ARGUMENT where they are no such code, UNTRUSTED where they are of another
   * verification or name other keys than the server gave out. */
  scanVerification(flowId: string, code: Uint8Array): Promise<void>;
  /** Every verification under way or ended since `open`. */
  verifications(): Verification[];

  /** Waits for what is under way and frees everything. Repeating is harmless. */
  close(): Promise<void>;
}
