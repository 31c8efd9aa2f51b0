// Retention on the whole path, with seconds for months (setting `textSeconds`): a person sends over the SDK, and what room, log and Cassandra make of it is
// read by devices until its time and by none from then on; its bytes leave the disk though nobody writes any more. A sender who switches the account off
// changes none of it; of one who erases it the bodies are emptied at once, and their old bytes leave the disk at the same time as they would have.
// What can't be had through the server is done at the store, and says so: rows that come late (from another provider, one day). Cassandra looks at idle tables by itself five minutes after its start and each minute then; here it is told to look.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, types } from 'cassandra-driver';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { openDevice } from '#client/node/device-folder.ts';
import { type Cassandra, startCassandra } from '../../../deploy/dev/cassandra/cassandra.ts';
import { nodetool } from '../../../deploy/dev/cassandra/nodetool.ts';
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

/** Is it shown with its body, whether the device has the key or not? */
const reads = async (device: LuxchatClient, { room, seq }: Said) =>
  (await device.timeline(room)).some((line) => line.seq === seq && line.kind !== 'deleted');

interface Said {
  readonly room: string;
  readonly seq: number;
  readonly at: number;
}

/** Starts a room with `other` and says something there. */
async function say(author: LuxchatClient, other: LuxchatClient): Promise<Said> {
  const room = await author.startDirect(other.user);
  await eventually('they are invited', () => other.rooms().some((each) => each.room === room), 20_000, [other]);
  await other.accept(room);
  const isIn = () => author.room(room).members.includes(other.user);
  await eventually('they are in', isIn, 20_000, [author]);
  await author.send(room, 'moien');
  await author.flushed();
  const { seq, at } = (await author.timeline(room)).at(-1)!;
  await eventually('they have it', () => reads(other, { room, seq, at }), 10_000, [other]);
  return { room, seq, at };
}

const rowOf = async ({ room, seq }: Said) =>
  (await stored('log_rows', `room/${room}`)).find((each) => Number(each.seq) === seq)!;

const expiryOf = ({ row }: types.Row) => Number((row as Buffer).readBigUInt64BE());

it('shows a message until its time, and has it off the disk soon after, whatever becomes of its author', async () => {
  const [alice, bob] = await Promise.all([open(await login('alice', 'a')), open(await login('bob', 'b'))]);
  const late = [await login('bob', 'before'), await login('bob', 'after')] as const;
  const said = await say(alice, bob);
  const { room, seq, at } = said;
  const expiresMs = at + textSeconds * 1000;

  // As room, log and store made it: written at the hub's time, with what is left of its life.
  const row = await rowOf(said);
  expect([Number(row.written), expiryOf(row)]).toEqual([at * 1000, expiresMs]);
  expect(row.ttl).toBeLessThanOrEqual(textSeconds + 1);
  // The end of a row is the encrypted body: random to whoever looks for it.
  const body = (row.row as Buffer).subarray(-40);
  await eventually('it is in a file, without anybody’s doing', () => onDisk(body), 20_000);

  await alice.account.deactivate(await provider.stepUp(alice, 'alice', 'deactivate'));
  const before = await open(late[0]);
  await eventually('a device that comes before its time reads it', () => reads(before, said), 10_000, [before]);
  expect(Date.now()).toBeLessThan(expiresMs);
  expect((await rowOf(said)).row).toEqual(row.row);

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
  expect(await reads(after, said)).toBe(false);
  expect(after.rooms().map(({ frozen }) => frozen)).toEqual(['']);
  // Who has it keeps it: a device's history is its own.
  expect(await reads(bob, said)).toBe(true);

  await sleep(Math.max(0, expiresMs + 3_000 - Date.now()));
  const gone = async () => {
    await look('log_rows');
    return !onDisk(body);
  };
  await eventually('its bytes have left the disk', gone, 20_000);
  expect(await writesOf('log_rows')).toBe(writes);
}, 90_000);

it('returns no body of an erased author, and has the old bytes off the disk at the time that they had', async () => {
  const [erin, finn] = await Promise.all([open(await login('erin', 'e')), open(await login('finn', 'f'))]);
  const said = await say(erin, finn);
  const row = await rowOf(said);
  const body = (row.row as Buffer).subarray(-40);
  await eventually('it is in a file', () => onDisk(body), 20_000);

  const { kept } = await erin.account.erase(await provider.stepUp(erin, 'erin', 'erase'));
  expect(kept).toEqual([]);
  await eventually('the row is emptied', async () => !((await rowOf(said)).row as Buffer).includes(body), 10_000);
  expect(Date.now()).toBeLessThan(expiryOf(row));
  const emptied = await rowOf(said);
  // Later by next to nothing, so that it wins, with the same end: nothing was deleted.
  expect([Number(emptied.written) > Number(row.written), expiryOf(emptied)]).toEqual([true, expiryOf(row)]);
  expect(emptied.ttl).toBeLessThanOrEqual(row.ttl);
  expect(await reads(finn, said)).toBe(true);

  await sleep(Math.max(0, expiryOf(row) + 3_000 - Date.now()));
  const gone = async () => {
    await look('log_rows');
    return !onDisk(body);
  };
  await eventually('its bytes have left the disk', gone, 20_000);
}, 90_000);
