// Every limit of login in one table: unit in the name, default here, outcome in the comment. Those per source protect identity and fail closed:
// when the table of sources is full, a new source is refused rather than an old one forgotten.
import { limits as shared } from '#proto/rules/limits.ts';

/** The limits of login. All are positive whole numbers. */
export interface AuthLimits {
  /** Logins begun a minute from one source. More: RATE_LIMITED. */
  readonly startsPerMinute: number;
  /** Returns from LuxID a minute from one source. More: 429. */
  readonly callbacksPerMinute: number;
  /** Logins exchanged for tokens a minute from one source. More: RATE_LIMITED. */
  readonly exchangesPerMinute: number;
  /** Refreshes a minute from one source; a company's devices may share one. More: RATE_LIMITED. */
  readonly refreshesPerMinute: number;
  /** Step-ups exchanged for grants a minute from one source. More: RATE_LIMITED. */
  readonly grantsPerMinute: number;
  /** Grants an hour for one account, over all nodes. More: RATE_LIMITED. */
  readonly grantsPerHour: number;
  /** Grants shown a minute by one device to one node. More: none counts. */
  readonly grantUsesPerMinute: number;
  /** Logins of bots a minute from one source, refused ones included. More: RATE_LIMITED. */
  readonly botLoginsPerMinute: number;
  /** Log-outs a minute from one source. More: RATE_LIMITED. */
  readonly logoutsPerMinute: number;
  /** Sources remembered for each of these. More: RATE_LIMITED for new ones. */
  readonly sourcesMax: number;
  /** Bytes of a request's body. More: BODY_TOO_LARGE. */
  readonly bodyBytesMax: number;
  /** Characters of the address a login returns to. More: REDIRECT_REFUSED. */
  readonly redirectCharactersMax: number;
  /** Characters of a device's name, 1 to this. Else: BAD_REQUEST. */
  readonly deviceNameCharactersMax: number;
  /** Live devices of one user. More: TOO_MANY_DEVICES. */
  readonly devicesMax: number;
  /** From start to return. Later: the login has ended. */
  readonly attemptMs: number;
  /** From return to exchange. Later: LOGIN_INVALID. */
  readonly loginMs: number;
  /** Life of an access token. Later: TOKEN_INVALID. */
  readonly accessMs: number;
  /** How long a refresh token may lie unused. Later: TOKEN_INVALID, and the device is logged out. */
  readonly refreshIdleMs: number;
  /** How long LuxID's own word of a fresh login (`auth_time`) may lie back, or ahead. Further: the step-up is refused. */
  readonly freshLoginMs: number;
  /** Life of a grant. Later: it counts no more. */
  readonly grantMs: number;
  /** How long LuxID may take to answer. Later: LUXID_UNAVAILABLE. */
  readonly luxidTimeoutMs: number;
  /** Age at which LuxID's description is fetched anew; the old one serves while that fails. */
  readonly discoveryMs: number;
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** The defaults. */
export const defaultAuthLimits: AuthLimits = {
  startsPerMinute: 10,
  callbacksPerMinute: 20,
  exchangesPerMinute: 20,
  refreshesPerMinute: 300,
  grantsPerMinute: 20,
  grantsPerHour: 10,
  grantUsesPerMinute: 20,
  botLoginsPerMinute: 10,
  logoutsPerMinute: 60,
  sourcesMax: 100_000,
  bodyBytesMax: 8192,
  redirectCharactersMax: 512,
  deviceNameCharactersMax: shared.deviceNameCharactersMax,
  devicesMax: shared.devicesMax,
  attemptMs: 10 * minuteMs,
  loginMs: 2 * minuteMs,
  accessMs: 15 * minuteMs,
  refreshIdleMs: shared.deviceIdleDays * dayMs,
  freshLoginMs: 5 * minuteMs,
  grantMs: 10 * minuteMs,
  luxidTimeoutMs: 10_000,
  discoveryMs: 60 * minuteMs,
};

/** Limits with defaults filled in. Throws a RangeError naming the limit that is no positive whole number. */
export function completeAuthLimits(given: Partial<AuthLimits> = {}): AuthLimits {
  const limits = { ...defaultAuthLimits, ...given };
  for (const [name, value] of Object.entries(limits))
    if (!Number.isSafeInteger(value) || value < 1)
      throw new RangeError(`auth limit ${name} must be a positive whole number, not ${value}`);
  return limits;
}
