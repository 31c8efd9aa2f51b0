// A year of use on a Cassandra that refuses every read that meets more than 150 tombstones (100,000 is its own limit): whatever the store dropped, took out,
// replaced or let expire in that year, none of its reads passes over much of it. Where a read does pass over what people gave up lately, the test has as
// much of it as 150 allow, and schema.cql says how much there can be where 100,000 are allowed.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { shardOf } from '#actors/log/shards.ts';
import type { RowWrite } from '#actors/ports/log-store.ts';
import { ListingChoice } from '#proto/gen/client.ts';
import { limits } from '#proto/rules/limits.ts';
import { type Cassandra, startCassandra } from '../../../../deploy/dev/cassandra/cassandra.ts';
import { nodetool } from '../../../../deploy/dev/cassandra/nodetool.ts';
import type { TokenFamily } from '../../auth/ports.ts';
import { Directory } from '../../directory/directory.ts';
import { driver } from './connection.ts';
import { legalRetention } from './retention.ts';
import { type CassandraOptions, CassandraStore } from './store.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const tombstonesMax = 150;

let cassandra: Cassandra;
let options: CassandraOptions;
let store: CassandraStore;
let now = Date.now();

beforeAll(async () => {
  const tune = { tombstone_warn_threshold: 100, tombstone_failure_threshold: tombstonesMax };
  cassandra = await startCassandra({ nodes: 1, tune });
  const { contactPoints, port } = cassandra;
  options = {
    ...{ contactPoints, port, localDataCenter: 'datacenter1', replicationFactor: 1, keyspace: 'year' },
    now: () => now,
    storeNow: async () => now,
  };
  store = await CassandraStore.open(options);
});
afterAll(async () => {
  await store?.close();
  await cassandra?.stop();
});

/** Past the store. */
async function ask(query: string): Promise<number> {
  const client = driver(options, { keyspace: 'year' });
  try {
    return (await client.execute(query, [], { fetchSize: 0 })).rowLength;
  } finally {
    await client.shutdown();
  }
}

/** All in one query. */
const readAll = (table: string) => ask(`select * from ${table}`);

const shard = shardOf('room/stuck');
/** Logs of one shard. */
const logs = Array.from({ length: 1_000 }, (_, i) => `room/${i}`).filter((log) => shardOf(log) === shard);
const due = (log: string, dueMs: number): RowWrite => ({ log, segment: 0, rows: [], replace: false, dueMs });

/** Writes some due things, lets them become due, and drops all but the one that nobody can settle. */
async function sweep(count: number, passMs: number): Promise<void> {
  await store.writeRows(Array.from({ length: count }, (_, i) => due(logs[i % logs.length]!, now + minuteMs / 2 + i)));
  now += passMs;
  const found = await store.readDue(shard, now, 100);
  expect(found.map(({ log }) => log)).toContain('room/stuck');
  expect(found).toHaveLength(count + 1);
  await store.dropDue(
    shard,
    found.filter(({ log }) => log !== 'room/stuck'),
  );
}

it('sweeps what is due through a year, minute by minute in its busiest hours, with a log that can never be opened', async () => {
  await store.writeRows([due('room/stuck', now)]);
  for (let half = 0; half < 2; half++) {
    for (let minute = 0; minute < 60; minute++) await sweep(5, minuteMs);
    for (let passed = 0; passed < 182 * dayMs; passed += 25 * hourMs) await sweep(10, 25 * hourMs);
  }
  // Thousands were dropped: read at once they are refused.
  await expect(readAll('log_due')).rejects.toThrow();
});

it('finds families that ended through a year, and takes logins out', async () => {
  const accounts = store.accounts();
  const [accessHash, refreshHash, previousHash] = ['a', 'b', ''];
  const made = {
    version: 1,
    deviceId: 'D',
    deviceNumber: 1,
    accessHash,
    accessExpiresMs: 0,
    refreshHash,
    previousHash,
  };
  for (let fortnight = 0; fortnight < 26; fortnight++) {
    const keys = Array.from({ length: 7 }, (_, i) => `family-${fortnight}-${i}`);
    const family = (key: string): TokenFamily => ({ ...made, userId: key, used: false, expiresMs: now + 6 * dayMs });
    const used = keys.map(async (key) => {
      expect(await accounts.writeFamily(key, family(key))).toBe(true);
      await accounts.putLogin(key, { subjectHash: key, challenge: 'c', expiresMs: now + minuteMs });
      expect(await accounts.takeLogin(key)).not.toBeNull();
      expect(await accounts.takeLogin(key)).toBeNull();
    });
    await Promise.all(used);
    now += 14 * dayMs;
    const { ended } = await accounts.sweep(now, 100);
    expect(ended.map(({ key }) => key).sort()).toEqual(keys);
    expect(await Promise.all(keys.map((key) => accounts.removeFamily(key)))).toEqual(keys.map(() => true));
    expect((await accounts.sweep(now, 100)).ended).toEqual([]);
  }
  await expect(readAll('family_ends')).rejects.toThrow();
});

