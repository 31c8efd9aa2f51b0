// Devices and their tokens: at most ten a user, numbered for ever, each with one family of tokens. A refresh token works once; when one that was
// replaced comes back, a thief and the device both hold it, so the family ends. Every change is compare-and-set: any node may do it at any time.
import { isRefusal, type Refusal, refuse } from './codes.ts';
import type { AuthLimits } from './limits.ts';
import {
  type AccountStore,
  AccountStoreError,
  type DeviceEntry,
  type DeviceRow,
  type EndedFamily,
  type TokenFamily,
} from './ports.ts';
import type { SealedNames } from './sealed-names.ts';
import { newFamilyKey, newToken, parseToken, type RandomBytes } from './tokens.ts';

/** Who holds a token. */
export interface DeviceIdentity {
  readonly userId: string;
  readonly deviceId: string;
  readonly deviceNumber: number;
}

/** Who holds a token that is good, and what its person called the device. */
export interface VerifiedDevice extends DeviceIdentity {
  /** Null once the tokens were refreshed after their first use: who needs it has it by then. */
  readonly deviceName: string | null;
}

/** A pair of tokens. */
export interface TokenPair {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Milliseconds since the epoch. */
  readonly accessExpiresMs: number;
}

/** Why a device's tokens ended. */
export type RevocationReason = 'loggedOut' | 'removed' | 'reused' | 'idle' | 'deactivated' | 'erased';

/** A device whose tokens have ended for good. */
export interface Revoked extends DeviceIdentity {
  readonly reason: RevocationReason;
}

/** How a device stands: its login goes on, was ended, or its whole account is erased. */
export type DeviceStanding = 'live' | 'ended' | 'erased';

/** Whose device it will be, and what they call it. */
export interface NewDevice {
  readonly userId: string;
  readonly subjectHash: string;
  readonly deviceName: string;
}

/** The devices of all users. */
export interface Devices {
  /** Adds a device with its first tokens. LOGIN_INVALID for an erased account, and where the device was ended again meanwhile; TOO_MANY_DEVICES for the eleventh. */
  add(device: NewDevice): Promise<(DeviceIdentity & TokenPair) | Refusal>;
  /** Whose access token this is; null = nobody's. */
  verify(accessToken: string): Promise<VerifiedDevice | null>;
  /** Replaces a pair. TOKEN_REUSED ends the device. */
  refresh(refreshToken: string): Promise<(DeviceIdentity & TokenPair) | Refusal>;
  standing(userId: string, deviceNumber: number): Promise<DeviceStanding>;
  /** Ends a device's tokens. False where there was no such live device. */
  remove(userId: string, deviceNumber: number, reason: RevocationReason): Promise<boolean>;
  /** Ends devices of which no token was ever used. Only for accounts of one owner: a device that is just being made goes as well. */
  removeUnused(userId: string): Promise<void>;
  /** Ends the device of a family that ran out. Whoever hears of it may hear again after a crash. */
  endIdle(ended: EndedFamily): Promise<void>;
  /** Ends all devices of an account that is deactivated. Safe to repeat. */
  removeAll(userId: string): Promise<void>;
  /** Erases an account: no more devices, none left, and the subject let go, so that who returns is new. Safe to repeat after a crash. */
  erase(userId: string): Promise<void>;
}

/** What devices need. */
export interface DevicesOptions {
  readonly store: AccountStore;
  readonly limits: AuthLimits;
  readonly now: () => number;
  readonly random: RandomBytes;
  readonly names: SealedNames;
  /** Hears of each ended device once it can't come back. */
  readonly onRevoked: (revoked: Revoked) => void;
}

/** Attempts at one compare-and-set. More: someone changes the row without pause, and the call fails as the store would. */
const attemptsMax = 50;
/** A device without a family after this was never finished: its place is free again. */
const unfinishedMs = 5 * 60_000;
const deviceIdLength = 10;
const deviceIdLetters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Makes them. */
export function devices(options: DevicesOptions): Devices {
  return {
    add: (device) => add(options, device),
    verify: (token) => verify(options, token),
    refresh: (token) => refresh(options, token),
    standing: (userId, deviceNumber) => standingOf(options, userId, deviceNumber),
    remove: (userId, deviceNumber, reason) => remove(options, userId, { deviceNumber, reason }),
    removeUnused: (userId) => removeUnused(options, userId),
    endIdle: (ended) => endIdle(options, ended),
    removeAll: (userId) => removeAll(options, userId),
    erase: (userId) => erase(options, userId),
  };
}

