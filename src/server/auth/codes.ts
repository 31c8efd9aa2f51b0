// The closed list of what login can refuse, with the HTTP status of each. Codes are API: sentences may change, codes never do, retired ones stay
// listed. README.md explains each one; a test keeps this list, the README and the SDK in step.

/** Code -> HTTP status and the sentence for developers. Apps show their own words. */
export const authCodes = {
  BAD_REQUEST: [400, 'The request is not what this address takes.'],
  REDIRECT_REFUSED: [400, 'Logins return to loopback addresses and known web origins only.'],
  LOGIN_INVALID: [400, 'This login is unknown, used, too old or was begun by someone else: start again.'],
  TOKEN_INVALID: [401, 'This token is unknown or has run out: refresh it or log in again.'],
  TOKEN_REUSED: [401, 'This refresh token was used before, so its device was logged out.'],
  NOT_FOUND: [404, 'There is nothing at this address.'],
  METHOD_NOT_ALLOWED: [405, 'This address takes another method.'],
  TOO_MANY_DEVICES: [409, 'This account has all the devices it may have: log one out first.'],
  BODY_TOO_LARGE: [413, 'The request is too large.'],
  UNSUPPORTED_MEDIA: [415, 'The body must be application/json.'],
  RATE_LIMITED: [429, 'Too many requests from this address: wait and try again.'],
  UNAVAILABLE: [503, 'Login is not available for the moment: try again.'],
  LUXID_UNAVAILABLE: [503, 'LuxID does not answer for the moment: try again.'],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;

/** A code of login. */
export type AuthCode = keyof typeof authCodes;

/** What `?error=` can say where the login returns to: the person ended it, LuxID's answer failed a check, or LuxID did not answer. */
export const returnCodes = ['LOGIN_DENIED', 'LUXID_REFUSED', 'LUXID_UNAVAILABLE', 'UNAVAILABLE'] as const;
/** One of these. */
export type ReturnCode = (typeof returnCodes)[number];

/** A refusal: expected, a value, never thrown. `retryAfterMs` 0 = waiting does not help. */
export interface Refusal {
  readonly refused: AuthCode;
  readonly retryAfterMs: number;
  /** Sentence for developers where that of the code says something else; default: that of the code. */
  readonly message?: string;
}

/** Makes a refusal. */
export function refuse(code: AuthCode, retryAfterMs = 0, message?: string): Refusal {
  return { refused: code, retryAfterMs, ...(message !== undefined && { message }) };
}

/** Is it a refusal? */
export function isRefusal(value: object): value is Refusal {
  return 'refused' in value;
}
