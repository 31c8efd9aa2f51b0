// Login as one part: seven HTTP addresses, the check of access tokens and of grants, and the end of a device's tokens. It keeps and logs a keyed hash of the
// person and nothing else of them. It opens no port and knows no actor: the composition root mounts `handle` and listens to `onRevoked`.
import { randomBytes } from 'node:crypto';
import { type Refusal, refuse } from './codes.ts';
import { type DeviceStanding, type Devices, devices, type Revoked, type VerifiedDevice } from './devices.ts';
import { type GrantUse, grants } from './grants.ts';
import { bot } from './http/bot.ts';
import { sourceBuckets } from './http/buckets.ts';
import { grant } from './http/grant.ts';
import { type AuthAnswer, type AuthRequest, endedPage, refusalAnswer } from './http/request.ts';
import { callback, type Desk, exchange, logout, refresh, start } from './http/routes.ts';
import { type AuthLimits, completeAuthLimits } from './limits.ts';
import type { AuthLog } from './log.ts';
import { relyingParty } from './openid/relying-party.ts';
import { type AccountStore, AccountStoreError } from './ports.ts';
import { sealedNames } from './sealed-names.ts';
import type { RandomBytes } from './tokens.ts';

/** What login is made of. */
export interface AuthOptions {
  /** LuxID's address; https, or http on a loopback address. */
  readonly issuer: string;
  readonly clientId: string;
  /** Without: a public client. */
  readonly clientSecret?: string;
  /** What LuxID calls a login with a code by SMS (`acr`), several separated by spaces: a step-up asks for it and checks it. Default: empty, neither. */
  readonly stepUpAcr?: string;
  /** Domain of the provider: the part after the colon of every id. */
  readonly providerName: string;
  /** Address that devices use, without a slash at the end. `<publicUrl>/auth/callback` must be registered with LuxID. */
  readonly publicUrl: string;
  /** Origins that web logins may return to besides that of `publicUrl`. */
  readonly webOrigins?: readonly string[];
  /** 32 bytes or more, kept for ever: with another one nobody's login is recognised. */
  readonly secret: Uint8Array;
  readonly store: AccountStore;
  /** Names of the accounts that are bots (`isBotName`). Default: none. */
  readonly bots?: readonly string[];
  /** Milliseconds since the epoch. Default: the system's clock. */
  readonly now?: () => number;
  /** Default: the system's. */
  readonly random?: RandomBytes;
  readonly log: AuthLog;
  readonly limits?: Partial<AuthLimits>;
}

/** Login. */
export interface Auth {
  /** Answers every request below `/auth/`. Rejects only for bugs. */
  handle(request: AuthRequest): Promise<AuthAnswer>;
  /** Whose access token this is; null = nobody's or run out. Rejects with AccountStoreError where the store fails. */
  verifyAccess(token: string): Promise<VerifiedDevice | null>;
  /** Does this grant of a step-up count for this device, purpose and attempt? The first attempt binds it, and the same one is told so again until the grant
   * runs out. Rejects with AccountStoreError where the store fails. */
  useGrant(use: GrantUse): Promise<boolean>;
  /** Hears of every device whose tokens ended in this process, after it is durable, seldom twice. Gives back a function that stops it. */
  onRevoked(listener: (revoked: Revoked) => void): () => void;
  /** How a device stands, by what is durable. Rejects with AccountStoreError where the store fails. */
  standing(userId: string, deviceNumber: number): Promise<DeviceStanding>;
  /** Ends a device's tokens; false where it had none. Safe to repeat. */
  revokeDevice(userId: string, deviceNumber: number): Promise<boolean>;
  /** Ends all devices of a user, who may log in again. Safe to repeat. */
  endDevices(userId: string): Promise<void>;
  /** Ends all devices of a user and lets go of the person: who returns is new, and the id is never given out again. Safe to repeat. */
  eraseAccount(userId: string): Promise<void>;
  /** Removes all logins and grants and ends all devices that have run out, `rowsMax` rows at a time; call it now and then. Resolves to how many. */
  sweep(rowsMax: number): Promise<number>;
}

