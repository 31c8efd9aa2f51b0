// A request with a grant, which a fresh login gave for one request. Guarantees: one that was lost on its way is sent again as it was, so that one step-up
// suffices. Does not: ask for the grant.
import { Rejection } from '#proto/gen/codes.ts';
import { ClientError, isRejection, wasLost } from '../errors.ts';
import { reconnectMs } from './requests.ts';

const lostTries = 3;

/** Waits for a session, at most so many milliseconds. False: there is none, and the request is not sent again. */
export type WhenLive = (ms: number) => Promise<boolean>;

/** Asks the very same until it is answered, three times at most. Rejects with STEP_UP_NEEDED for a grant that does not count. */
export async function granted<Answer>(ask: () => Promise<Answer>, whenLive: WhenLive): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (isRejection(error, Rejection.REJECTION_FORBIDDEN)) throw grantRefused(error);
      if (!wasLost(error) || attempt === lostTries || !(await whenLive(reconnectMs))) throw error;
    }
  }
}

/** What a person hears where the server did not take a grant. */
export function grantRefused(cause: unknown): ClientError {
  return new ClientError('STEP_UP_NEEDED', 'The fresh login is used up or too long ago.', { cause });
}
