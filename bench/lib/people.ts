// People for benches: logged in through the stand-in LuxID, and enrolled with keys and a manifest, so that they may write.
import { type BenchLogin, Identity } from './identity.ts';
import { RawClient } from './raw-client.ts';
import type { Seat } from './rooms.ts';
import { type BenchServer, inParallel } from './server.ts';

/** Someone with an open connection. */
export interface EnrolledSeat extends Seat {
  readonly login: BenchLogin;
}

/** Logs `count` people in. */
export function people(server: BenchServer, count: number, prefix = 'bench'): Promise<BenchLogin[]> {
  // One source may have 20 requests open.
  return inParallel(count, 16, (n) => server.login(`${prefix}${n}`));
}

/** Connects them and makes them writers. */
export function enrolled(port: number, logins: readonly BenchLogin[]): Promise<EnrolledSeat[]> {
  return inParallel(logins.length, 50, async (n) => {
    const login = logins[n] as BenchLogin;
    const identity = new Identity(login);
    const client = await RawClient.open(port, login);
    await client.enrol(identity);
    return { client, identity, login };
  });
}
