// Retention with minutes for months: when rows stop being readable, and when their bytes leave the disk, seen in the files of a real node.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'cassandra-driver';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cassandra, startCassandra } from '../../../../deploy/dev/cassandra/cassandra.ts';
import { nodetool } from '../../../../deploy/dev/cassandra/nodetool.ts';
import { driver } from './connection.ts';
import type { Retention } from './retention.ts';
import { type CassandraOptions, CassandraStore } from './store.ts';

/** A minute for a week: the shortest window that Cassandra has. */
const short: Retention = {
  text: { lifeMs: 100_000, windowMs: 60_000 },
  inbox: { lifeMs: 50_000, windowMs: 60_000 },
  attachments: { lifeMs: 50_000, windowMs: 60_000 },
  lateMs: 60_000,
  graceMs: 1_000,
  flushMs: 1_000,
  checkMs: 1_000,
  slackMs: 1_000,
  dropOverlapping: true,
};
const all = { from: 1, through: 99, limit: 99, bytesMax: 99_999, backwards: false };
/** Bytes one by one as characters. Not digits: of those Cassandra's compression finds four alike in another row, and writes the text in two parts. */
const random = () => Buffer.from(crypto.getRandomValues(new Uint8Array(48))).toString('latin1');

let cassandra: Cassandra;
let store: CassandraStore;
/** Young files that reach back do not hold old ones; and where they do. */
let other: CassandraStore;
let waiting: CassandraStore;
let whole: CassandraStore;
let options: CassandraOptions;
let client: Client;

beforeAll(async () => {
  cassandra = await startCassandra({ nodes: 1 });
  const { contactPoints, port } = cassandra;
  const place = { contactPoints, port, localDataCenter: 'datacenter1', replicationFactor: 1, now: Date.now };
  // Not what is measured here, where many files are flushed at once.
  options = { ...place, keyspace: 'short', retention: short, requestTimeoutMs: 30_000 };
  store = await CassandraStore.open(options);
  // Nothing is merged because a window is over, however long this takes.
  const windowMs = 24 * 3_600_000;
  const long = { ...short, text: { ...short.text, windowMs }, inbox: { ...short.inbox, windowMs } };
  other = await CassandraStore.open({ ...options, keyspace: 'other', retention: long });
  waiting = await CassandraStore.open({
    ...place,
    keyspace: 'waiting',
    retention: { ...long, dropOverlapping: false },
  });
  whole = await CassandraStore.open({ ...options, keyspace: 'whole', retention: long });
  client = driver(options, { keyspace: 'short' });
  for (const keyspace of ['other', 'waiting', 'whole']) await mergeNothing(keyspace);
});
afterAll(async () => {
  await client?.shutdown();
  await store?.close();
  await other?.close();
  await waiting?.close();
  await whole?.close();
  await cassandra?.stop();
});

/** What is flushed in one window stays as it is: Cassandra would make one file of four, and what expires would lie with what does not. */
async function mergeNothing(keyspace: string): Promise<void> {
  const query = 'select compaction from system_schema.tables where keyspace_name = ? and table_name = ?';
  for (const table of ['log_rows', 'inbox_rows']) {
    const { compaction } = (await client.execute(query, [keyspace, table])).first();
    const more = JSON.stringify({ ...compaction, min_threshold: '32' }).replaceAll('"', "'");
    await client.execute(`alter table ${keyspace}.${table} with compaction = ${more}`);
  }
}

/** Writes one row of random content, accepted so long ago, that lives on for so long. */
async function write(log: string, ages: { ageMs?: number; lifeMs: number; in?: CassandraStore }): Promise<string> {
  const content = random();
  const now = Date.now();
  const row = { seq: 1, bytes: Buffer.from(content, 'latin1'), writeMicros: (now - (ages.ageMs ?? 0)) * 1000 };
  const rows = [{ ...row, expiresMs: now + ages.lifeMs }];
  await (ages.in ?? store).writeRows([{ log, segment: 1, rows, replace: false, dueMs: null }]);
  return content;
}

/**
 * Writes a row that expires soon, and waits until it is in a file; what else belongs there is put by `more`. On a machine so busy that the row expired
 * meanwhile, it is done again with a longer life. `gone` resolves when Cassandra may let go of it.
 */
async function expiring(
  ages: { log?: string; ageMs?: number; in?: CassandraStore; keyspace?: string },
  more: (lifeMs: () => number) => Promise<void> = async () => {},
) {
  const { log = 'old' } = ages;
  const table = log.startsWith('user/') ? 'inbox_rows' : 'log_rows';
  for (let lifeMs = 12_000; ; lifeMs *= 2) {
    const begin = Date.now();
    const content = await write(log, { ...ages, lifeMs });
    await inFile(content, ages.keyspace);
    const remaining = () => begin + lifeMs - Date.now();
    await more(remaining);
    const left = remaining();
    if (left > 0) return { content, gone: sleep(left + short.slackMs + short.graceMs + 2_000) };
    await client.execute(`truncate ${ages.keyspace ?? 'short'}.${ages.ageMs === undefined ? table : `${table}_late`}`);
  }
}

