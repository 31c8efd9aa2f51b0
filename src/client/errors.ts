// The SDK's own errors: one class, a closed list of codes. A server's refusal keeps its code; everything else has a code of ours.
// The text may change, codes never do.
import { Disconnect, Rejection } from '#proto/gen/codes.ts';

/** Why a call of the SDK failed: the closed list. README says what an app does next. */
export const clientErrorCodes = [
  /** No connection, and the call can't wait for one. Nothing was changed; call again when `connected` is heard. */
  'OFFLINE',
  /** The server did not answer in time. It may have done it: idempotent calls may be repeated. */
  'TIMEOUT',
  /** The server refused; `rejection` says why. */
  'REJECTED',
  /** The session was lost; `disconnect` says why where the server did. Said by `ended` it was lost for good, otherwise the next one comes by itself. */
  'DISCONNECTED',
  /** The client was closed. */
  'CLOSED',
  /** Not logged in, logged out from elsewhere, or the login ran out (twelve months unused): log in again, unless `closed` says that there is nothing to log in to.
   * Local history stays readable, and nothing more is written down to be sent. */
  'LOGIN_NEEDED',
  /** The server answered something that breaks the protocol. */
  'PROTOCOL',
  /** What the server says contradicts what devices signed: sending is frozen, see the alarm. */
  'UNTRUSTED',
  /** The server shows another identity of a person than the link or QR code that one has from them: nothing was started. Ask them for it again, by another
   * way; if it is the same, the server lies. */
  'IDENTITY_DIFFERS',
  /** This device is not confirmed by another one yet. */
  'NOT_CONFIRMED',
  /** It takes a step-up, a fresh login with LuxID: none was begun here, it came to nothing (`cause` says why), or its grant was used or ran out. */
  'STEP_UP_NEEDED',
  /** No such room, member, message or device here. */
  'UNKNOWN',
  /** The argument is out of its bounds. */
  'BAD_ARGUMENT',
  /** Not the password of this backup, or not the passphrase of this key file. */
  'WRONG_PASSWORD',
  /** A password of one's own that could be guessed. */
  'WEAK_PASSWORD',
  /** Another tab or program has this device open: one at a time, or steps of its sessions would be used twice. Nothing was changed. */
  'IN_USE',
  /** The local store is damaged, can't be written, or was opened with the wrong key. */
  'STORE',
] as const;

/** One of them. */
export type ClientErrorCode = (typeof clientErrorCodes)[number];

/** How an account was closed. */
export type Closed = 'deactivated' | 'erased';

/** An error of the SDK. */
export class ClientError extends Error {
  readonly code: ClientErrorCode;
  readonly rejection: Rejection | undefined;
  readonly disconnect: Disconnect | undefined;
  /** Wait at least so long before trying again, in milliseconds; 0 = no hint. */
  readonly retryAfterMs: number;
  /** With LOGIN_NEEDED: the account was closed on this very device. Erased, there is nothing to log in to. */
  readonly closed: Closed | undefined;

  constructor(
    code: ClientErrorCode,
    message: string,
    more: {
      rejection?: Rejection;
      disconnect?: Disconnect;
      retryAfterMs?: number;
      closed?: Closed;
      cause?: unknown;
    } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'ClientError';
    this.code = code;
    this.rejection = more.rejection;
    this.disconnect = more.disconnect;
    this.retryAfterMs = more.retryAfterMs ?? 0;
    this.closed = more.closed;
  }
}

/** What a person is told whose device the server knows no more. It does not say which of these it was. */
export const loggedOutSentence =
  'This device was logged out: from another device of yours, after twelve months unused, or with its account.';

/** The name of a rejection without its prefix, such as `STALE_STATE`. */
export function rejectionName(code: Rejection): string {
  const entry = Object.entries(Rejection).find(([, value]) => value === code);
  return entry ? entry[0].replace('REJECTION_', '') : `UNKNOWN_${code}`;
}

/** The name of a disconnect without its prefix, such as `SLOW_READER`. */
export function disconnectName(code: Disconnect): string {
  const entry = Object.entries(Disconnect).find(([, value]) => value === code);
  return entry ? entry[0].replace('DISCONNECT_', '') : `UNKNOWN_${code}`;
}

/** What the SDK does about a rejection: the same again later; fetch what is missing and make it anew; or tell the caller. */
export type Handling = 'retry' | 'refetch' | 'tell';

