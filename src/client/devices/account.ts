// Who this device is and its tokens, as they lie in its local store; and the client made of them. Shared by the ways to open a device, in a folder
// and in a browser. A pair of tokens is kept before it is used: a crash in between leaves the old refresh token, which may be shown again then.

import { LocalSelf } from '#proto/gen/local.ts';
import type { Primitives } from '#proto/rules/primitives.ts';
import { closedError } from '../account/closed.ts';
import type { PasswordCost } from '../backup/header.ts';
import { LoginError, refreshTokens, type Tokens } from '../connection/login.ts';
import type { CryptoEngine, Rotation } from '../crypto/engine.ts';
import { type EngineOptions, openEngine } from '../crypto/olm-engine.ts';
import { ClientError, loggedOutSentence } from '../errors.ts';
import { Lock } from '../lock.ts';
import { LuxchatClient } from '../luxchat-client.ts';
import { portablePrimitives } from '../primitives.ts';
import type { LocalStore } from '../store/store.ts';
import { storeLedger } from '../store/store-ledger.ts';
import { tableInMemory } from '../store/table-in-memory.ts';

// Refresh this long before the access token ends, in milliseconds.
const refreshEarlyMs = 60_000;

/** How to run a device. */
export interface DeviceOptions {
  /** Program and version, told to the server, at most 64 characters; default `luxchat`. */
  readonly client?: string;
  /** Language of the person, such as `fr`: told to the bots that they start, encrypted, and to nobody else. Default: not said. */
  readonly language?: string;
  /** Longest pause between two tries to connect, in milliseconds; default 30,000. */
  readonly backoffMaxMs?: number;
  /** How long a request may wait, in milliseconds; default 20,000. */
  readonly requestTimeoutMs?: number;
  /** What Argon2id costs for new backup passwords; default 64 MiB and 3 passes. Tests take the least that readers allow. */
  readonly passwordCost?: PasswordCost;
  /** When a sending session ends; default: after 10,000 messages or 30 days. Tests end them sooner. */
  readonly rotation?: Rotation;
  /** See ClientOptions; tests wait less. */
  readonly checkpointAfterMs?: number;
}

/** Keeps a fresh login in an empty store. */
export function keepLogin(store: LocalStore, serverUrl: string, login: Tokens): Promise<void> {
  const self = { ...LocalSelf.decode(new Uint8Array()), serverUrl, user: login.userId, device: login.deviceNumber };
  return writeSelf(store, { ...self, deviceId: login.deviceId, ...tokensOf(login) });
}

/** The device reaches its provider at another address from now on; undefined or the same = no change. Durable when it resolves. */
export async function moveTo(store: LocalStore, self: LocalSelf, server: string | undefined): Promise<LocalSelf> {
  if (server === undefined || server === self.serverUrl) return self;
  const moved = { ...self, serverUrl: server };
  await writeSelf(store, moved);
  return moved;
}

/** Who lives in this store; undefined where no login was kept. */
export async function readSelf(store: LocalStore): Promise<LocalSelf | undefined> {
  const row = await store.get('account', 'self');
  return row && LocalSelf.decode(row);
}

/** Where a device lives. */
export interface DevicePlace {
  readonly store: LocalStore;
  /** Where the crypto library keeps its state. */
  readonly cryptoStore: NonNullable<EngineOptions['store']>;
  /** Quicker ones than in plain JavaScript, where the runtime has them. */
  readonly primitives?: Primitives;
  /** Default: `openEngine`, in this thread. */
  readonly open?: ((options: EngineOptions) => Promise<CryptoEngine>) | undefined;
}

/** The client of a device. Closing it closes `store`. */
export function clientOf(self: LocalSelf, at: DevicePlace, options: DeviceOptions): LuxchatClient {
  const { user, device, deviceId, serverUrl } = self;
  const { cryptoStore, primitives = portablePrimitives, open = openEngine } = at;
  const store = tableInMemory(at.store, 'undecrypted');
  const { client = 'luxchat', passwordCost, rotation, checkpointAfterMs, language, ...connection } = options;
  return new LuxchatClient({
    user,
    device,
    deviceId,
    store,
    primitives,
    openEngine: (server) => open({ user, device: deviceId, server, ledger: storeLedger(store), store: cryptoStore }),
    connection: {
      ...connection,
      url: `${serverUrl.replace(/^http/, 'ws').replace(/\/$/, '')}/ws`,
      client,
      accessToken: accessTokens(store),
    },
    login: { server: serverUrl },
    passwordCost,
    rotation,
    checkpointAfterMs,
    ...(language === undefined ? {} : { language }),
  });
}

/** Access tokens of a device as `freshToken` gives them, to one who asks after the other: two refreshes at once would each get a pair, of which one is
 * worth nothing and may be the one that is kept. */
export function accessTokens(store: LocalStore): (expired: boolean) => Promise<string> {
  const asking = new Lock();
  return (expired) => asking.run(() => freshToken(store, expired));
}

/** An access token that holds for a minute at least, refreshed where `expired` or needed. Rejects with LOGIN_NEEDED where there is none any more, with
 * OFFLINE (and how long to wait) where the server can't say now, with STORE. */
export async function freshToken(store: LocalStore, expired: boolean): Promise<string> {
  const self = await readSelf(store);
  if (!self || self.refreshToken === '') throw new ClientError('LOGIN_NEEDED', 'This device is not logged in.');
  const closed = await closedError(store);
  if (closed) throw closed;
  if (!expired && self.accessExpiresMs - refreshEarlyMs > Date.now()) return self.accessToken;
  const fresh = await refreshTokens({ server: self.serverUrl }, self.refreshToken).catch(explain);
  await writeSelf(store, { ...self, ...tokensOf(fresh) });
  return fresh.accessToken;
}

function tokensOf({ accessToken, refreshToken, accessExpiresMs }: Tokens) {
  return { accessToken, refreshToken, accessExpiresMs };
}

function explain(cause: unknown): never {
  if (!(cause instanceof LoginError)) throw cause;
  const { code, message, retryAfterMs } = cause;
  // The server's own words tell a program what to do, and a person nothing.
  if (code === 'TOKEN_INVALID') throw new ClientError('LOGIN_NEEDED', loggedOutSentence, { cause });
  if (code === 'TOKEN_REUSED') throw new ClientError('LOGIN_NEEDED', copiedSentence, { cause });
  throw new ClientError('OFFLINE', message, { cause, retryAfterMs });
}

const copiedSentence =
  'This device was logged out: its login was used twice, as by a copy of it. If you made none, somebody else may have.';

async function writeSelf(store: LocalStore, self: LocalSelf): Promise<void> {
  await store.write([{ table: 'account', key: 'self', value: LocalSelf.encode(self).finish() }]);
}
