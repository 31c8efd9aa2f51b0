// People for a crowd: logged in at one node, enrolled with keys so that they may write, and seated in groups. All of it
// happens while nothing is broken, over connections that are closed again.
import { Identity } from '#bench/lib/identity.ts';
import { RawClient } from '#bench/lib/raw-client.ts';
import { foundGroup } from '#bench/lib/rooms.ts';
import { inParallel } from '#bench/lib/server.ts';
import type { Tokens } from '#client/connection/login.ts';
import { standInLogin } from '#client/node/stand-in-walk.ts';
import type { RoomSeat } from '../talk/talker.ts';

/** Where people log in. */
export interface LoginNode {
  /** Of the node that takes their keys and makes their rooms. */
  readonly port: number;
  /** A new device of somebody; the same name is the same person. */
  logIn(user: string): Promise<Tokens>;
}

/** A node with the stand-in LuxID; `ProviderProcess` is one. */
export interface StandInNode {
  readonly url: string;
  readonly port: number;
  /** The next code that the stand-in "sends" to this person. */
  code(user: string): Promise<string>;
}

/** One device with its places. */
export interface SeatedDevice {
  readonly tokens: Tokens;
  readonly seats: readonly RoomSeat[];
  /** The first device of a user may write; the others read. */
  readonly writes: boolean;
}

export interface SeatingPlan {
  readonly rooms: number;
  readonly members: number;
  /** Of each user, 1 to 10. */
  readonly devices: number;
}

/** Everybody sits in one room; devices of one room stand together, its founder's first one first. */
export async function seated(node: LoginNode, { rooms, members, devices }: SeatingPlan): Promise<SeatedDevice[]> {
  const logins = await inParallel(rooms * members, 16, (n) => node.logIn(`crowd${n}`));
  const seats = await inParallel(rooms, 10, (n) => seatRoom(node, logins.slice(n * members, (n + 1) * members), n));
  const more = await inParallel(rooms * members * (devices - 1), 16, (n) => node.logIn(`crowd${n % logins.length}`));
  return logins.flatMap((tokens, n) => {
    const own = [seats[Math.floor(n / members)]?.[n % members] as RoomSeat];
    const others = more.filter((_, at) => at % logins.length === n);
    return [
      { tokens, seats: own, writes: true },
      ...others.map((other) => ({ tokens: other, seats: own, writes: false })),
    ];
  });
}

const password = 'moien-moien';

/** As every person does it. */
export function throughLuxid(node: StandInNode): LoginNode {
  return {
    port: node.port,
    logIn: (user) => {
      const person = { user, password, deviceName: 'crowd', askCode: () => node.code(user) };
      return standInLogin({ server: node.url }, person);
    },
  };
}

async function seatRoom({ port }: LoginNode, logins: readonly Tokens[], n: number): Promise<RoomSeat[]> {
  const seats = await inParallel(logins.length, 10, async (at) => {
    const login = logins[at] as Tokens;
    const identity = new Identity(login);
    const client = await RawClient.open(port, login);
    await client.enrol(identity);
    return { client, identity };
  });
  const provider = logins[0]?.userId.split(':')[1] ?? '';
  const { room, control } = await foundGroup(seats, provider, `crowd ${n}`);
  for (const { client } of seats) client.wire.cut();
  // The founder made the room by 1 and invited each of the others by an even seq, and they joined by the one after it.
  return logins.map((_, at) => {
    const sendId = at === 0 ? logins.length : 1;
    return { room, member: at + 1, from: 2 * at + 1, control, sendId };
  });
}
