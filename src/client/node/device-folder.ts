// A device of a terminal, bot or test: one folder with its local store, crypto store, keys and tokens, for its owner alone. One process at a time.
// Guarantees: what the SDK was promised durable is on the disk; a kill at any moment leaves a folder that opens again. Copies of a folder must
// never be run beside the original: two devices with one identity would use ciphertext steps twice.
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { LocalSelf } from '#proto/gen/local.ts';
import type { LoggedIn } from '../connection/login.ts';
import { clientOf, type DeviceOptions, keepLogin, moveTo, readSelf } from '../devices/account.ts';
import { ClientError } from '../errors.ts';
import type { LuxchatClient } from '../luxchat-client.ts';
import { sealingKey, sealStore } from '../store/sealed-store.ts';
import { closingAlso, type LocalStore } from '../store/store.ts';
import { CryptoStoreError, lockCryptoStore, type NodeCryptoStore, openCryptoStore } from './crypto-store.ts';
import { forgetHolder, holderOf, noteHolder } from './holder.ts';
import { openLmdbStore } from './lmdb-store.ts';
import { nodePrimitives } from './node-primitives.ts';

const keyName = 'local.key';
const newKeyName = 'local.key.new';
const goneKeyName = 'local.key.gone';

/** How to run the device of a folder. */
export interface FolderOptions extends DeviceOptions {
  /** Address at which its provider is reached from now on. Default: the one that it was reached at last. */
  readonly server?: string;
  /** What runs it, for whoever finds it in use: shown to them as it is. Default: the name of the script. */
  readonly program?: string;
}

/** True where a device lives in this folder. */
export function hasDevice(folder: string): boolean {
  return existsSync(join(folder, keyName));
}

/** Keeps a fresh login in an empty or new folder. Throws STORE when a device lives there, or anything else. */
export async function createDevice(folder: string, serverUrl: string, login: LoggedIn): Promise<void> {
  if (hasDevice(folder))
    throw new ClientError('STORE', `A device lives in ${folder} already: log it out first, or choose another folder.`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // A crash while the key was written leaves half a key, and nothing that it opens.
  if (readdirSync(folder).some((name) => name !== newKeyName))
    throw new ClientError('STORE', `The folder ${folder} is not empty: a device needs one of its own.`);
  createKey(folder);
  const store = await openStore(folder);
  await keepLogin(store, serverUrl, login);
  await store.close();
}

/** Removes what a device keeps in its folder, whole or damaged, and the folder if nothing else lies in it. A folder without a device is left as it
 * is. The server is not told: log out first. Throws IN_USE. Repeating is harmless, and ends what a crash left half done. */
export function removeDevice(folder: string): void {
  const [key, goneKey] = [join(folder, keyName), join(folder, goneKeyName)];
  rmSync(join(folder, newKeyName), { force: true });
  if (existsSync(key)) {
    const release = lockForRemoval(folder);
    // The key goes out of the way first and away last: a device that lost only its crypto store would open with new keys, and without the key
    // nobody could tell afterwards that the rest was a device's.
    renameSync(key, goneKey);
    release();
  }
  if (existsSync(goneKey)) {
    for (const name of ['local', 'crypto']) rmSync(join(folder, name), { recursive: true, force: true });
    rmSync(goneKey);
  }
  if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
}

/** Opens the device of a folder; call `start` on it. Throws LOGIN_NEEDED where there is none, IN_USE, or STORE where it is damaged. */
export async function openDevice(
  folder: string,
  { server, program, ...options }: FolderOptions = {},
): Promise<LuxchatClient> {
  if (!hasDevice(folder)) throw new ClientError('LOGIN_NEEDED', `There is no device in ${folder}: log in first.`);
  // The crypto store takes the folder's lock, so it comes first and goes last.
  const cryptoStore = await openCryptoStore(join(folder, 'crypto')).catch((cause) => {
    throw isLocked(cause)
      ? inUse(folder, cause)
      : new ClientError('STORE', `The device in ${folder} is damaged.`, { cause });
  });
  const held = heldBy(join(folder, 'crypto'), cryptoStore, program);
  const { store, self } = await openWith(held, folder, server).catch((error) => {
    held.close();
    throw error;
  });
  return clientOf(self, { store, cryptoStore, primitives: nodePrimitives }, options);
}

/** The same store, with a note of who has it for as long as it is open. */
function heldBy(folder: string, cryptoStore: NodeCryptoStore, program: string | undefined): NodeCryptoStore {
  try {
    noteHolder(folder, program);
  } catch (cause) {
    cryptoStore.close();
    throw new ClientError('STORE', `The folder ${folder} can't be written.`, { cause });
  }
  let isOpen = true;
  const close = () => {
    // Once it is closed the note may be another's.
    if (isOpen) forgetHolder(folder);
    isOpen = false;
    cryptoStore.close();
  };
  return { ...cryptoStore, close };
}

function lockForRemoval(folder: string): () => void {
  try {
    return lockCryptoStore(join(folder, 'crypto'));
  } catch (cause) {
    if (isLocked(cause)) throw inUse(folder, cause);
    if (cause instanceof CryptoStoreError) return () => {};
    throw cause;
  }
}

function isLocked(cause: unknown): boolean {
  return cause instanceof CryptoStoreError && cause.code === 'LOCKED';
}

function inUse(folder: string, cause: unknown): ClientError {
  const holder = holderOf(join(folder, 'crypto'));
  const by = holder
    ? `${holder.program}, process ${holder.process}: end it there, or with kill ${holder.process}`
    : 'another program: end it first';
  return new ClientError('IN_USE', `The device in ${folder} is in use by ${by}. Nothing was changed.`, { cause });
}

async function openWith(
  cryptoStore: NodeCryptoStore,
  folder: string,
  server: string | undefined,
): Promise<{ readonly store: LocalStore; readonly self: LocalSelf }> {
  const store = await openStore(folder);
  try {
    const self = await readSelf(store);
    if (self) {
      const moved = await moveTo(store, self, server);
      return { store: closingAlso(store, () => cryptoStore.close()), self: moved };
    }
    throw new ClientError(
      'LOGIN_NEEDED',
      `The login in ${folder} was not finished: remove the device and log in again.`,
    );
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function openStore(folder: string): Promise<LocalStore> {
  const key = await sealingKey(readKey(folder));
  return sealStore(openLmdbStore(join(folder, 'local')), key);
}

/** Whole or not at all: a device is where its key is. */
function createKey(folder: string): void {
  const partial = join(folder, newKeyName);
  rmSync(partial, { force: true });
  const file = openSync(partial, 'wx', 0o600);
  writeSync(file, randomBytes(32));
  fsyncSync(file);
  closeSync(file);
  renameSync(partial, join(folder, keyName));
}

function readKey(folder: string): Uint8Array {
  const path = join(folder, keyName);
  if (!existsSync(path)) throw new ClientError('LOGIN_NEEDED', `There is no device in ${folder}: log in first.`);
  if ((statSync(path).mode & 0o077) !== 0)
    throw new ClientError('STORE', `The key ${path} can be read by others: run chmod 600 on it.`);
  const key = Uint8Array.from(readFileSync(path));
  if (key.length !== 32)
    throw new ClientError('STORE', `The key ${path} is damaged: this device's messages can't be read any more.`);
  return key;
}