/** Makes the account if there is none and does to its rows what `erase` of auth does: no more devices, and nobody is found under its subject. */
async function eraseAccount(user: string): Promise<void> {
  const accounts = store.accounts();
  const row = { version: 1, lastNumber: 1, subjectHash: user, erased: false, devices: [] };
  await accounts.claimSubject(user, user);
  await accounts.writeDevices(user, row);
  await accounts.writeDevices(user, { ...row, version: 2, subjectHash: '', erased: true });
  await accounts.releaseSubject(user, user);
  expect(await accounts.readDevices(user)).toMatchObject({ erased: true });
  expect(await accounts.userOf(user)).toBeNull();
}

const inWhole = () => ({ in: whole, keyspace: 'whole' });

const flush = (keyspace = 'short') => nodetool(cassandra.nodes[0]!, 'flush', keyspace);

/** Rows go into files by themselves, `flushMs` after they were written. A `nodetool` for it would take seconds, and more on a busy machine. */
async function inFile(content: string, keyspace = 'short'): Promise<void> {
  expect(await until(() => filesWith(content, keyspace).length > 0, 60_000)).toBe(true);
}

/** Files of a keyspace that hold this text. */
function filesWith(content: string, keyspace = 'short'): string[] {
  const folder = join(cassandra.nodes[0]!.folder, 'data', keyspace);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  const paths = files.map((each) => join(each.parentPath, each.name));
  return paths.filter((path) => path.endsWith('-Data.db') && readIfThere(path).includes(content, 'latin1'));
}

/** The tables of these files: there are two for a moment while Cassandra makes one of several. */
function tablesWith(content: string, keyspace = 'short'): string[] {
  return [...new Set(filesWith(content, keyspace).map((path) => basename(dirname(path)).split('-')[0] ?? ''))];
}

/** Cassandra may remove it meanwhile. */
function readIfThere(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}

async function until(holds: () => boolean, ms: number): Promise<boolean> {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(200)) if (holds()) return true;
  return holds();
}

describe('rows', () => {
  it('are readable until they expire and not a moment longer, before Cassandra lets them go', async () => {
    const expiresMs = Date.now() + 1_500;
    let now = Date.now();
    const own = await CassandraStore.open({ ...options, now: () => now });
    const row = { seq: 1, bytes: Buffer.from('a'), writeMicros: now * 1000, expiresMs };
    await own.writeRows([{ log: 'on-time', segment: 1, rows: [row], replace: false, dueMs: null }]);
    now = expiresMs - 1;
    expect(await own.readRows('on-time', 1, all)).toHaveLength(1);
    now = expiresMs;
    expect(await own.readRows('on-time', 1, all)).toHaveLength(0);
    const raw = async () =>
      (await client.execute(`select seq from log_rows where log = 'on-time' and segment = 1`)).rowLength;
    expect(await raw()).toBe(1);
    await sleep(expiresMs + 3_000 - Date.now());
    expect(await raw()).toBe(0);
    await own.close();
  });

  it('carry the remaining time where they come late, and are not written where none is left', async () => {
    await write('late', { ageMs: 3 * 60_000, lifeMs: 20_000 });
    await write('late-expired', { ageMs: 3 * 60_000, lifeMs: 0 });
    const select = (table: string, log: string) =>
      client.execute(`select ttl(row) as ttl from ${table} where log = '${log}' and segment = 1`);
    const { rows } = await select('log_rows_late', 'late');
    expect(rows).toHaveLength(1);
    expect(rows[0]!.ttl).toBeLessThanOrEqual(21);
    expect(rows[0]!.ttl).toBeGreaterThan(15);
    for (const log of ['late', 'late-expired']) expect((await select('log_rows', log)).rowLength).toBe(0);
    expect((await select('log_rows_late', 'late-expired')).rowLength).toBe(0);
    // Late is late, however long the window: beside rows of today it would stay for as long as they do.
    await write('late', { ageMs: 2 * 60_000, lifeMs: 20_000, in: other });
    expect((await select('other.log_rows_late', 'late')).rowLength).toBe(1);
    expect((await select('other.log_rows', 'late')).rowLength).toBe(0);
    expect(await store.readRows('late', 1, all)).toHaveLength(1);
  });
});

describe('rows of an account that was erased', () => {
  it('stay readable and carry the same TTL as everybody’s: nothing ends sooner, nothing lives longer', async () => {
    const [stays, goes] = ['@stays:lux.example', '@goes:lux.example'];
    for (const [table, kind] of [
      ['log_rows', 'room/of '],
      ['inbox_rows', 'user/'],
    ]) {
      const logs = [stays, goes].map((user) => `${kind}${user}`);
      for (const log of logs) await write(log, { lifeMs: 90_000 });
      await eraseAccount(goes);
      const names = logs.map((log) => `'${log}'`).join();
      const query = `select ttl(row) as ttl from ${table} where segment = 1 and log in (${names})`;
      const ttls = (await client.execute(query)).rows.map(({ ttl }) => ttl as number);
      expect(ttls).toHaveLength(2);
      // They were written one after the other, on a machine that may be busy.
      expect(Math.max(...ttls) - Math.min(...ttls)).toBeLessThanOrEqual(10);
      for (const log of logs) expect(await store.readRows(log, 1, all)).toHaveLength(1);
    }
  });
});

