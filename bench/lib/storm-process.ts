// The people of the storm, in a process of their own. Calls: found (enrol, make rooms, leave), miss (one member a room writes, the others are away),
// storm (all come back and fetch; where a node was killed just before, until they have found the others).
import { Rejection } from '#proto/gen/codes.ts';
import { serveCalls } from '../micro/lib/child.ts';
import { cpuMicros } from '../micro/lib/figures.ts';
import type { BenchLogin } from './identity.ts';
import { quantiles } from './load.ts';
import { enrolled, type Ports, portOf } from './people.ts';
import { RawClient, Rejected } from './raw-client.ts';
import { foundGroup, type Group, submitFrame } from './rooms.ts';
import { inParallel } from './server.ts';

interface Place extends Group {
  /** Newest record that everybody has. */
  headSeq: number;
}

/** What can't be had now is asked for again after so long. */
const againMs = 100;
const passing: readonly number[] = [
  Rejection.REJECTION_BUSY,
  Rejection.REJECTION_UNAVAILABLE,
  Rejection.REJECTION_RATE_LIMITED,
];

/** What came of it. `p50`: when half of them had everything. `again`: requests that were answered with "not now". */
export interface Storm {
  readonly wallMicros: number;
  readonly p50: number;
  readonly records: number;
  readonly bytes: number;
  readonly again: number;
  /** Connections that ended before their client had everything. */
  readonly reconnects: number;
}

let ports: Ports = 0;
let members = 0;
let logins: readonly BenchLogin[] = [];
let rooms: Place[] = [];
let sendId = 2 ** 21;

async function found(given: { port: Ports; provider: string; logins: BenchLogin[]; members: number }): Promise<void> {
  ({ port: ports, logins, members } = given);
  const seats = await enrolled(ports, logins);
  rooms = await inParallel(logins.length / members, 20, async (n) => {
    const group = await foundGroup(seats.slice(n * members, (n + 1) * members), given.provider, `storm ${n}`);
    return { ...group, headSeq: 2 * members - 1 };
  });
  for (const { client } of seats) client.wire.cut();
}

/** The first member of each room writes; then nobody is there any more. */
async function miss({ missed, bodyBytes }: { missed: number; bodyBytes: number }): Promise<void> {
  const body = crypto.getRandomValues(new Uint8Array(bodyBytes));
  await inParallel(rooms.length, 20, async (n) => {
    const { room, control } = rooms[n] as Place;
    const login = logins[n * members] as BenchLogin;
    const client = await RawClient.open(portOf(ports, n), login);
    let left = missed;
    await new Promise<void>((resolve, reject) => {
      client.frame = (bytes) => {
        if (bytes[4] !== 0x3a) reject(new Error('a message was refused'));
        left -= 1;
        if (left === 0) resolve();
        return true;
      };
      for (let request = 1_000_000; request < 1_000_000 + missed; request++) {
        sendId += 1;
        const place = { room, member: 1, device: login.deviceNumber, sendId, body, control };
        client.wire.send(submitFrame(request, place));
      }
    });
    client.wire.cut();
  });
}

/** `kill`: this process is killed first. `port`: where they come back, else where they were. */
async function storm(given: { kill?: number; port?: Ports } | null): Promise<Storm> {
  let [records, bytes, again, reconnects] = [0, 0, 0, 0];
  const clients: RawClient[] = [];
  const backMs: number[] = [];
  if (given?.kill !== undefined) process.kill(given.kill, 'SIGKILL');
  const began = performance.now();
  const patiently = async <T>(ask: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof Rejected && passing.includes(error.code))) throw error;
        again += 1;
        await pause();
      }
    }
  };
  /** One connection: everything that was missed, or an error. */
  const comeBack = async (n: number) => {
    const place = rooms[Math.floor(n / members)] as Place;
    let got = { records: 0, bytes: 0 };
    const client = await patiently(() => RawClient.open(portOf(given?.port ?? ports, n), logins[n] as BenchLogin));
    clients.push(client);
    // What a device does before anything else: nobody knows whether room keys wait.
    await patiently(() => client.ask({ $case: 'fetchInbox', value: { after: 0, limit: 1 } }, 'inboxPage'));
    const list = await patiently(() => client.ask({ $case: 'listRooms', value: { after: '', room: '' } }, 'roomList'));
    let names = list.rooms.map(({ room }) => room);
    while (names.length > 0) {
      const value = { rooms: names };
      const subscribed = await patiently(() => client.ask({ $case: 'subscribe', value }, 'subscribed'));
      for (const entry of subscribed.rooms) {
        let next = place.headSeq + 1;
        while (next > 0 && next <= entry.headSeq) {
          const page = await patiently(() => fetchPage(client, entry.room, next));
          got = { records: got.records + page.records, bytes: got.bytes + page.bytes };
          next = page.next;
        }
      }
      names = subscribed.deferred;
      if (names.length > 0) await pause();
    }
    return got;
  };
  await inParallel(logins.length, logins.length, async (n) => {
    for (;;) {
      try {
        const got = await comeBack(n);
        records += got.records;
        bytes += got.bytes;
        return void backMs.push(performance.now() - began);
      } catch (error) {
        // A connection that a node gives up is made anew, as devices do; not where nothing died.
        if (given?.kill === undefined) throw error;
        reconnects += 1;
        await pause();
      }
    }
  });
  const wallMicros = (performance.now() - began) * 1000;
  for (const place of rooms) place.headSeq += records / logins.length;
  for (const client of clients) client.wire.cut();
  const [p50] = quantiles(backMs.map((ms) => ms * 1000));
  return { wallMicros, p50, records, bytes, again, reconnects };
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, againMs));
}

async function fetchPage(
  client: RawClient,
  room: string,
  from: number,
): Promise<{ records: number; bytes: number; next: number }> {
  const value = { room, fromSeq: from, throughSeq: 0, limit: 200, newestFirst: false };
  const page = await client.ask({ $case: 'fetchRecords', value }, 'recordPage');
  const bytes = page.records.reduce(
    (sum, { stamp, header, body }) => sum + stamp.length + header.length + body.length,
    0,
  );
  return { records: page.records.length, bytes, next: page.nextSeq };
}

serveCalls({ found, miss, storm, cpu: () => cpuMicros() });
