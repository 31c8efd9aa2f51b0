// Retention on the whole path, with seconds for months (setting `textSeconds`): a person sends over the SDK, and what room, log and Cassandra make of it is
// read by devices until its time and by none from then on; its bytes leave the disk though nobody writes any more. Erasing the sender changes none of it.
// What can't be had through the server is done at the store, and says so: rows that come late (from another provider, one day), and erasing, which no
// request asks for yet. Cassandra looks at idle tables by itself five minutes after its start and each minute then; here it is told to look.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, types } from 'cassandra-driver';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { openDevice } from '#client/node/device-folder.ts';
import { type Cassandra, startCassandra } from '../../../deploy/dev/cassandra/cassandra.ts';
import { nodetool } from '../../../deploy/dev/cassandra/nodetool.ts';
import { devices } from '../auth/devices.ts';
import { completeAuthLimits } from '../auth/limits.ts';
import { sealedNames } from '../auth/sealed-names.ts';
import { livesOf } from '../lives.ts';
import { driver } from '../storage/cassandra/connection.ts';
import { type CassandraOptions, CassandraStore } from '../storage/cassandra/store.ts';
import { eventually, ProviderProcess } from './harness.ts';

const textSeconds = 30;
const keyspace = 'short';
const random = (length: number) => crypto.getRandomValues(Buffer.alloc(length));

let cassandra: Cassandra;
let provider: ProviderProcess;
let store: CassandraStore;
let client: Client;
const ends: (() => unknown)[] = [];
beforeAll(async () => {
  cassandra = await startCassandra({ nodes: 1 });
  const { contactPoints, port } = cassandra;
  provider = await ProviderProcess.start(
    Object.entries({
      store: 'cassandra',
      cassandra: `${contactPoints[0]}:${port}`,
      'cassandra-keyspace': keyspace,
      'cassandra-replication': '1',
      'node-port': '0',
      'text-seconds': String(textSeconds),
      'room-idle-seconds': '1',
    }).flatMap(([name, value]) => [`--${name}`, value]),
  );
  const place = { contactPoints, port, localDataCenter: 'datacenter1', replicationFactor: 1, keyspace };
  const options: CassandraOptions = { ...place, retention: livesOf({ textSeconds }).retention, now: Date.now };
  store = await CassandraStore.open(options);
  client = driver(options, { keyspace });
});
afterAll(async () => {
  for (const end of ends.reverse()) await end();
  await client?.shutdown();
  await store?.close();
  await provider?.remove();
  await cassandra?.stop();
});

async function login(user: string, name: string): Promise<string> {
  const folder = await provider.login(user, name);
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function open(folder: string): Promise<LuxchatClient> {
  const device = await openDevice(folder, { backoffMaxMs: 300 });
  ends.push(() => device.close());
  await device.start();
  await device.synced();
  return device;
}

/** Rows of a log, past the store, with how long Cassandra keeps them. */
async function stored(table: string, log: string): Promise<types.Row[]> {
  const columns = 'log, seq, row, ttl(row) as ttl, writetime(row) as written';
  const { rows } = await client.execute(`select ${columns} from ${table}`);
  return rows.filter((row) => row.log === log);
}

/** Does a file of a table hold these bytes? */
function onDisk(bytes: Buffer): boolean {
  const folder = join(cassandra.nodes[0]!.folder, 'data', keyspace);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('-Data.db'));
  return files.some((name) => {
    try {
      return readFileSync(join(folder, name)).includes(bytes);
    } catch {
      // Cassandra removed it meanwhile.
      return false;
    }
  });
}

async function writesOf(table: string): Promise<number> {
  const text = await nodetool(cassandra.nodes[0]!, 'tablestats', `${keyspace}.${table}`);
  return Number(/Local write count: (\d+)/.exec(text)?.[1]);
}

/** What Cassandra does each minute by itself: it looks whether a table has something to let go. */
const look = (table: string) => nodetool(cassandra.nodes[0]!, 'enableautocompaction', keyspace, table);

it('shows a message until its time, and has it off the disk soon after, whatever becomes of its author', async () => {
  const [alice, bob] = await Promise.all([open(await login('alice', 'a')), open(await login('bob', 'b'))]);
  const late = [await login('bob', 'before'), await login('bob', 'after')] as const;
  const room = await alice.startDirect(bob.user);
  await eventually('bob is invited', () => bob.rooms().some((each) => each.room === room), 20_000, [bob]);
  await bob.accept(room);
  await eventually('bob is in', () => alice.rooms().some(({ members }) => members.includes(bob.user)), 20_000, [alice]);
  await alice.send(room, 'moien');
  await alice.flushed();
  const { seq, at } = (await alice.timeline(room)).at(-1)!;
  const expiresMs = at + textSeconds * 1000;
  const isThere = async (device: LuxchatClient) => (await device.timeline(room)).some((line) => line.seq === seq);
  await eventually('bob has it', () => isThere(bob), 10_000, [bob]);

  // As room, log and store made it: written at the hub's time, with what is left of its life.
  const row = (await stored('log_rows', `room/${room}`)).find((each) => Number(each.seq) === seq)!;
  expect([Number(row.written), Number((row.row as Buffer).readBigUInt64BE())]).toEqual([at * 1000, expiresMs]);
  expect(row.ttl).toBeLessThanOrEqual(textSeconds + 1);
  // The end of a row is the encrypted body: random to whoever looks for it.
  const body = (row.row as Buffer).subarray(-40);
  await eventually('it is in a file, without anybody’s doing', () => onDisk(body), 20_000);

  await alice.close();
  const names = sealedNames(Buffer.alloc(32), random);
  const options = { store: store.accounts(), limits: completeAuthLimits({}), now: Date.now, random, names };
  await devices({ ...options, onRevoked: () => {} }).erase(alice.user);
  const before = await open(late[0]);
  await eventually('a device that comes before its time reads it', () => isThere(before), 10_000, [before]);
  expect(Date.now()).toBeLessThan(expiresMs);
  const [unchanged] = (await stored('log_rows', `room/${room}`)).filter((each) => Number(each.seq) === seq);
  expect(unchanged?.row).toEqual(row.row);

  // Accepted ten seconds before it came: it has ten seconds less, in the other table.
  const content = random(200);
  const accepted = { seq: 1, bytes: content, writeMicros: (Date.now() - 10_000) * 1000 };
  const rows = [{ ...accepted, expiresMs: Date.now() + (textSeconds - 10) * 1000 }];
  await store.writeRows([{ log: 'room/!late:localhost', segment: 1, rows, replace: false, dueMs: null }]);
  expect(await stored('log_rows', 'room/!late:localhost')).toEqual([]);
  const [lateRow] = await stored('log_rows_late', 'room/!late:localhost');
  expect(lateRow?.ttl).toBeLessThanOrEqual(textSeconds - 10 + 1);

  const writes = await writesOf('log_rows');
  await sleep(Math.max(0, expiresMs - Date.now()));
  const after = await open(late[1]);
  expect(after.room(room).headSeq).toBeGreaterThanOrEqual(seq);
  expect(await isThere(after)).toBe(false);
  expect(after.rooms().map(({ frozen }) => frozen)).toEqual(['']);
  // Who has it keeps it: a device's history is its own.
  expect(await isThere(bob)).toBe(true);

  await sleep(Math.max(0, expiresMs + 3_000 - Date.now()));
  const gone = async () => {
    await look('log_rows');
    return !onDisk(body);
  };
  await eventually('its bytes have left the disk', gone, 20_000);
  expect(await writesOf('log_rows')).toBe(writes);
}, 90_000);
