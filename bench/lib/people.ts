// People for benches: logged in through the stand-in LuxID, and enrolled with keys and a manifest, so that they may write.
import { type BenchLogin, Identity } from './identity.ts';
import { RawClient } from './raw-client.ts';
import type { Seat } from './rooms.ts';
import { inParallel } from './server.ts';

/** Someone with an open connection. */
export interface EnrolledSeat extends Seat {
  readonly login: BenchLogin;
}

/** Someone who logs people in: a server, or nodes of one. */
export interface Door {
  login(user: string): Promise<BenchLogin>;
}

/** Logs `count` people in. */
export function people(server: Door, count: number, prefix = 'bench'): Promise<BenchLogin[]> {
  // One source may have 20 requests open.
  return inParallel(count, 16, (n) => server.login(`${prefix}${n}`));
}

/** A port, or those of several nodes: people go to one after the other. */
export type Ports = number | readonly number[];

export function portOf(ports: Ports, n: number): number {
  return typeof ports === 'number' ? ports : (ports[n % ports.length] as number);
}

/** Connects them and makes them writers. */
export function enrolled(ports: Ports, logins: readonly BenchLogin[]): Promise<EnrolledSeat[]> {
  return inParallel(logins.length, 50, async (n) => {
    const login = logins[n] as BenchLogin;
    const identity = new Identity(login);
    const client = await RawClient.open(portOf(ports, n), login);
    await client.enrol(identity);
    return { client, identity, login };
  });
}
