// A Cassandra that stands still, or dies with a request under way: the store says that it knows nothing, asks nothing twice, and finds out afterwards.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LogMeta } from '#actors/ports/log-store.ts';
import { type Cassandra, startCassandra } from '../../../../deploy/dev/cassandra/cassandra.ts';
import { failureKind } from './failures.ts';
import { CassandraStore } from './store.ts';

const unanswered = { name: 'StorageError', code: 'UNANSWERED' };
const meta = (version: number): LogMeta => ({
  version,
  nextSegment: 2,
  segments: [{ id: 1, owner: { node: 'n', gen: 1 }, start: 1, end: null, firstExpiresMs: 0, lastExpiresMs: 0 }],
});
const all = { from: 1, through: 9, limit: 9, bytesMax: 999, backwards: false };

let cassandra: Cassandra;
const heard: string[] = [];
let store: CassandraStore;
beforeAll(async () => {
  cassandra = await startCassandra({ nodes: 1 });
  const { contactPoints, port } = cassandra;
  const place = { contactPoints, port, localDataCenter: 'datacenter1', replicationFactor: 1, keyspace: 'k' };
  const answered = (_: number, failure?: unknown) => {
    heard.push(failure === undefined ? 'well' : failureKind(failure));
  };
  store = await CassandraStore.open({ ...place, now: Date.now, requestTimeoutMs: 1_500, answered });
});
afterAll(async () => {
  await store?.close();
  await cassandra?.stop();
});

const row = { seq: 1, bytes: Buffer.from('a'), writeMicros: Date.now() * 1000, expiresMs: Date.now() + 3_600_000 };
const write = () => store.writeRows([{ log: 'l', segment: 1, rows: [row], replace: false, dueMs: null }]);

it('says neither yes nor no of what was not answered, and reads what became of it', async () => {
  const generation = await store.createGeneration('n');
  expect(await store.casMeta('l', meta(1))).toBe(true);
  await write();
  expect(new Set(heard.splice(0))).toEqual(new Set(['well']));
  cassandra.nodes[0]!.pause();
  const asked = [
    store.casMeta('l', meta(2)),
    store.casMeta('other', meta(1)),
    store.casShard(1, null, generation),
    store.fence(generation),
    store.readFence(generation),
    store.readMeta('l'),
    write(),
    store.writeState([{ log: 'l', rows: [{ key: 'k', value: Buffer.from('v'), segment: 1, seq: 1, sub: 0 }] }]),
  ];
  for (const each of await Promise.allSettled(asked))
    expect(each).toMatchObject({ status: 'rejected', reason: unanswered });
  expect(heard).toContain('silent');
  expect(heard).not.toContain('well');
  await expect(store.accounts().reserveUserId('@a:b')).rejects.toMatchObject({ code: 'ACCOUNT_STORE' });
  cassandra.nodes[0]!.resume();
  // Whatever came of each: it happened once, and the next change builds on what is there.
  const version = (await eventually(() => store.readMeta('l')))?.version ?? 0;
  expect([1, 2]).toContain(version);
  expect(await store.casMeta('l', meta(version + 1))).toBe(true);
  expect(await store.casMeta('l', meta(version + 1))).toBe(false);
  const other = (await store.readMeta('other'))?.version ?? 0;
  expect(await store.casMeta('other', meta(other + 1))).toBe(true);
  await write();
  expect(await store.readRows('l', 1, all)).toHaveLength(1);
  await store.fence(generation);
  expect(await store.readFence(generation)).toBe('fenced');
});

it('has what was acked when Cassandra was killed, and goes on when it is back', async () => {
  const acked: number[] = [];
  let enough = () => {};
  const begun = new Promise<void>((resume) => {
    enough = resume;
  });
  const append = async (seq: number) => {
    await store.writeRows([{ log: 'm', segment: 1, rows: [{ ...row, seq }], replace: false, dueMs: null }]);
    if (acked.push(seq) === 200) enough();
  };
  const writes = Array.from({ length: 2_000 }, (_, i) => append(i + 1));
  const settled = Promise.allSettled(writes);
  await begun;
  await cassandra.nodes[0]!.kill();
  await settled;
  await cassandra.nodes[0]!.restart();
  const range = { ...all, through: 9_999, limit: 9_999, bytesMax: 999_999 };
  const found = new Set((await eventually(() => store.readRows('m', 1, range))).map(({ seq }) => seq));
  expect(acked.filter((seq) => !found.has(seq))).toEqual([]);
  expect(acked.length).toBeGreaterThanOrEqual(200);
});

/** Asks until there is an answer: connections take a moment to come back. */
async function eventually<T>(ask: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + 30_000; ; ) {
    try {
      return await ask();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resume) => setTimeout(resume, 200));
    }
  }
}
