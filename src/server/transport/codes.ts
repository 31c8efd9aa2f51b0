// How the edge ends a connection: the codes are the contract's closed list, this file only adds what the WebSocket close frame needs.
// It guarantees that a close which allows reconnecting says when, and that a reason fits the close frame (123 bytes).
import { Disconnect } from '#proto/gen/codes.ts';

export { Disconnect };

/** Bytes of reason text that a WebSocket close frame can carry (RFC 6455, section 5.5). */
export const closeReasonBytesMax = 123;

/** Why a message cannot be accepted: the connection ends with this code. A value, never thrown. */
export interface Disconnection {
  readonly disconnect: Disconnect;
  readonly reason: string;
}

/** True for 4000-4499: the device connects again by itself and resumes. Every other code needs something to change first. */
export function mayReconnect(code: number): boolean {
  return code >= 4000 && code <= 4499;
}

/** Close reason as sent: at most 123 bytes of UTF-8, `retryAfter=<ms>` in front whenever the code allows reconnecting. */
export function closeReason(code: number, reason: string, retryAfterMs: number): string {
  const text = mayReconnect(code) ? `retryAfter=${retryAfterMs} ${reason}`.trimEnd() : reason;
  if (text.length * 3 <= closeReasonBytesMax) return text;
  let cut = text;
  while (Buffer.byteLength(cut) > closeReasonBytesMax) cut = cut.slice(0, -1);
  return cut.toWellFormed().replace(/\uFFFD$/, '');
}
