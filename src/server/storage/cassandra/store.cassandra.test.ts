// The contract of every store, on a real Cassandra; then what only a store that several servers share can show.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogMeta } from '#actors/ports/log-store.ts';
import { storeContract } from '../contract.ts';
import { type CassandraOptions, CassandraStore } from './store.ts';
import { emptyTables, Scope, testOptions } from './test/fixture.ts';

let options: CassandraOptions;
beforeAll(async () => {
  options = await testOptions();
});

storeContract({
  name: 'cassandra',
  async open(now, trueNow) {
    const scope = new Scope();
    const open = async () => await CassandraStore.open({ ...options, now, storeNow: async () => trueNow() });
    const store = await open();
    await emptyTables(options, ['floors', 'log_due']);
    const reopen = async () => {
      await store.close();
      return scope.over(await open());
    };
    return { store: scope.over(store), reopen };
  },
});

describe('several servers at once', () => {
  let stores: CassandraStore[];
  beforeAll(async () => {
    stores = await Promise.all([1, 2, 3, 4].map(() => CassandraStore.open(options)));
  });
  afterAll(async () => {
    await Promise.all(stores.map((each) => each.close()));
  });
  const meta = (version: number): LogMeta => ({
    version,
    nextSegment: 2,
    segments: [{ id: 1, owner: { node: 'n', gen: 1 }, start: 1, end: null, firstExpiresMs: 0, lastExpiresMs: 0 }],
  });
  /** What is asked of all servers, several times each: how many heard yes. Nobody may hear nothing where they do not fight for seconds. */
  const yes = async (ask: (store: CassandraStore) => Promise<boolean>) => {
    const answers = await Promise.all(stores.flatMap((store) => [ask(store), ask(store), ask(store)]));
    return answers.filter(Boolean).length;
  };

  it('are told yes once of what only one can have', async () => {
    const { prefix } = new Scope();
    const owner = { node: 'n', gen: 1 };
    for (let version = 1; version <= 5; version++)
      expect(await yes((store) => store.casMeta(prefix, meta(version)))).toBe(1);
    const shard = 1_000_000_000 + Math.floor(Math.random() * 1_000_000_000);
    expect(await yes((store) => store.casShard(shard, null, owner))).toBe(1);
    expect(await yes((store) => store.accounts().reserveUserId(prefix))).toBe(1);
    const put = { key: 'k', expected: null, value: Buffer.from('v') };
    expect(await yes((store) => store.table(prefix).change([put]))).toBe(1);
  });

  it('get generations of their own, and see at once what another one has fenced', async () => {
    const { prefix } = new Scope();
    const made = await Promise.all(stores.flatMap((store) => [1, 2, 3].map(() => store.createGeneration(prefix))));
    expect(new Set(made.map(({ gen }) => gen)).size).toBe(12);
    for (const [at, generation] of made.entries()) {
      const [one, other] = [stores[at % 4]!, stores[(at + 1) % 4]!];
      expect(await other.readFence(generation)).toBe('alive');
      await Promise.all([one.fence(generation), other.fence(generation)]);
      for (const store of stores) expect(await store.readFence(generation)).toBe('fenced');
    }
  });

  it('know how far their clocks are from Cassandra’s', async () => {
    expect(Math.abs((await stores[0]!.clockSkew()).skewMs)).toBeLessThan(1_000);
    const ahead = await CassandraStore.open({ ...options, now: () => Date.now() + 90_000 });
    expect(Math.abs((await ahead.clockSkew()).skewMs - 90_000)).toBeLessThan(1_000);
    await ahead.close();
  });

  it('say so when they are used after they were closed', async () => {
    const store = await CassandraStore.open(options);
    const asked = store.readMeta('l');
    await Promise.all([store.close(), store.close()]);
    expect(await asked).toBeNull();
    await expect(store.readMeta('l')).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('hold what a log may be: many rows in one segment, a state of several large rows', async () => {
    const { prefix } = new Scope();
    const [store] = stores as [CassandraStore];
    const rows = Array.from({ length: 10_000 }, (_, i) => ({
      ...{ seq: i + 1, writeMicros: Date.now() * 1000, expiresMs: Date.now() + 3_600_000 },
      bytes: Buffer.alloc(300, i),
    }));
    for (let at = 0; at < rows.length; at += 2_500)
      await store.writeRows([
        { log: prefix, segment: 1, rows: rows.slice(at, at + 2_500), replace: false, dueMs: null },
      ]);
    const range = { from: 1, through: 99_999, limit: 99_999, bytesMax: 99_999_999, backwards: false };
    const found = await store.readRows(prefix, 1, range);
    expect(found.map(({ seq }) => seq)).toEqual(rows.map(({ seq }) => seq));
    expect((await store.readRows(prefix, 1, { ...range, limit: 3_000, backwards: true })).at(0)?.seq).toBe(7_001);
    const keys = Array.from({ length: 3 }, (_, i) => ({ key: `${i}`, value: Buffer.alloc(1024 * 1024, i) }));
    await store.writeState([{ log: prefix, rows: keys.map((each) => ({ ...each, segment: 1, seq: 1, sub: 0 })) }]);
    expect((await store.readState(prefix)).map(({ value }) => value.length)).toEqual(keys.map(() => 1024 * 1024));
  });
});
