// The addresses of login, each one function from request to answer; those of grants and of bots stand in grant.ts and bot.ts. README.md of the folder above is their manual.
import type { BotDoor } from '../bots.ts';
import { isRefusal, type Refusal, type ReturnCode, refuse } from '../codes.ts';
import type { Devices } from '../devices.ts';
import type { Grants } from '../grants.ts';
import type { AuthLimits } from '../limits.ts';
import type { AuthLog } from '../log.ts';
import { idRandomBytes, makeLuxchatId } from '../luxchat-id.ts';
import type { RelyingParty } from '../openid/relying-party.ts';
import { type AccountStore, AccountStoreError, type PendingLogin } from '../ports.ts';
import { purposes } from '../purposes.ts';
import { hashOf, newOneTimeValue, type RandomBytes } from '../tokens.ts';
import { isTerminalRedirect, isWebRedirect } from './redirects.ts';
import { type AuthAnswer, type AuthRequest, endedPage, json, redirectTo } from './request.ts';
import { readFields } from './shape.ts';

/** What the addresses work with. */
export interface Desk {
  readonly luxid: RelyingParty;
  readonly devices: Devices;
  readonly grants: Grants;
  readonly store: AccountStore;
  readonly limits: AuthLimits;
  readonly provider: string;
  readonly webOrigins: ReadonlySet<string>;
  readonly door: BotDoor;
  readonly now: () => number;
  readonly random: RandomBytes;
  readonly log: AuthLog;
}

/** What an address resolves to. */
export type Answered = Promise<AuthAnswer | Refusal>;

/** Ids drawn for one account. More in a row taken already: the random source repeats itself. */
const idAttemptsMax = 10;
/** Shapes of what clients send back. */
export const oneTimeValue: RegExp = /^[A-Za-z0-9_-]{43}$/;
export const verifierShape: RegExp = /^[A-Za-z0-9._~-]{43,128}$/;
export const anyToken: RegExp = /^[A-Za-z0-9_-]{1,128}$/;
/** What a device may be called: no control characters, so that no name steers the terminal that shows it. */
export function deviceNameShape({ deviceNameCharactersMax }: AuthLimits): RegExp {
  return new RegExp(`^[^\\p{Cc}\\p{Cs}]{1,${deviceNameCharactersMax}}$`, 'u');
}

const purposeShape = new RegExp(`^(${purposes.join('|')})$`);

/** POST /auth/start: begins a login, or for a purpose a step-up, and says where to send the person. */
export async function start({ luxid, store, limits, webOrigins, now, random }: Desk, request: AuthRequest): Answered {
  const fields = readFields(
    request,
    {
      redirect: { shape: /^[\x21-\x7e]+$/ },
      challenge: { shape: oneTimeValue },
      client: { shape: /^(terminal|web)$/ },
      language: { shape: /^[a-z]{2}(-[A-Z]{2})?$/, optional: true },
      purpose: { shape: purposeShape, optional: true },
    },
    limits.bodyBytesMax,
  );
  if (isRefusal(fields)) return fields;
  const { redirect, challenge, client, language } = fields;
  const allowed = client === 'terminal' ? isTerminalRedirect(redirect) : isWebRedirect(redirect, webOrigins);
  if (!allowed || redirect.length > limits.redirectCharactersMax) return refuse('REDIRECT_REFUSED');
  const state = newOneTimeValue(random);
  const purpose = purposes.find((each) => each === fields.purpose);
  const authorizeUrl = await luxid.authorizeUrl(state, { language, fresh: purpose !== undefined });
  if (authorizeUrl === null) return refuse('LUXID_UNAVAILABLE', 5000);
  await store.putAttempt(hashOf(state), {
    redirect,
    challenge,
    expiresMs: now() + limits.attemptMs,
    ...(purpose === undefined ? {} : { purpose }),
  });
  return json(200, { authorizeUrl });
}