/** Every rejection has its handling: a new code does not compile before it is here. */
export const rejectionHandling: Readonly<Record<Rejection, Handling>> = {
  [Rejection.REJECTION_UNSPECIFIED]: 'tell',
  [Rejection.REJECTION_BUSY]: 'retry',
  [Rejection.REJECTION_UNAVAILABLE]: 'retry',
  [Rejection.REJECTION_RATE_LIMITED]: 'retry',
  [Rejection.REJECTION_LANE_FULL]: 'retry',
  [Rejection.REJECTION_STALE_STATE]: 'refetch',
  [Rejection.REJECTION_TOO_OLD]: 'refetch',
  [Rejection.REJECTION_ID_REUSED]: 'refetch',
  [Rejection.REJECTION_ROOM_EXISTS]: 'refetch',
  [Rejection.REJECTION_STALE_MANIFEST]: 'refetch',
  [Rejection.REJECTION_BAD_REQUEST]: 'tell',
  [Rejection.REJECTION_BAD_EVENT]: 'tell',
  [Rejection.REJECTION_BAD_SIGNATURE]: 'tell',
  [Rejection.REJECTION_TOO_LARGE]: 'tell',
  [Rejection.REJECTION_NOT_MEMBER]: 'tell',
  [Rejection.REJECTION_FORBIDDEN]: 'tell',
  [Rejection.REJECTION_NOT_FOUND]: 'tell',
  [Rejection.REJECTION_LIMIT_REACHED]: 'tell',
  [Rejection.REJECTION_NOT_LOGGED_IN]: 'tell',
  [Rejection.REJECTION_UNSUPPORTED]: 'tell',
  [Rejection.REJECTION_BELOW_FLOOR]: 'tell',
  [Rejection.REJECTION_INVALID_CONTROL]: 'tell',
  [Rejection.REJECTION_SUSPENDED]: 'tell',
};

/** What the SDK does about a disconnect: connect again and resume; refresh the token first; or stay away and tell. */
export type Return = 'resume' | 'refresh' | 'stay away';

/** Every disconnect has its return. */
export const disconnectReturn: Readonly<Record<Disconnect, Return>> = {
  [Disconnect.DISCONNECT_UNSPECIFIED]: 'resume',
  [Disconnect.DISCONNECT_GOING_AWAY]: 'resume',
  [Disconnect.DISCONNECT_SLOW_READER]: 'resume',
  [Disconnect.DISCONNECT_HEARTBEAT_MISSED]: 'resume',
  [Disconnect.DISCONNECT_BUSY]: 'resume',
  [Disconnect.DISCONNECT_INTERNAL]: 'resume',
  [Disconnect.DISCONNECT_HELLO_TIMEOUT]: 'resume',
  [Disconnect.DISCONNECT_TOKEN_EXPIRED]: 'refresh',
  [Disconnect.DISCONNECT_REPLACED]: 'stay away',
  [Disconnect.DISCONNECT_MALFORMED_FRAME]: 'stay away',
  [Disconnect.DISCONNECT_FRAME_TOO_LARGE]: 'stay away',
  [Disconnect.DISCONNECT_TEXT_NOT_ALLOWED]: 'stay away',
  [Disconnect.DISCONNECT_OUT_OF_STATE]: 'stay away',
  [Disconnect.DISCONNECT_UNSUPPORTED_VERSION]: 'stay away',
  [Disconnect.DISCONNECT_LOGGED_OUT]: 'stay away',
  [Disconnect.DISCONNECT_FLOODING]: 'stay away',
};

/** May the same be tried again as it is? By number, so that codes of a later version count, too. */
export function isRetryable(code: Rejection): boolean {
  return code >= 1 && code <= 19;
}

/** Does a session that was closed with this code begin again? By number, so that codes of a later version count, too. */
export function mayReturn(closeCode: number): boolean {
  return closeCode < 4500 || closeCode > 4999;
}

/** True for an error that says: the server refused with exactly this code. */
export function isRejection(error: unknown, code: Rejection): boolean {
  return error instanceof ClientError && error.rejection === code;
}

/** For `catch`, where somebody goes on without what failed: gives back a failure that has a code. Whatever has none is a bug and is thrown on, to where `fault` is
 * counted. */
export function unlessBug(error: unknown): ClientError {
  if (error instanceof ClientError) return error;
  throw error;
}

/** For `catch`, where what failed is done again by itself: counts it as `later.<code>`. Throws on what waiting does not mend: a bug, and a local store that can't be
 * used. */
export function countLater(count: (name: string) => void, error: unknown): void {
  const { code } = unlessBug(error);
  if (code === 'STORE') throw error;
  count(`later.${code}`);
}

/** The answer is not known: what was asked for may have been done. */
export function wasLost(error: unknown): boolean {
  if (!(error instanceof ClientError)) return false;
  const { code } = error;
  return code === 'DISCONNECTED' || code === 'TIMEOUT' || isRejection(error, Rejection.REJECTION_UNAVAILABLE);
}