async function add(options: DevicesOptions, device: NewDevice): Promise<(DeviceIdentity & TokenPair) | Refusal> {
  const entry = await addEntry(options, device);
  if (isRefusal(entry)) return entry;
  const identity = { userId: device.userId, deviceId: entry.id, deviceNumber: entry.number };
  const { pair, hashes } = newPair(options, entry.family);
  const sealedName = options.names.seal(entry.family, device.deviceName);
  const family = { version: 1, ...identity, ...hashes, previousHash: '', used: false, sealedName };
  if (!(await options.store.writeFamily(entry.family, family)))
    throw new Error('a new family key is taken: the random source repeats itself');
  // Who ended the device in between found no tokens to end.
  if ((await standingOf(options, device.userId, entry.number)) === 'live') return { ...identity, ...pair };
  await options.store.removeFamily(entry.family);
  return refuse('LOGIN_INVALID');
}

async function standingOf({ store }: DevicesOptions, userId: string, deviceNumber: number): Promise<DeviceStanding> {
  const row = await store.readDevices(userId);
  if (row?.erased) return 'erased';
  return row?.devices.some(({ number }) => number === deviceNumber) ? 'live' : 'ended';
}

async function addEntry(options: DevicesOptions, { userId, subjectHash }: NewDevice): Promise<DeviceEntry | Refusal> {
  const { store, limits, now, random } = options;
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const row = (await store.readDevices(userId)) ?? {
      version: 0,
      lastNumber: 0,
      subjectHash,
      erased: false,
      devices: [],
    };
    if (row.erased) return refuse('LOGIN_INVALID');
    if (row.devices.length >= limits.devicesMax) {
      if (!(await removeDead(options, userId, row))) return refuse('TOO_MANY_DEVICES');
      continue;
    }
    const entry: DeviceEntry = {
      number: row.lastNumber + 1,
      id: Array.from(random(deviceIdLength), (byte) => deviceIdLetters[byte & 31]).join(''),
      family: newFamilyKey(random),
      createdMs: now(),
    };
    const next = { ...row, version: row.version + 1, lastNumber: entry.number, devices: [...row.devices, entry] };
    if (await store.writeDevices(userId, next)) return entry;
  }
  throw new AccountStoreError('the devices of a user changed without pause');
}

async function removeDead(options: DevicesOptions, userId: string, row: DeviceRow): Promise<boolean> {
  let freed = false;
  for (const entry of row.devices) {
    const family = await options.store.readFamily(entry.family);
    const dead = family === null ? entry.createdMs + unfinishedMs <= options.now() : family.expiresMs <= options.now();
    if (dead) freed = (await remove(options, userId, { deviceNumber: entry.number, reason: 'idle' })) || freed;
  }
  return freed;
}

async function removeUnused(options: DevicesOptions, userId: string): Promise<void> {
  for (const { number, family: key } of (await options.store.readDevices(userId))?.devices ?? []) {
    const family = await options.store.readFamily(key);
    // The name waits until the tokens were used: see `refresh`.
    const isUnused = family === null || (!family.used && family.sealedName !== undefined);
    if (isUnused) await remove(options, userId, { deviceNumber: number, reason: 'idle' });
  }
}

async function verify(options: DevicesOptions, token: string): Promise<VerifiedDevice | null> {
  const parsed = parseToken('access', token);
  if (parsed === null) return null;
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const family = await options.store.readFamily(parsed.family);
    if (family === null || family.accessHash !== parsed.hash || family.accessExpiresMs <= options.now()) return null;
    if (!family.used && !(await markUsed(options, parsed.family, family))) continue;
    const { sealedName } = family;
    const deviceName = sealedName === undefined ? null : options.names.open(parsed.family, sealedName);
    return { ...identityOf(family), deviceName };
  }
  throw new AccountStoreError('the tokens of a device changed without pause');
}

async function refresh(options: DevicesOptions, token: string): Promise<(DeviceIdentity & TokenPair) | Refusal> {
  const { store, now } = options;
  const parsed = parseToken('refresh', token);
  if (parsed === null) return refuse('TOKEN_INVALID');
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const family = await store.readFamily(parsed.family);
    if (family === null) return refuse('TOKEN_INVALID');
    if (family.expiresMs <= now()) return end(options, family, 'idle');
    const current = parsed.hash === family.refreshHash;
    // An answer may be lost, or the device killed before it kept the new pair: then it shows the old token again, and as nobody used the new
    // pair, giving out another one loses nothing. Once either of the new tokens was used, the old one can only be a second holder's.
    const again = parsed.hash === family.previousHash && !family.used;
    if (!current && !again) return end(options, family, 'reused');
    const { pair, hashes } = newPair(options, parsed.family);
    const previousHash = current ? family.refreshHash : family.previousHash;
    // A device that was never used has not said hello yet: its name still waits. Whoever used its tokens said hello with them.
    const { sealedName, ...unnamed } = family;
    const kept = family.used ? unnamed : family;
    const next = { ...kept, ...hashes, version: family.version + 1, previousHash, used: false };
    if (await store.writeFamily(parsed.family, next)) return { ...identityOf(family), ...pair };
  }
  throw new AccountStoreError('the tokens of a device changed without pause');
}