it('reads logs whose rows expire, one segment at a time', async () => {
  const rows = (segment: number) =>
    Array.from({ length: 100 }, (_, i) => ({
      seq: segment * 100 + i,
      bytes: Buffer.from('x'),
      writeMicros: now * 1000,
      expiresMs: now + 1_000,
    }));
  const retention = { ...legalRetention, slackMs: 1_000 };
  const own = await CassandraStore.open({ ...options, keyspace: 'year_short', retention });
  const segments = Array.from({ length: 52 }, (_, segment) => segment + 1);
  const logs = ['room/!l:lux', 'user/@l:lux', 'reports/20000', 'reporter/@r:lux'];
  for (const log of logs)
    await own.writeRows(
      segments.map((segment) => ({ log, segment, rows: rows(segment), replace: false, dueMs: null })),
    );
  // Not until this node says so: until Cassandra does, which makes tombstones of them.
  now += 1_000;
  await sleep(4_000);
  const range = { from: 1, through: 1e9, limit: 1_000, bytesMax: 1e6, backwards: false };
  for (const log of logs)
    for (const segment of segments) {
      expect(await own.readRows(log, segment, range)).toEqual([]);
      expect(await own.readRows(log, segment, { ...range, limit: 1, backwards: true })).toEqual([]);
    }
  await own.close();
});

// With ten names a day one person alone had them refused on the second day, here where 150 are too many.
it('finds others by a word that somebody gives up as often as they may', async () => {
  const directory = new Directory({ store: store.directory(), isBot: () => false, now: () => now });
  const { LISTING_CHOICE_YES, LISTING_CHOICE_NO } = ListingChoice;
  const choose = (user: string, name: string) => {
    const value = { choice: name === '' ? LISTING_CHOICE_NO : LISTING_CHOICE_YES, name };
    return directory.serve({ user, body: { $case: 'setListing', value } });
  };
  const search = async (text: string) => {
    const body = { $case: 'searchDirectory', value: { text } } as const;
    const answer = await directory.serve({ user: `@asks-${text.replaceAll(' ', '-')}:lux`, body });
    return answer.$case === 'directoryHits' ? answer.value.hits.map(({ user }) => user) : answer;
  };
  await choose('@stays:lux', 'Dupont Zoë');
  let taken = 0;
  const tenDays = now + 10 * dayMs;
  for (let n = 0; now < tenDays; now += hourMs, n++) {
    const letters = n.toString(26).replaceAll(/[0-9]/g, (digit) => 'qrstuvwxyz'[Number(digit)]!);
    const name = [...'abcdefgh'].map((letter) => `dup${letter}${letters}`).join(' ');
    const answer = await choose('@leaves:lux', name);
    if (answer.$case === 'done') taken++;
  }
  expect(taken).toBe(limits.listingNamesMax);
  await choose('@leaves:lux', '');
  for (const text of ['dup', 'dupont', 'dupont zoe']) expect(await search(text)).toEqual(['@stays:lux']);
});

// The bound: what was given up under words that begin so in the days that Cassandra keeps tombstones for (gc_grace_seconds), and not what was before.
it('finds who stays by a word that many others give up, time and again', async () => {
  const directory = store.directory();
  const many = 100;
  const named = async (user: string, name: string) => {
    const before = (await directory.readListing(user))?.version ?? 0;
    const listing = { version: before + 1, isListed: true, name, namedMs: [] };
    expect(await directory.changeListing(user, listing, before)).toBe(true);
  };
  // Behind all the others, and with listings of which a cell was taken out.
  const stay = Array.from({ length: 12 }, (_, n) => `@stays${n}:lux`);
  for (const name of ['Zoë', 'Muller Zoë']) await Promise.all(stay.map((user) => named(user, name)));
  await ask('alter table directory with gc_grace_seconds = 0');
  for (let time = 0; time < 2; time++) {
    // What Cassandra does by itself once so many files are there.
    if (time > 0)
      for (const work of ['flush', 'compact']) await nodetool(cassandra.nodes[0]!, work, 'year', 'directory');
    const leave = Array.from({ length: many }, (_, n) => `@leaves${time}.${n}:lux`);
    await Promise.all(leave.map((user) => named(user, `Muller ${user}`)));
    await Promise.all(leave.map((user, n) => (n % 2 === 0 ? directory.removeListing(user, 1) : named(user, 'Xaver'))));
    for (const text of ['mul', 'muller', 'muller zoe']) expect(await directory.find(text)).toHaveLength(10);
  }
});

it('reads a backup that was replaced through a year, entries and all, by its version alone', async () => {
  const backups = store.backups();
  const user = '@backs-up:lux';
  const head = { header: Buffer.from('h'), hash: Buffer.from('h'), openings: [] };
  const entries = Array.from({ length: 10 }, (_, n) => ({
    room: '!r:lux',
    session: `s${n}`,
    sealed: Buffer.from('x'),
  }));
  for (let version = 1; version <= 26; version++) {
    expect(await backups.changeHead(user, { ...head, revision: version, version, lastVersion: version })).toBe(true);
    expect(await backups.put(user, { version, entries, entriesMax: 100, bytesMax: 1e6 })).toBe('kept');
    expect(await backups.readHead(user)).toMatchObject({ version, entries: 10 });
    const page = await backups.page(user, { version, room: '', after: '', limit: 100, bytesMax: 1e6 });
    expect(page.entries).toHaveLength(10);
  }
});

// The bound: a whole small table, keys of the last ten days that are gone included, is to stay below 10,000 rows.
it('lists a small table past as many keys that are gone as it may have', async () => {
  const table = store.table('year');
  const keys = Array.from({ length: tombstonesMax - 10 }, (_, n) => `a${n}`);
  const value = Buffer.from('x');
  await table.change([...keys, 'b'].map((key) => ({ key, value })));
  await table.change(keys.map((key) => ({ key, value: null })));
  expect((await table.list({ limit: 10 })).map(({ key }) => key)).toEqual(['b']);
  expect(await table.get('a1')).toBeNull();
});