describe('files', () => {
  it.concurrent('go whole when all of their rows have expired, and leave others as they are', async () => {
    const { content: old, gone } = await expiring({ log: 'room/old', ...inWhole() }, () =>
      eraseAccount('@author:lux.example'),
    );
    expect(tablesWith(old, 'whole')).toEqual(['log_rows']);
    await gone;
    // Cassandra looks at a table when it is flushed, once a minute otherwise.
    await inFile(await write('young', { lifeMs: 90_000, in: whole }), 'whole');
    expect(await until(() => filesWith(old, 'whole').length === 0, 20_000)).toBe(true);
    expect(await whole.readRows('young', 1, all)).toHaveLength(1);
  });

  it.concurrent('go although a younger file reaches back into their time', async () => {
    expect(await reachedBack(other, 'other')).toBe(true);
  });

  it.concurrent('wait for the younger file where Cassandra does not allow that', async () => {
    expect(await reachedBack(waiting, 'waiting')).toBe(false);
  });

  it.concurrent('lose what came late in place, within a seventh of a window', async () => {
    let entry = '';
    const { content: late, gone } = await expiring({ ageMs: 2 * 60_000 }, async (lifeMs) => {
      entry = await write('user/old', { ageMs: 2 * 60_000, lifeMs: lifeMs() });
      await inFile(entry);
    });
    expect([late, entry].map((each) => tablesWith(each))).toEqual([['log_rows_late'], ['inbox_rows_late']]);
    await gone;
    for (const log of ['late-other', 'user/late-other'])
      await inFile(await write(log, { ageMs: 2 * 60_000, lifeMs: 90_000 }));
    expect(await until(() => filesWith(late).length + filesWith(entry).length === 0, 20_000)).toBe(true);
  });
});

it('lets entries of inboxes go when they have expired, while text stays that was written with them', async () => {
  let text = '';
  const { content: entry, gone } = await expiring({ log: 'user/@old:lux.example', ...inWhole() }, async () => {
    await eraseAccount('@old:lux.example');
    text = await write('beside', { lifeMs: 300_000, in: whole });
    await inFile(text, 'whole');
  });
  expect([entry, text].map((each) => tablesWith(each, 'whole'))).toEqual([['inbox_rows'], ['log_rows']]);
  await gone;
  await inFile(await write('user/young', { lifeMs: 90_000, in: whole }), 'whole');
  expect(await until(() => filesWith(entry, 'whole').length === 0, 20_000)).toBe(true);
  expect(filesWith(text, 'whole')).toHaveLength(1);
  expect(await whole.readRows('user/young', 1, all)).toHaveLength(1);
});

it('lets the old bytes of emptied rows go at `garbagecollect`, which must be told to look at cells', async () => {
  const contents = [
    await write('in-time', { lifeMs: 90_000, in: whole }),
    await write('late', { ageMs: 120_000, lifeMs: 90_000, in: whole }),
  ];
  await flush('whole');
  for (const log of ['in-time', 'late']) {
    const [old] = await whole.readRows(log, 1, all);
    const emptied = { ...old!, bytes: Buffer.alloc(0), writeMicros: Date.now() * 1000 };
    await whole.writeRows([{ log, segment: 1, rows: [emptied], replace: true, dueMs: null }]);
  }
  await flush('whole');
  const kept = () => contents.map((each) => filesWith(each, 'whole').length > 0);
  const collect = (...how: string[]) =>
    nodetool(cassandra.nodes[0]!, 'garbagecollect', ...how, 'whole', 'log_rows', 'log_rows_late');
  await collect();
  expect(kept()[0]).toBe(true);
  await collect('-g', 'CELL');
  expect(await until(() => !kept().includes(true), 5_000)).toBe(true);
  for (const log of ['in-time', 'late'])
    expect((await whole.readRows(log, 1, all)).map(({ bytes }) => bytes.length)).toEqual([0]);
});

/** Whether a file goes though a younger one, whose rows live on, holds a row as old as its own. As one does that was flushed across two windows. */
async function reachedBack(place: CassandraStore, keyspace: string): Promise<boolean> {
  const { content: old, gone } = await expiring({ in: place, keyspace }, async () => {
    const [now, content] = [Date.now(), random()];
    const row = { bytes: Buffer.from(content, 'latin1'), expiresMs: now + 300_000 };
    const rows = [30_000, 0].map((ageMs, at) => ({ ...row, seq: at + 1, writeMicros: (now - ageMs) * 1000 }));
    await place.writeRows([{ log: 'reaching', segment: 1, rows, replace: false, dueMs: null }]);
    await inFile(content, keyspace);
  });
  expect(filesWith(old, keyspace)).toHaveLength(1);
  await gone;
  await inFile(await write('later', { lifeMs: 90_000, in: place }), keyspace);
  return await until(() => filesWith(old, keyspace).length === 0, 6_000);
}
