// A year of use on a Cassandra that refuses every read that meets more than 150 tombstones (100,000 is its own limit): whatever the store dropped, took out
// or let expire in that year, none of its reads passes over much of it.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { shardOf } from '#actors/log/shards.ts';
import type { RowWrite } from '#actors/ports/log-store.ts';
import { type Cassandra, startCassandra } from '../../../../deploy/dev/cassandra/cassandra.ts';
import type { TokenFamily } from '../../auth/ports.ts';
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

/** All in one query, past the store. */
async function readAll(table: string): Promise<number> {
  const client = driver(options, { keyspace: 'year' });
  try {
    return (await client.execute(`select * from ${table}`, [], { fetchSize: 0 })).rowLength;
  } finally {
    await client.shutdown();
  }
}

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
    for (const key of keys) {
      expect(await accounts.writeFamily(key, family(key))).toBe(true);
      await accounts.putLogin(key, { subjectHash: key, challenge: 'c', expiresMs: now + minuteMs });
      expect(await accounts.takeLogin(key)).not.toBeNull();
      expect(await accounts.takeLogin(key)).toBeNull();
    }
    now += 14 * dayMs;
    const { ended } = await accounts.sweep(now, 100);
    expect(ended.map(({ key }) => key).sort()).toEqual(keys);
    for (const key of keys) expect(await accounts.removeFamily(key)).toBe(true);
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
  const logs = ['room/!l:lux', 'user/@l:lux'];
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
