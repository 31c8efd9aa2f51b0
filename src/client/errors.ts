// The SDK's own errors: one class, a closed list of codes. A server's refusal keeps its code; everything else has a code of ours.
// The text may change, codes never do.
import { Disconnect, Rejection } from '#proto/gen/codes.ts';

/** Why a call of the SDK failed. */
export type ClientErrorCode =
  /** No connection, and the call can't wait for one. Nothing was changed; call again when `connected` is heard. */
  | 'OFFLINE'
  /** The server did not answer in time. It may have done it: idempotent calls may be repeated. */
  | 'TIMEOUT'
  /** The server refused; `rejection` says why. */
  | 'REJECTED'
  /** The session was ended for good; `disconnect` says why. */
  | 'DISCONNECTED'
  /** The client was closed. */
  | 'CLOSED'
  /** Not logged in, or the login ran out: log in again. Local history stays readable. */
  | 'LOGIN_NEEDED'
  /** The server answered something that breaks the protocol. */
  | 'PROTOCOL'
  /** What the server says contradicts what devices signed: sending is frozen, see the alarm. */
  | 'UNTRUSTED'
  /** This device is not confirmed by another one yet. */
  | 'NOT_CONFIRMED'
  /** No such room, member, message or device here. */
  | 'UNKNOWN'
  /** The argument is out of its bounds. */
  | 'BAD_ARGUMENT'
  /** The local store is locked by another process, damaged, or opened with the wrong key. */
  | 'STORE';

/** An error of the SDK. */
export class ClientError extends Error {
  readonly code: ClientErrorCode;
  readonly rejection: Rejection | undefined;
  readonly disconnect: Disconnect | undefined;
  /** Wait at least so long before trying again, in milliseconds; 0 = no hint. */
  readonly retryAfterMs: number;

  constructor(
    code: ClientErrorCode,
    message: string,
    more: { rejection?: Rejection; disconnect?: Disconnect; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'ClientError';
    this.code = code;
    this.rejection = more.rejection;
    this.disconnect = more.disconnect;
    this.retryAfterMs = more.retryAfterMs ?? 0;
  }
}

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

/** Rejections 1-19 may be tried again as they are. */
export function isRetryable(code: Rejection): boolean {
  return code >= 1 && code <= 19;
}

/** True for an error that says: the server refused with exactly this code. */
export function isRejection(error: unknown, code: Rejection): boolean {
  return error instanceof ClientError && error.rejection === code;
}