/** Makes login. Throws a RangeError for options that can't be used. */
export function createAuth(options: AuthOptions): Auth {
  const { store, log, now = Date.now, random = (length: number) => randomBytes(length) } = options;
  if (options.secret.length < 32) throw new RangeError('the secret of login must have 32 bytes or more');
  const limits = completeAuthLimits(options.limits);
  const listeners = new Set<(revoked: Revoked) => void>();
  const onRevoked = (revoked: Revoked) => {
    log.info(`auth.device-revoked.${revoked.reason}`);
    for (const listener of listeners) listener(revoked);
  };
  const publicUrl = options.publicUrl.replace(/\/$/, '');
  const luxid = relyingParty({
    ...options,
    callbackUrl: `${publicUrl}/auth/callback`,
    timeoutMs: limits.luxidTimeoutMs,
    discoveryMs: limits.discoveryMs,
    now,
    freshness: { maxMs: limits.freshLoginMs, acr: options.stepUpAcr ?? '' },
    onTrouble: (event, error) => log.error(event, error),
    onNotFresh: (fault) => log.warn(`auth.step-up-refused.${fault}`),
  });
  const names = sealedNames(options.secret, random);
  const all: Devices = devices({ store, limits, now, random, names, onRevoked });
  const given = grants({ store, limits, now, random, onRefused: (fault) => log.warn(`auth.grant-refused.${fault}`) });
  const desk: Desk = {
    ...{ luxid, devices: all, grants: given, store, limits, now, random, log },
    provider: options.providerName,
    door: { bots: new Set(options.bots), secret: options.secret },
    webOrigins: new Set([new URL(publicUrl).origin, ...(options.webOrigins ?? [])]),
  };
  return {
    handle: router(desk),
    verifyAccess: (token) => all.verify(token),
    useGrant: (use) => given.use(use),
    onRevoked(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    standing: (userId, deviceNumber) => all.standing(userId, deviceNumber),
    revokeDevice: (userId, deviceNumber) => all.remove(userId, deviceNumber, 'removed'),
    endDevices: (userId) => all.removeAll(userId),
    eraseAccount: (userId) => all.erase(userId),
    async sweep(rowsMax) {
      for (let total = 0; ; ) {
        const { removed, ended } = await store.sweep(now(), rowsMax);
        for (const each of ended) await all.endIdle(each);
        total += removed + ended.length;
        if (removed + ended.length < rowsMax) return total;
      }
    },
  };
}

/** One address: its method, how often a source may call it in a minute, and what answers. */
interface Route {
  readonly method: 'GET' | 'POST';
  readonly perMinute: number;
  readonly answer: (desk: Desk, request: AuthRequest) => Promise<AuthAnswer | Refusal>;
}

function router(desk: Desk): Auth['handle'] {
  const { limits, now } = desk;
  const routes: Readonly<Record<string, Route>> = {
    '/auth/start': { method: 'POST', perMinute: limits.startsPerMinute, answer: start },
    '/auth/callback': { method: 'GET', perMinute: limits.callbacksPerMinute, answer: callback },
    '/auth/token': { method: 'POST', perMinute: limits.exchangesPerMinute, answer: exchange },
    '/auth/refresh': { method: 'POST', perMinute: limits.refreshesPerMinute, answer: refresh },
    '/auth/grant': { method: 'POST', perMinute: limits.grantsPerMinute, answer: grant },
    '/auth/bot': { method: 'POST', perMinute: limits.botLoginsPerMinute, answer: bot },
    '/auth/logout': { method: 'POST', perMinute: limits.logoutsPerMinute, answer: logout },
  };
  const mounted = new Map(
    Object.entries(routes).map(([path, route]) => {
      const { perMinute } = route;
      return [path, { ...route, buckets: sourceBuckets({ perMinute, sourcesMax: limits.sourcesMax, now }) }];
    }),
  );
  return async (request) => {
    const route = mounted.get(request.path);
    if (!route) return refusalAnswer(refuse('NOT_FOUND'));
    if (request.method !== route.method) return refusalAnswer(refuse('METHOD_NOT_ALLOWED'));
    const waitMs = route.buckets.take(request.source);
    if (waitMs > 0) {
      if (route.method === 'GET') return endedPage(429, request.headers['accept-language']);
      return refusalAnswer(refuse('RATE_LIMITED', waitMs));
    }
    const answer = await route.answer(desk, request).catch((error: unknown) => {
      if (!(error instanceof AccountStoreError)) throw error;
      desk.log.error('auth.store', error);
      return refuse('UNAVAILABLE', 1000);
    });
    return 'refused' in answer ? refusalAnswer(answer) : answer;
  };
}
