// Logging in, step-ups, refreshing and logging out over HTTP, in any runtime that has `fetch`. The verifier never leaves this device before the exchange,
// so a one-time code is worth nothing to anyone else. It keeps nothing: the caller stores the pair, the old one until the new one is durable.
import { sha256 } from '@noble/hashes/sha2.js';
import type { Grant } from '#proto/gen/client.ts';
import { toBase64Url } from '#proto/rules/bytes/base.ts';

/** What the server can refuse, as in its own list. */
export const loginRefusals = [
  /** The request is malformed: a bug here. */
  'BAD_REQUEST',
  /** The return address is neither loopback nor an origin that the provider knows. */
  'REDIRECT_REFUSED',
  /** The one-time code is unknown, used, older than two minutes, another device's, or at a step-up another person's: start again. */
  'LOGIN_INVALID',
  /** The token is unknown or ran out: log in again. */
  'TOKEN_INVALID',
  /** The refresh token was used before, so this device was logged out: log in again. */
  'TOKEN_REUSED',
  'NOT_FOUND',
  'METHOD_NOT_ALLOWED',
  /** The account has ten devices: log one out first. */
  'TOO_MANY_DEVICES',
  'BODY_TOO_LARGE',
  'UNSUPPORTED_MEDIA',
  /** Too many from this address, or too many step-ups of this account: wait `retryAfterMs`. */
  'RATE_LIMITED',
  /** Try again after `retryAfterMs`. */
  'UNAVAILABLE',
  /** LuxID does not answer: try again after `retryAfterMs`. */
  'LUXID_UNAVAILABLE',
] as const;

/** What the way through LuxID can end in, besides a one-time code. */
export const loginReturns = ['LOGIN_DENIED', 'LUXID_REFUSED', 'LUXID_UNAVAILABLE', 'UNAVAILABLE'] as const;

const endings: Readonly<Record<(typeof loginReturns)[number], string>> = {
  LOGIN_DENIED: 'LuxID ended the login: it was called off, or something was mistyped too often. Begin again.',
  LUXID_REFUSED: 'The server did not take what LuxID said: the login has to be one of just now. Begin again.',
  LUXID_UNAVAILABLE: 'LuxID does not answer just now. Try again later.',
  UNAVAILABLE: 'The server is out of order just now. Try again later.',
};

/** Why logging in, refreshing or logging out failed. */
export type LoginErrorCode =
  | (typeof loginRefusals)[number]
  | (typeof loginReturns)[number]
  /** The server can't be reached or did not answer in time. Refreshing may be repeated with the same token. */
  | 'OFFLINE'
  /** The server's answer breaks the protocol. */
  | 'PROTOCOL'
  /** The person did not finish in time, or the caller stopped waiting. */
  | 'ABORTED';

/** The one error of this file. */
export class LoginError extends Error {
  readonly code: LoginErrorCode;
  /** Wait at least so long before trying again; 0 = no hint. */
  readonly retryAfterMs: number;

  constructor(code: LoginErrorCode, message: string, more: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'LoginError';
    this.code = code;
    this.retryAfterMs = more.retryAfterMs ?? 0;
  }
}

/** A pair of tokens. */
export interface Tokens {
  readonly userId: string;
  readonly deviceId: string;
  readonly deviceNumber: number;
  readonly accessToken: string;
  /** Works once. */
  readonly refreshToken: string;
  /** Milliseconds since the epoch, by the server's clock. */
  readonly accessExpiresMs: number;
}

/** What a login ends in. */
export interface LoggedIn extends Tokens {
  /** The user's first device ever. */
  readonly firstLogin: boolean;
}

/** A login under way. Keep it until the person comes back. */
export interface StartedLogin {
  /** Where to send the person's browser. */
  readonly authorizeUrl: string;
  /** Secret of this device until `completeLogin`. */
  readonly verifier: string;
}

/** What a step-up may be for, as in the server's own list: the backup is created, fetched or dropped; the identity is replaced; the account is closed. */
export const stepUpPurposes = ['backup', 'identity', 'deactivate', 'erase'] as const;
/** One of these. */
export type StepUpPurpose = (typeof stepUpPurposes)[number];

/** What a step-up ends in: a grant, good for one request of this device, which may be repeated as it is. */
export interface StepUpGrant extends Grant {
  /** Another one, of purpose `backup`, for what takes two requests: with purposes `backup` and `identity`. */
  readonly second?: Grant;
  /** Milliseconds since the epoch, by the server's clock. */
  readonly expiresMs: number;
  /** What it is for; absent = not said. */
  readonly purpose?: StepUpPurpose;
}

/** The server to talk to. */
export interface LoginServer {
  /** Its address, such as `https://chat.example.lu`. */
  readonly server: string;
  /** Default: the runtime's own. */
  readonly fetch?: typeof fetch;
  /** How long one answer may take; default 20,000. */
  readonly timeoutMs?: number;
}

