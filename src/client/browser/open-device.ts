// A device of a web page: logged in by redirect, opened in one tab at a time. Its local store lies in IndexedDB, sealed under a key that the browser
// lets nobody take out; the crypto library has databases of its own there, encrypted under a key that lies in the sealed store.
// Guarantees: what the SDK was promised durable is on the disk; a tab that is killed at any moment leaves a device that opens again.
// Does not: keep the browser from clearing its storage. Ask for `navigator.storage.persist()` when the person has something to lose.

import { completeLogin, LoginError, readReturn, startLogin } from '../connection/login.ts';
import type { CryptoEngine } from '../crypto/engine.ts';
import type { EngineOptions } from '../crypto/olm-engine.ts';
import { openEngineIn } from '../crypto/worker/remote-engine.ts';
import { clientOf, type DeviceOptions, keepLogin, readSelf } from '../devices/account.ts';
import { ClientError } from '../errors.ts';
import type { LuxchatClient } from '../luxchat-client.ts';
import { openIndexedDbStore } from '../store/indexeddb-store.ts';
import { sealStore } from '../store/sealed-store.ts';
import { closingAlso, type LocalStore } from '../store/store.ts';
import { takeLock } from './device-lock.ts';
import {
  newKey,
  type Profile,
  profileNamed,
  putKey,
  putLogin,
  readKey,
  removeKey,
  removeStores,
  takeLogin,
} from './profile.ts';
import { makeDurable } from './strict-durability.ts';

/** Which device is meant; one browser may hold several. Default `default`. */
export interface DeviceName {
  readonly profile?: string;
}

// The server gives up on a person after the same time.
const loginMs = 10 * 60_000;
const cryptoKeyRow = { table: 'account', key: 'crypto key' } as const;

/** True where a device lives in this browser. Rejects with STORE. */
export async function hasDevice({ profile = 'default' }: DeviceName = {}): Promise<boolean> {
  return (await readKey(profileNamed(profile))) !== undefined;
}

/**
 * Begins a login: resolves to the address to send the person to (`location.assign`). They come back to `redirect`, an address of this page's origin
 * without query, where `finishLogin` goes on. Rejects with LoginError, or ClientError STORE.
 */
export async function beginLogin(
  options: DeviceName & { readonly server: string; readonly redirect: string; readonly language?: string },
): Promise<string> {
  const { profile = 'default', server, ...way } = options;
  const { authorizeUrl, verifier } = await startLogin({ server }, { ...way, client: 'web' });
  await putLogin(profileNamed(profile), { server, verifier, begunMs: Date.now() });
  return authorizeUrl;
}

/**
 * Ends a login: `address` is where the person came back to. Afterwards take the query out of the address bar: its code is spent.
 * Rejects with LoginError (LOGIN_INVALID where no login was begun here in the last ten minutes), or ClientError IN_USE or STORE, also where a device
 * lives here already.
 */
export async function finishLogin(options: DeviceName & { address: string; deviceName: string }): Promise<void> {
  const { address, deviceName } = options;
  const profile = profileNamed(options.profile ?? 'default');
  const login = readReturn(address);
  await locked(profile, async () => {
    if (await readKey(profile)) throw new ClientError('STORE', 'A device lives here already: log it out first.');
    const begun = await takeLogin(profile);
    if (!begun || Date.now() - begun.begunMs > loginMs)
      throw new LoginError('LOGIN_INVALID', 'No login was begun here: start again.');
    const { server, verifier } = begun;
    const loggedIn = await completeLogin({ server }, { login, verifier, deviceName });
    // What a crash or a removal may have left: nothing of it can be read any more.
    await removeStores(profile);
    const key = await newKey();
    const store = sealStore(await openIndexedDbStore(profile.local), key);
    await store.write([{ ...cryptoKeyRow, value: crypto.getRandomValues(new Uint8Array(32)) }]);
    await keepLogin(store, server, loggedIn);
    await store.close();
    await putKey(profile, key);
  });
}

/** How to open the device of a page. */
export interface PageOptions extends DeviceOptions {
  /** Starts the worker of the crypto engine, whose script is `engine-worker.ts`: then a room of a thousand devices does not hold the page up. The app starts it, since
   * where its scripts lie, and under which policy, is the app's. It is ended with the client. Default: none, the engine works in the page's own thread. */
  readonly worker?: () => Worker;
}

/** Opens the device; call `start` on it. Rejects with ClientError LOGIN_NEEDED where there is none, IN_USE while another tab has it, STORE. */
export async function openDevice(options: DeviceName & PageOptions = {}): Promise<LuxchatClient> {
  const { profile: name = 'default', worker, ...rest } = options;
  const profile = profileNamed(name);
  const release = await takeLock(profile.lock);
  let store: LocalStore | undefined;
  try {
    const key = await readKey(profile);
    if (!key) throw new ClientError('LOGIN_NEEDED', 'There is no device in this browser: log in first.');
    store = sealStore(await openIndexedDbStore(profile.local), key);
    const [self, cryptoKey] = [await readSelf(store), await store.get(cryptoKeyRow.table, cryptoKeyRow.key)];
    if (!self || !cryptoKey)
      throw new ClientError('STORE', 'This browser lost what the device kept: remove it and log in again.');
    makeDurable(profile.crypto);
    const cryptoStore = { name: profile.crypto, key: cryptoKey };
    const open = worker && ((engine: EngineOptions) => openInWorker(worker(), engine));
    return awake(clientOf(self, { store: closingAlso(store, release), cryptoStore, open }, rest));
  } catch (error) {
    await store?.close();
    await release();
    throw error;
  }
}

/** Removes what the device keeps in this browser; log out first, and load the page again afterwards. Rejects with IN_USE or STORE. Repeating is
 * harmless. */
export function removeDevice({ profile: name = 'default' }: DeviceName = {}): Promise<void> {
  const profile = profileNamed(name);
  return locked(profile, async () => {
    await removeKey(profile);
    await removeStores(profile);
  });
}

/** The engine in this worker. */
function openInWorker(worker: Worker, options: EngineOptions): Promise<CryptoEngine> {
  const port = {
    post: (message: unknown) => worker.postMessage(message),
    listen: (listener: (message: unknown) => void) => worker.addEventListener('message', ({ data }) => listener(data)),
  };
  const died = new Promise<never>((_, reject) => {
    worker.addEventListener('error', () => reject(new ClientError('STORE', 'The worker of the crypto engine ended.')));
  });
  return openEngineIn({ port, died, end: () => worker.terminate() }, options);
}

async function locked(profile: Profile, work: () => Promise<void>): Promise<void> {
  const release = await takeLock(profile.lock);
  await work().finally(release);
}

/** The browser says when the network is back, sooner than any clock. */
function awake(client: LuxchatClient): LuxchatClient {
  const nudge = () => client.nudge();
  globalThis.addEventListener('online', nudge);
  client.on('ended', () => globalThis.removeEventListener('online', nudge));
  return client;
}
