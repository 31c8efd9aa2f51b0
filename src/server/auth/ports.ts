// What login needs to be durable. Every method touches one row; every conditional one is atomic over all nodes (compare-and-set), and a promise
// resolves only when the change survives a crash. Nothing here can hold a subject, a name or a number: keys are hashes, ids are random, and what a person
// calls a new device is sealed.
import type { Purpose } from './purposes.ts';

/** A login between start and return from LuxID, under the hash of its `state`. */
export interface LoginAttempt {
  /** Where the login returns to: already found good. */
  readonly redirect: string;
  /** Base64url SHA-256 of the verifier that the client keeps. */
  readonly challenge: string;
  /** Milliseconds since the epoch. */
  readonly expiresMs: number;
  /** It is a step-up for this; absent = an ordinary login. */
  readonly purpose?: Purpose;
}

/** A login between return and exchange, under the hash of its one-time code. */
export interface PendingLogin {
  /** Keyed hash of LuxID's subject, 43 characters of base64url. */
  readonly subjectHash: string;
  readonly challenge: string;
  readonly expiresMs: number;
  /** As the attempt's. */
  readonly purpose?: Purpose;
}

/** What a step-up gave, under the hash of its token. The attempt that it is bound to is the store's own business. */
export interface StepUpGrant {
  readonly userId: string;
  readonly deviceNumber: number;
  readonly purpose: Purpose;
  readonly expiresMs: number;
}

/** One live device. */
export interface DeviceEntry {
  /** 1, 2, 3 … for each user; never given twice. */
  readonly number: number;
  /** Ten of `A-Z 0-9`. */
  readonly id: string;
  /** Key of its token family. */
  readonly family: string;
  readonly createdMs: number;
}

/** The live devices of one user. `version` grows by one with each change; 0 = no row yet. */
export interface DeviceRow {
  readonly version: number;
  /** The highest number ever given. */
  readonly lastNumber: number;
  /** Under which the account is found, so that erasing it finds the way back; empty once that was let go. */
  readonly subjectHash: string;
  /** The account is erased or about to be: it gets no more devices. */
  readonly erased: boolean;
  readonly devices: readonly DeviceEntry[];
  /** When grants were given in the last hour before the newest of them; absent = never. */
  readonly grantedMs?: readonly number[];
}

/** The tokens of one device: hashes only. `version` grows by one with each change. */
export interface TokenFamily {
  readonly version: number;
  readonly userId: string;
  readonly deviceId: string;
  readonly deviceNumber: number;
  readonly accessHash: string;
  readonly accessExpiresMs: number;
  readonly refreshHash: string;
  /** The refresh token before, or empty: it may be shown once more while nobody used what replaced it. */
  readonly previousHash: string;
  /** Whether one of the newest two tokens was used since they were given out. */
  readonly used: boolean;
  /** When the family ends unless it is refreshed. */
  readonly expiresMs: number;
  /** What its person called the device, sealed, until the first refresh after its first use: then the user's own record has the name. */
  readonly sealedName?: string;
}

/** The store failed; the change may or may not have happened. `cause` is the adapter's own error. */
export class AccountStoreError extends Error {
  readonly code = 'ACCOUNT_STORE';
}

/** The durable half of login. Rejects with AccountStoreError only. */
export interface AccountStore {
  /** Keeps an attempt. A store with expiring rows uses `expiresMs`; the caller checks it in any case. */
  putAttempt(key: string, attempt: LoginAttempt): Promise<void>;
  /** Takes an attempt out: of all who ask, one gets it. */
  takeAttempt(key: string): Promise<LoginAttempt | null>;
  /** Like attempts. */
  putLogin(key: string, login: PendingLogin): Promise<void>;
  takeLogin(key: string): Promise<PendingLogin | null>;

  /** Keeps a grant that no attempt has used yet. Stores and callers do with `expiresMs` as above. */
  putGrant(key: string, grant: StepUpGrant): Promise<void>;
  /** Null = there is none, or it is gone. */
  readGrant(key: string): Promise<StepUpGrant | null>;
  /** Binds a grant to the first attempt that asks, in one compare-and-set: true for that attempt, however often it asks; false for every other one and
   * where there is no such grant. */
  useGrant(key: string, attempt: string): Promise<boolean>;

  /** Reserves an id for ever: true for exactly one caller, ever. There is no way back, not even by erasing the account. */
  reserveUserId(userId: string): Promise<boolean>;
  /** Who holds a subject; null = nobody. */
  userOf(subjectHash: string): Promise<string | null>;
  /** Gives the subject to the user unless someone holds it. Resolves to the holder, which all callers agree on. */
  claimSubject(subjectHash: string, userId: string): Promise<string>;
  /** Lets go of a subject if this user holds it: who returns is new. True where it did. */
  releaseSubject(subjectHash: string, userId: string): Promise<boolean>;

  /** The devices of a user; null = none ever. */
  readDevices(userId: string): Promise<DeviceRow | null>;
  /** Writes `row` if the kept version is `row.version - 1` (no row counts as 0). False = someone else was faster: read again. */
  writeDevices(userId: string, row: DeviceRow): Promise<boolean>;

  readFamily(key: string): Promise<TokenFamily | null>;
  /** Writes `family` if the kept version is `family.version - 1` (no row counts as 0 and only version 1 makes one). False = read again. */
  writeFamily(key: string, family: TokenFamily): Promise<boolean>;
  /** Removes a family: its tokens are worth nothing from now on. True where there was one. */
  removeFamily(key: string): Promise<boolean>;

  /**
   * Removes attempts, logins and grants that ended before `nowMs` and names the families that did, together at most `rowsMax`. Families stay until they
   * are removed: their devices end with them. A store in which attempts, logins and grants expire by themselves removes none of those.
   */
  sweep(nowMs: number, rowsMax: number): Promise<Swept>;
}

/** What a sweep found. */
export interface Swept {
  /** Attempts, logins and grants that are gone now. */
  readonly removed: number;
  readonly ended: readonly EndedFamily[];
}

/** A family that ran out. */
export interface EndedFamily {
  readonly key: string;
  readonly family: TokenFamily;
}