async function end(options: DevicesOptions, family: TokenFamily, reason: 'idle' | 'reused'): Promise<Refusal> {
  await remove(options, family.userId, { deviceNumber: family.deviceNumber, reason });
  return refuse(reason === 'idle' ? 'TOKEN_INVALID' : 'TOKEN_REUSED');
}

async function remove(
  options: DevicesOptions,
  userId: string,
  { deviceNumber, reason }: { deviceNumber: number; reason: RevocationReason },
): Promise<boolean> {
  const { store, onRevoked } = options;
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const row = await store.readDevices(userId);
    const entry = row?.devices.find((each) => each.number === deviceNumber);
    if (!row || !entry) return false;
    // Tokens first: after a crash here the device stands in the list without any, and removing it again finishes the work.
    const hadTokens = await store.removeFamily(entry.family);
    const rest = row.devices.filter((each) => each !== entry);
    if (!(await store.writeDevices(userId, { ...row, version: row.version + 1, devices: rest }))) continue;
    // A device that is just being made may have got them since, and found itself in the list: see `add`.
    if (!hadTokens) await store.removeFamily(entry.family);
    onRevoked({ userId, deviceId: entry.id, deviceNumber, reason });
    return true;
  }
  throw new AccountStoreError('the devices of a user changed without pause');
}

// The family goes last, since it is how the device is found: after a crash at any place the next sweep begins again. Its tokens are worth
// nothing in any case.
async function endIdle({ store, onRevoked }: DevicesOptions, { key, family }: EndedFamily): Promise<void> {
  const identity = identityOf(family);
  const without = (row: DeviceRow) => row.devices.filter((each) => each.family !== key);
  await changeRow(store, identity.userId, (row) => ({ ...row, devices: without(row) }));
  onRevoked({ ...identity, reason: 'idle' });
  await store.removeFamily(key);
}

async function removeAll(options: DevicesOptions, userId: string): Promise<void> {
  const { devices = [] } = (await options.store.readDevices(userId)) ?? {};
  for (const { number } of devices) await remove(options, userId, { deviceNumber: number, reason: 'deactivated' });
}

async function erase(options: DevicesOptions, userId: string): Promise<void> {
  const { store } = options;
  // First no more devices, then none left, then the subject: after a crash at any place the next call goes on from there.
  const marked = await changeRow(store, userId, (row) => ({ ...row, erased: true }));
  if (marked === null) return;
  for (const { number } of marked.devices) await remove(options, userId, { deviceNumber: number, reason: 'erased' });
  if (marked.subjectHash === '') return;
  await store.releaseSubject(marked.subjectHash, userId);
  await changeRow(store, userId, (row) => ({ ...row, subjectHash: '', grantedMs: [] }));
}

async function changeRow(
  store: AccountStore,
  userId: string,
  change: (row: DeviceRow) => DeviceRow,
): Promise<DeviceRow | null> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const row = await store.readDevices(userId);
    if (row === null) return null;
    const next = { ...change(row), version: row.version + 1 };
    if (await store.writeDevices(userId, next)) return next;
  }
  throw new AccountStoreError('the devices of a user changed without pause');
}

function markUsed({ store }: DevicesOptions, key: string, family: TokenFamily): Promise<boolean> {
  return store.writeFamily(key, { ...family, version: family.version + 1, used: true });
}

function newPair({ limits, now, random }: DevicesOptions, family: string) {
  const accessToken = newToken('access', family, random);
  const refreshToken = newToken('refresh', family, random);
  const accessExpiresMs = now() + limits.accessMs;
  const accessHash = parseToken('access', accessToken)!.hash;
  const refreshHash = parseToken('refresh', refreshToken)!.hash;
  const hashes = { accessHash, accessExpiresMs, refreshHash, expiresMs: now() + limits.refreshIdleMs };
  return { pair: { accessToken, refreshToken, accessExpiresMs }, hashes };
}

function identityOf({ userId, deviceId, deviceNumber }: TokenFamily): DeviceIdentity {
  return { userId, deviceId, deviceNumber };
}