/** GET /auth/callback: LuxID sends the person back; they are sent on to the client with a one-time code or an error. */
export async function callback({ luxid, store, limits, now, random }: Desk, request: AuthRequest): Answered {
  const state = request.query.get('state') ?? '';
  const attempt = oneTimeValue.test(state) ? await store.takeAttempt(hashOf(state)) : null;
  if (attempt === null || attempt.expiresMs <= now()) return endedPage(400, request.headers['accept-language']);
  const back = (name: 'login' | 'error', value: string) => redirectTo(`${attempt.redirect}?${name}=${value}`);
  const { challenge, purpose } = attempt;
  const proof = await luxid.prove(state, request.query, { fresh: purpose !== undefined });
  if ('failed' in proof) return back('error', proof.failed);
  const login = newOneTimeValue(random);
  try {
    await store.putLogin(hashOf(login), {
      subjectHash: proof.subjectHash,
      challenge,
      expiresMs: now() + limits.loginMs,
      ...(purpose === undefined ? {} : { purpose }),
    });
  } catch (error) {
    if (!(error instanceof AccountStoreError)) throw error;
    return back('error', 'UNAVAILABLE' satisfies ReturnCode);
  }
  return back('login', login);
}

/** POST /auth/token: turns a one-time code into a device with tokens. The code is gone whatever the answer is. */
export async function exchange(desk: Desk, request: AuthRequest): Answered {
  const { limits, log } = desk;
  const shape = {
    login: { shape: oneTimeValue },
    verifier: { shape: verifierShape },
    deviceName: { shape: deviceNameShape(limits) },
  };
  const fields = readFields(request, shape, limits.bodyBytesMax);
  if (isRefusal(fields)) return fields;
  const login = await spendLogin(desk, fields);
  // What a person did to prove that they are there makes no device: whoever shows a page "confirm your backup" must not come away with one.
  if (login === null || login.purpose !== undefined) {
    log.warn(login === null ? 'auth.login-invalid' : 'auth.login-of-step-up');
    return refuse('LOGIN_INVALID');
  }
  const { subjectHash } = login;
  const { deviceName } = fields;
  const device = await desk.devices.add({ subjectHash, userId: await accountOf(desk, subjectHash), deviceName });
  if (isRefusal(device)) return device;
  const firstLogin = device.deviceNumber === 1;
  log.info(firstLogin ? 'auth.first-login' : 'auth.login');
  return json(200, { ...device, firstLogin });
}

/** POST /auth/refresh: a new pair for a refresh token. */
export async function refresh({ devices, limits, log }: Desk, request: AuthRequest): Answered {
  const fields = readFields(request, { refreshToken: { shape: anyToken } }, limits.bodyBytesMax);
  if (isRefusal(fields)) return fields;
  const pair = await devices.refresh(fields.refreshToken);
  if (!isRefusal(pair)) return json(200, { ...pair });
  if (pair.refused === 'TOKEN_REUSED') log.warn('auth.token-reused');
  return pair;
}

/** POST /auth/logout: ends the tokens of the device that asks. */
export async function logout({ devices, limits }: Desk, request: AuthRequest): Answered {
  const fields = readFields(request, { accessToken: { shape: anyToken } }, limits.bodyBytesMax);
  if (isRefusal(fields)) return fields;
  const identity = await devices.verify(fields.accessToken);
  if (identity === null) return refuse('TOKEN_INVALID');
  await devices.remove(identity.userId, identity.deviceNumber, 'loggedOut');
  return json(200, {});
}

/** Takes a login out by its one-time code; null = it is unknown, over, or was begun by someone else. */
export async function spendLogin(
  { store, now }: Desk,
  shown: { readonly login: string; readonly verifier: string },
): Promise<PendingLogin | null> {
  const login = await store.takeLogin(hashOf(shown.login));
  // Comparing hashes of secrets says nothing useful in time, whichever place they differ at.
  const good = login !== null && login.expiresMs > now() && hashOf(shown.verifier) === login.challenge;
  return good ? login : null;
}

/** The user of a subject, made at the first login. Two logins at once agree on one user; the other's id is reserved and never used. */
async function accountOf({ store, random, provider }: Desk, subjectHash: string): Promise<string> {
  const known = await store.userOf(subjectHash);
  if (known !== null) return known;
  for (let attempt = 0; attempt < idAttemptsMax; attempt++) {
    const userId = makeLuxchatId(random(idRandomBytes), provider);
    if (await store.reserveUserId(userId)) return store.claimSubject(subjectHash, userId);
  }
  throw new Error('ten random ids in a row are taken: the random source repeats itself');
}
