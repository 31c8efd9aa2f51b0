// Requests that wait where the server says "not now": BUSY, UNAVAILABLE and RATE_LIMITED are repeated as they are, after the time it asks for.
// Every request of the SDK may be repeated, because each names what it is about (a version, an id, a seq) and not "one more".

import { ClientError, isRetryable } from '../errors.ts';
import type { AnswerOf, ClientBody, ServerBody } from './connection.ts';

/** Where requests go. */
export interface Requesting {
  readonly state: string;
  request<Case extends ServerBody['$case']>(body: ClientBody, expect: Case): Promise<AnswerOf<Case>>;
}

/** Milliseconds that a request is repeated at most; then its last refusal is the answer. */
const patienceMs = 20_000;
/** Milliseconds for which a change that must not be made twice waits for a lost connection. */
export const reconnectMs = 15_000;
const firstPauseMs = 100;
const longestPauseMs = 5_000;

/** Rejects as Connection.request does, with a refusal of "not now" only after 20 s of trying, or where it asks for a longer wait than that. */
export async function patiently<Case extends ServerBody['$case']>(
  connection: Requesting,
  body: ClientBody,
  expect: Case,
  random: () => number,
): Promise<AnswerOf<Case>> {
  let waited = 0;
  for (let attempt = 0; ; attempt++) {
    try {
      return await connection.request(body, expect);
    } catch (error) {
      const again = error instanceof ClientError && error.rejection !== undefined && isRetryable(error.rejection);
      // Whoever is to wait for an hour hears it now.
      if (!again || waited >= patienceMs || error.retryAfterMs > patienceMs) throw error;
      const wait = Math.max(error.retryAfterMs, Math.min(firstPauseMs * 2 ** attempt, longestPauseMs));
      waited += wait;
      await pause(wait * (1 + random() / 2));
      if (connection.state !== 'live') throw error;
    }
  }
}

/** Resolves after so many milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
