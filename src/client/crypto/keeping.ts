// What outlives a device: the private identity and the secrets of sessions, as the engine hands them out and takes them back.
// Guarantees: a session that was taken in this way opens messages of the device that its origin names, or is shown as unproven; sessions that came from
// their senders are judged as strictly as ever. Does not: seal anything (`../backup/`). What these methods give must not leave the device unsealed.
import type { DeviceId, RoomId, RoomKey, UserId } from './ids.ts';

/** The device that made a session, as an own device had verified it. */
export interface SessionOwner {
  user: UserId;
  device: DeviceId;
  /** Curve25519, 32 bytes. */
  key: Uint8Array;
}

/** Who made a session, as far as that is known beside the library. */
export interface SessionOrigin extends RoomKey {
  /** Undefined: no own device has verified who made it. */
  sender: SessionOwner | undefined;
}

/** The secret of a session, with which all its messages from some step on can be read. */
export interface SessionSecret extends SessionOrigin {
  /** JSON of the library behind the engine. */
  json: Uint8Array;
}

/** Seeds of the private identity, 32 bytes each. */
export interface IdentitySeeds {
  master: Uint8Array;
  selfSigning: Uint8Array;
  userSigning: Uint8Array;
}

/** Another self-signing key, and what it is to sign. */
export interface SelfSigningRenewal {
  /** 32 random bytes. Keep them until it is done: the same again ends what was cut short. */
  seed: Uint8Array;
  /** Own devices that stay, besides this one. One that has other keys than these is left out. */
  devices: readonly { readonly device: DeviceId; readonly ed25519: Uint8Array }[];
}

/** Sessions to be backed up together. */
export interface BackupBatch {
  /** For `markBackedUp`. The same batch again, as long as it is not marked, has the same. */
  id: string;
  version: number;
  /** At most 100. */
  sessions: SessionSecret[];
}

/** How far the backup is. */
export interface BackupCounts {
  total: number;
  /** Not in the backup yet. */
  waiting: number;
}

/** What a key file held. */
export interface KeyFileImport {
  total: number;
  /** Sessions that were not here, or from a later step on only. */
  imported: number;
}

/** Part of the engine. */
export interface Keeping {
  /** The private identity, or undefined where this device does not hold all of it. */
  exportIdentity(): Promise<IdentitySeeds | undefined>;
  /** Takes the private identity in and confirms this device with it. Rejects with ClientError UNKNOWN while no identity is published, with UNTRUSTED when the
   * published one is another (nothing is taken in then), or with what the server port threw (call again). Repeating is harmless. */
  importIdentity(seeds: IdentitySeeds): Promise<void>;

  /** Puts another self-signing key under the same master key and signs with it this device and those that stay: nothing else that was signed before counts
   * any more. Rejects with NOT_CONFIRMED where the private identity is not here, or as the server port does (call again with the same). */
  renewSelfSigning(renewal: SelfSigningRenewal): Promise<void>;
  /** Asks own confirmed devices for what of the private identity is not here, such as a self-signing key that another device renewed. It comes later. */
  askForIdentity(): Promise<void>;

  /** Begins to back up under this version, or goes on: after each `open`, since the key (32 bytes) is not kept. Of a session that another version
   * holds not every store knows that it waits again: `endBackup` first, at a new version. */
  startBackup(version: number, key: Uint8Array): Promise<void>;
  /** Ends it and forgets what was backed up. */
  endBackup(): Promise<void>;
  /** The next sessions that are not in the backup, undefined when there are none or no backup was started. Who made them is asked for where that is not known;
   * rejects with what the server port threw then. One call at a time. */
  takeBackup(): Promise<BackupBatch | undefined>;
  /** Says that the sessions of a batch are durable in the backup. An id that is not the last batch's does nothing. */
  markBackedUp(id: string): Promise<void>;
  backupCounts(): Promise<BackupCounts>;
  /** Takes in sessions that `version` holds, opened and checked. Resolves with those that were not here; messages that waited for them can be tried again. */
  importSessions(version: number, sessions: readonly SessionSecret[]): Promise<RoomKey[]>;

  /** The secrets of these sessions, as far as they are here, with who made each. Looks through all that are here: not to be called often. */
  giveSessions(wanted: readonly RoomKey[]): Promise<SessionSecret[]>;
  /** Takes in sessions that another device gave, with who made each as the caller knows it. Resolves with those that were not here, or from a later step on only.
   * One whose secret is of another session, room or sender than it says is left out; rejects with BAD_ARGUMENT for what no library exports. */
  takeSessions(sessions: readonly SessionSecret[]): Promise<RoomKey[]>;
  /** The audience (see `EncryptRequest`) with which this device began a session; undefined for all that it did not begin, or without one. */
  sessionAudience(room: RoomId, sessionId: string): Promise<number | undefined>;

  /** All sessions as a key file (the export format of Matrix clients). Its strength is the passphrase's, so judge that before. */
  exportKeys(passphrase: string): Promise<string>;
  /** Takes a key file in. What it opens is shown as unproven: the file says who made a session, and nobody vouches for the file. Rejects with WRONG_PASSWORD, or with
   * BAD_ARGUMENT for what is no key file, one of over 64 MiB, or one that asks for more than 2,000,000 rounds of its key derivation. */
  importKeys(file: string, passphrase: string): Promise<KeyFileImport>;
}

/** What the engine must remember of sessions that it took in, or had proven once. Part of `CryptoLedger`. */
export interface OriginLedger {
  /** Undefined for a session that came from its sender, as long as nothing of it was read. */
  sessionOrigin(room: RoomId, sessionId: string): Promise<SessionOrigin | undefined>;
  /** All in one step. */
  setSessionOrigins(origins: readonly SessionOrigin[]): Promise<void>;
}