/** Begins a login, or for a `purpose` a step-up: LuxID asks the person anew then. `redirect` is where the person comes back to: it gets `?login=<one-time code>` or `?error=<code>`. */
export async function startLogin(
  at: LoginServer,
  options: {
    readonly redirect: string;
    readonly client: 'terminal' | 'web';
    readonly language?: string;
    readonly purpose?: StepUpPurpose;
  },
): Promise<StartedLogin> {
  const verifier = toBase64Url(crypto.getRandomValues(new Uint8Array(32)));
  const challenge = toBase64Url(sha256(new TextEncoder().encode(verifier)));
  const answer = await post(at, '/auth/start', { ...options, challenge });
  return { authorizeUrl: text(answer, 'authorizeUrl'), verifier };
}

/** Reads the address that the person came back to: the one-time code. Rejects with one of `loginReturns`, or PROTOCOL. */
export function readReturn(address: string): string {
  const { searchParams } = new URL(address, 'http://localhost');
  const login = searchParams.get('login');
  if (login !== null) return login;
  const error = loginReturns.find((code) => code === searchParams.get('error'));
  throw new LoginError(error ?? 'PROTOCOL', error ? endings[error] : 'The login came back without a code.');
}

/** Turns the one-time code into this device's tokens. The code works once, whatever the answer. */
export async function completeLogin(
  at: LoginServer,
  options: { readonly login: string; readonly verifier: string; readonly deviceName: string },
): Promise<LoggedIn> {
  const answer = await post(at, '/auth/token', { ...options });
  return { ...tokens(answer), firstLogin: answer.firstLogin === true };
}

/** A device for a bot: `secret` is what the provider's operator gave out for this name. No LuxID, no person. */
export async function logInBot(
  at: LoginServer,
  options: { readonly name: string; readonly secret: string; readonly deviceName: string },
): Promise<LoggedIn> {
  const answer = await post(at, '/auth/bot', { ...options });
  return { ...tokens(answer), firstLogin: answer.firstLogin === true };
}

/** Turns the one-time code of a step-up into a grant for the device of the access token. TOKEN_INVALID leaves the code as it was: refresh and try again. */
export async function completeStepUp(
  at: LoginServer,
  options: { readonly login: string; readonly verifier: string; readonly accessToken: string },
): Promise<StepUpGrant> {
  const answer = await post(at, '/auth/grant', { ...options });
  const second = answer.second === undefined ? {} : { second: single(answer, 'second') };
  return { ...single(answer, 'grant'), ...second, expiresMs: number(answer, 'expiresMs') };
}

function single(answer: Answer, name: string): Grant {
  return { token: text(answer, name), attempt: crypto.getRandomValues(new Uint8Array(16)) };
}

/** A new pair for the refresh token. Until the new pair was kept, the old refresh token may be shown again; after its first use, never. */
export async function refreshTokens(at: LoginServer, refreshToken: string): Promise<Tokens> {
  return tokens(await post(at, '/auth/refresh', { refreshToken }));
}

/** Ends this device's tokens. An access token that ran out is refused (TOKEN_INVALID): refresh first. */
export async function logout(at: LoginServer, accessToken: string): Promise<void> {
  await post(at, '/auth/logout', { accessToken });
}

type Answer = Readonly<Record<string, unknown>>;

async function post(at: LoginServer, path: string, body: object): Promise<Answer> {
  const { status, headers, answer } = await send(at, path, body);
  if (status === 200) return answer;
  const code = loginRefusals.find((each) => each === answer.code);
  if (code === undefined) {
    // A proxy or a server that is going down answers without our codes: for the caller that is the same as no answer.
    const away = status >= 500;
    throw new LoginError(away ? 'OFFLINE' : 'PROTOCOL', `The server answered ${status} without a known code.`);
  }
  const retryAfterMs = Number(headers.get('retry-after') ?? 0) * 1000;
  const message = typeof answer.message === 'string' ? answer.message : code;
  throw new LoginError(code, message, { retryAfterMs: Number.isFinite(retryAfterMs) ? retryAfterMs : 0 });
}

async function send(at: LoginServer, path: string, body: object) {
  const doFetch = at.fetch ?? fetch;
  const url = at.server.replace(/\/$/, '') + path;
  let response: Response;
  let said: string;
  try {
    response = await doFetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      credentials: 'omit',
      cache: 'no-store',
      signal: AbortSignal.timeout(at.timeoutMs ?? 20_000),
    });
    said = await response.text();
  } catch (cause) {
    throw new LoginError('OFFLINE', `The server ${at.server} can't be reached.`, { cause });
  }
  return { status: response.status, headers: response.headers, answer: objectIn(said) };
}

/** Empty where it is none: a proxy answers as it likes. */
function objectIn(text: string): Answer {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' && answer !== null && !Array.isArray(answer) ? (answer as Answer) : {};
  } catch {
    // No JSON.
    return {};
  }
}

function tokens(answer: Answer): Tokens {
  return {
    userId: text(answer, 'userId'),
    deviceId: text(answer, 'deviceId'),
    deviceNumber: number(answer, 'deviceNumber'),
    accessToken: text(answer, 'accessToken'),
    refreshToken: text(answer, 'refreshToken'),
    accessExpiresMs: number(answer, 'accessExpiresMs'),
  };
}

function text(answer: Answer, name: string): string {
  const value = answer[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new LoginError('PROTOCOL', `The server's answer lacks ${name}.`);
}

function number(answer: Answer, name: string): number {
  const value = answer[name];
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw new LoginError('PROTOCOL', `The server's answer lacks ${name}.`);
}
