// The people of the storm, in a process of their own. Calls: found (enrol, make rooms, leave), miss (one member a room writes, the others are away),
// storm (all come back and fetch).
import { serveCalls } from '../micro/lib/child.ts';
import { cpuMicros } from '../micro/lib/figures.ts';
import type { BenchLogin } from './identity.ts';
import { enrolled } from './people.ts';
import { RawClient } from './raw-client.ts';
import { foundGroup, type Group, submitFrame } from './rooms.ts';
import { inParallel } from './server.ts';

interface Place extends Group {
  /** Newest record that everybody has. */
  headSeq: number;
}

let port = 0;
let members = 0;
let logins: readonly BenchLogin[] = [];
let rooms: Place[] = [];
let sendId = 2 ** 21;

async function found(given: { port: number; provider: string; logins: BenchLogin[]; members: number }): Promise<void> {
  ({ port, logins, members } = given);
  const seats = await enrolled(port, logins);
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
    const client = await RawClient.open(port, login);
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

async function storm(): Promise<{ wallMicros: number; records: number; bytes: number }> {
  let [records, bytes] = [0, 0];
  const clients: RawClient[] = [];
  const began = performance.now();
  await Promise.all(
    logins.map(async (login, n) => {
      const place = rooms[Math.floor(n / members)] as Place;
      const client = await RawClient.open(port, login);
      clients.push(client);
      // What a device does before anything else: nobody knows whether room keys wait.
      await client.ask({ $case: 'fetchInbox', value: { after: 0, limit: 1 } }, 'inboxPage');
      const list = await client.ask({ $case: 'listRooms', value: { after: '' } }, 'roomList');
      const names = list.rooms.map(({ room }) => room);
      const subscribed = await client.ask({ $case: 'subscribe', value: { rooms: names } }, 'subscribed');
      for (const entry of subscribed.rooms) {
        let next = place.headSeq + 1;
        while (next > 0 && next <= entry.headSeq) {
          const page = await fetchPage(client, entry.room, next);
          records += page.records;
          bytes += page.bytes;
          next = page.next;
        }
      }
    }),
  );
  const wallMicros = (performance.now() - began) * 1000;
  for (const place of rooms) place.headSeq += records / logins.length;
  for (const client of clients) client.wire.cut();
  return { wallMicros, records, bytes };
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
