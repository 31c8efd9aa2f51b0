// What every store must do: its own promises first, then the protocol of the log on top of it, with owners that stand still, come back, hear
// nothing, and write late. Run by memory, the embedded store and Cassandra.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Generation, LogMeta, RowWrite, StoredRow } from '#actors/ports/log-store.ts';
import { logContract } from './contract-log.ts';
import { lostAnswersContract } from './contract-lost-answers.ts';
import { movesContract } from './contract-moves.ts';
import { bytes, text, type World, yearMs } from './contract-owner.ts';
import { ownersContract } from './contract-owners.ts';
import type { Store } from './store.ts';

/** A store under test. `reopen` closes it and opens it again over the same data; memory has none. */
export interface OpenedStore {
  readonly store: Store;
  readonly reopen?: () => Promise<Store>;
  readonly remove?: () => Promise<void>;
}

export interface StoreFactory {
  readonly name: string;
  /** A fresh empty store by this clock of the node; `trueNow` is for stores that have a clock of their own. */
  open(now: () => number, trueNow: () => number): Promise<OpenedStore>;
}

export const start = Date.UTC(2027, 0, 13);
const dayMs = 24 * 3_600_000;

/** A row as tests write them. */
export function row(seq: number, content: string, from: Partial<StoredRow> = {}): StoredRow {
  return { seq, bytes: bytes(content), writeMicros: start * 1000, expiresMs: start + yearMs, ...from };
}

function write(log: string, segment: number, ...rows: StoredRow[]): RowWrite {
  return { log, segment, rows, replace: false, dueMs: null };
}

const all = { from: 1, through: Number.MAX_SAFE_INTEGER, limit: 1000, bytesMax: 1_000_000, backwards: false };

export function storeContract(factory: StoreFactory): void {
  let now = start;
  /** How far the node's clock is ahead. */
  let ahead = 0;
  let opened: OpenedStore;
  let store: Store;
  beforeEach(async () => {
    [now, ahead] = [start, 0];
    opened = await factory.open(
      () => now,
      () => now - ahead,
    );
    store = opened.store;
  });
  afterEach(async () => {
    await store.close();
    await opened.remove?.();
  });
  const texts = async (log: string, segment: number, range: Partial<typeof all> = {}) =>
    (await store.readRows(log, segment, { ...all, ...range })).map((each) => `${each.seq} ${text(each.bytes)}`);

  describe(`generations and shards, ${factory.name}`, () => {
    it('makes a generation once, alive, and fences it for ever', async () => {
      const made = await Promise.all(Array.from({ length: 20 }, () => store.createGeneration('n')));
      expect(new Set(made.map(({ gen }) => gen)).size).toBe(20);
      const [a, b] = made as [Generation, Generation];
      expect(await store.readFence(a)).toBe('alive');
      await store.fence(a);
      await store.fence(a);
      expect(await store.readFence(a)).toBe('fenced');
      expect(await store.readFence(b)).toBe('alive');
      expect(await store.readAlive('n', b)).toHaveLength(18);
      expect((await store.createGeneration('n')).gen).toBeGreaterThan(20);
    });

    it('holds a generation that nobody made for fenced', async () => {
      expect(await store.readFence({ node: 'n', gen: 7 })).toBe('fenced');
    });

    it('gives a shard to one of all who ask', async () => {
      const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((node) => store.createGeneration(node)));
      const taken = await Promise.all([a, b, c].map((owner) => store.casShard(3, null, owner as Generation)));
      expect(taken.filter(Boolean)).toHaveLength(1);
      const owner = { ...([a, b, c][taken.indexOf(true)] as Generation), version: 1 };
      expect(await store.readShard(3)).toEqual(owner);
      expect(await store.casShard(3, null, a as Generation)).toBe(false);
      expect(await store.casShard(3, { ...owner, version: 2 }, b as Generation)).toBe(false);
      expect(await store.casShard(3, owner, b as Generation)).toBe(true);
      expect(await store.casShard(3, owner, c as Generation)).toBe(false);
      expect(await store.readShard(3)).toEqual({ ...b, version: 2 });
      expect(await store.readShard(4)).toBeNull();
    });
  });

  describe(`metas, ${factory.name}`, () => {
    const meta = (version: number): LogMeta => ({
      version,
      nextSegment: 2,
      segments: [{ id: 1, owner: { node: 'n', gen: 1 }, start: 1, end: null, firstExpiresMs: 0, lastExpiresMs: 0 }],
    });

    it('changes a meta by its version only', async () => {
      expect(await store.readMeta('room/a')).toBeNull();
      expect(await store.casMeta('room/a', meta(2))).toBe(false);
      const made = await Promise.all(Array.from({ length: 50 }, () => store.casMeta('room/a', meta(1))));
      expect(made.filter(Boolean)).toHaveLength(1);
      expect(await store.casMeta('room/a', meta(1))).toBe(false);
      expect(await store.casMeta('room/a', meta(3))).toBe(false);
      expect(await store.casMeta('room/a', meta(2))).toBe(true);
      expect(await store.readMeta('room/a')).toEqual(meta(2));
      expect(await store.readMeta('room/ab')).toBeNull();
    });
  });

  describe(`rows, ${factory.name}`, () => {
    it('returns what was written, of one segment of one log', async () => {
      const [b, a, other] = [row(2, 'b'), row(1, 'a'), row(1, 'x')];
      await store.writeRows([write('room/a', 1, b, a), write('room/a', 2, other), write('room/ab', 1, other)]);
      expect(await store.readRows('room/a', 1, all)).toEqual([a, b]);
      expect(await texts('room/a', 2)).toEqual(['1 x']);
      expect(await texts('room/none', 1)).toEqual([]);
    });

    it('cuts an answer at rows and bytes, both ways, and passes over missing rows', async () => {
      const rows = [1, 2, 4, 5, 6].map((seq) => row(seq, 'xxxx'));
      await store.writeRows([write('l', 1, ...rows)]);
      expect(await texts('l', 1, { from: 2, limit: 2 })).toEqual(['2 xxxx', '4 xxxx']);
      expect(await texts('l', 1, { through: 5, limit: 2, backwards: true })).toEqual(['4 xxxx', '5 xxxx']);
      expect(await texts('l', 1, { bytesMax: 8 })).toEqual(['1 xxxx', '2 xxxx']);
      expect(await texts('l', 1, { bytesMax: 7 })).toEqual(['1 xxxx']);
      expect(await texts('l', 1, { bytesMax: 1 })).toEqual(['1 xxxx']);
      expect(await texts('l', 1, { from: 3, through: 3 })).toEqual([]);
      expect(await texts('l', 1, { from: 2, through: 4, bytesMax: 7, backwards: true })).toEqual(['4 xxxx']);
    });

    it('holds rows of every size and many logs in one call', async () => {
      const content = (i: number) => 'x'.repeat([10, 4_000, 20_000, 60_000][i % 4] as number);
      const logs = Array.from({ length: 200 }, (_, i) => i);
      await store.writeRows(logs.map((i) => write(`room/${i}`, 1, row(1, `r${i}`), row(2, content(i)))));
      const found = await Promise.all(logs.map((i) => texts(`room/${i}`, 1)));
      expect(found).toEqual(logs.map((i) => [`1 r${i}`, `2 ${content(i)}`]));
    });

    it('tells of nothing before it can be read', async () => {
      const logs = Array.from({ length: 30 }, (_, i) => `room/${i}`);
      const found: Promise<string[]>[] = [];
      const told = new Set<number>();
      const writes = logs.map((log, i) => ({
        ...write(log, 1, row(1, log), row(2, log)),
        dueMs: i % 2 ? start : null,
      }));
      await store.writeRows(writes, (at) => {
        told.add(at);
        found.push(texts(logs[at]!, 1));
      });
      expect(found.length).toBe(told.size);
      for (const each of await Promise.all(found)) expect(each).toHaveLength(2);
    });

    it('keeps rooms and users apart that are named alike, in one call', async () => {
      const logs = ['l', 'user/l', 'room/user/l', 'user/user/l'];
      await store.writeRows(logs.map((log) => write(log, 1, row(1, `of ${log}`))));
      for (const log of logs) expect(await texts(log, 1)).toEqual([`1 of ${log}`]);
    });
  });

  /** What lives for months and what lives for days may lie in different places. */
  describe.each(['room/!l:lux', 'user/@l:lux'])(`rows of %s, ${factory.name}`, (log) => {
    it('keeps the later of two versions, and the larger at a tie', async () => {
      const later = { writeMicros: start * 1000 + 1 };
      const replace = (...rows: StoredRow[]): RowWrite[] => [{ ...write(log, 1, ...rows), replace: true }];
      await store.writeRows([write(log, 1, row(1, 'old'), row(2, 'same'))]);
      await store.writeRows(replace(row(1, '', later), row(2, 'sam')));
      expect(await texts(log, 1)).toEqual(['1 ', '2 same']);
      await store.writeRows(replace(row(1, 'old'), row(3, 'new')));
      expect(await texts(log, 1)).toEqual(['1 ', '2 same', '3 new']);
    });

    it('takes rows that come weeks late, and merges them with the others', async () => {
      const late = (seq: number, content: string, days: number) =>
        row(seq, content, { writeMicros: (start - days * dayMs) * 1000, expiresMs: start + (722 - days) * dayMs });
      await store.writeRows([
        write(log, 1, row(1, 'a'), late(2, 'b', 30), row(3, 'c'), late(4, 'd', 8), late(5, 'e', 400)),
      ]);
      expect(await texts(log, 1)).toEqual(['1 a', '2 b', '3 c', '4 d', '5 e']);
      expect(await store.readRows(log, 1, { ...all, from: 5 })).toEqual([late(5, 'e', 400)]);
      expect(await texts(log, 1, { through: 4, limit: 3, backwards: true })).toEqual(['2 b', '3 c', '4 d']);
      expect(await texts(log, 1, { bytesMax: 3 })).toEqual(['1 a', '2 b', '3 c']);
      // Emptied now; then the first version once more, later still, and one that has expired.
      await store.writeRows([{ ...write(log, 1, { ...late(2, '', 30), writeMicros: start * 1000 }), replace: true }]);
      await store.writeRows([{ ...write(log, 1, late(2, 'b', 30)), replace: true }]);
      await store.writeRows([write(log, 1, late(6, 'f', 722))]);
      expect(await texts(log, 1)).toEqual(['1 a', '2 ', '3 c', '4 d', '5 e']);
    });

    it('reads a row as absent from the moment it expires', async () => {
      await store.writeRows([
        write(log, 1, row(1, 'a', { expiresMs: start + 1000 }), row(2, 'b', { expiresMs: start + 2000 })),
      ]);
      now = start + 999;
      expect(await texts(log, 1)).toEqual(['1 a', '2 b']);
      now = start + 1000;
      expect(await texts(log, 1)).toEqual(['2 b']);
      await store.expire();
      expect(await texts(log, 1)).toEqual(['2 b']);
      now = start + 2000;
      expect(await texts(log, 1)).toEqual([]);
    });
  });

  describe(`what is due, ${factory.name}`, () => {
    it('names the segments that are due, earliest first, until they are dropped', async () => {
      await store.writeRows([
        { ...write('l', 1, row(1, 'a')), dueMs: start + 20 },
        { ...write('l', 2, row(1, 'a')), dueMs: start + 10 },
        { ...write('l', 3, row(1, 'a')), dueMs: start + 30 },
      ]);
      const { shardOf } = await import('#actors/log/shards.ts');
      const due = await store.readDue(shardOf('l'), start + 29, 10);
      expect(due.map(({ segment }) => segment)).toEqual([2, 1]);
      expect(await store.readDue(shardOf('l'), start + 29, 1)).toHaveLength(1);
      expect(await store.readDue((shardOf('l') + 1) % 64, start + 29, 10)).toEqual([]);
      await store.dropDue(shardOf('l'), due.slice(0, 1));
      expect(await store.readDue(shardOf('l'), start + 30, 10)).toMatchObject([{ segment: 1 }, { segment: 3 }]);
      await store.writeRows([{ ...write('l', 0), dueMs: start + 5 }]);
      expect(await store.readDue(shardOf('l'), start + 5, 1)).toEqual([{ dueMs: start + 5, log: 'l', segment: 0 }]);
      expect(await texts('l', 0)).toEqual([]);
    });

    it('names what was due before it was written, and what is left for days', async () => {
      const { shardOf } = await import('#actors/log/shards.ts');
      const due = async () => (await store.readDue(shardOf('l'), now, 10)).map(({ segment }) => segment).sort();
      const write = (segment: number, dueMs: number) =>
        store.writeRows([{ log: 'l', segment, rows: [], replace: false, dueMs }]);
      await write(1, start - 30 * dayMs);
      expect(await due()).toEqual([1]);
      await write(2, start + dayMs);
      [now, ahead] = [start + 3 * dayMs, dayMs];
      for (let i = 0; i < 3; i++) {
        expect(await due()).toEqual([1, 2]);
        now += 3_600_000;
      }
      // The clock is set right.
      [now, ahead] = [now - dayMs, 0];
      await write(3, now);
      expect(await due()).toEqual([1, 2, 3]);
      await store.dropDue(shardOf('l'), await store.readDue(shardOf('l'), now, 10));
      expect(await due()).toEqual([]);
      await write(4, now);
      expect(await due()).toEqual([4]);
    });
  });

  describe(`state rows, ${factory.name}`, () => {
    const set = (key: string, value: string | null, stamp: [number, number, number]) => ({
      key,
      value: value === null ? null : bytes(value),
      segment: stamp[0],
      seq: stamp[1],
      sub: stamp[2],
    });
    const values = async (log: string, keys?: string[]) =>
      Object.fromEntries((await store.readState(log, keys)).map(({ key, value }) => [key, text(value)]));

    it('lets the greater stamp win and an older write lose silently', async () => {
      await store.writeState([{ log: 'l', rows: [set('a', '1', [2, 5, 0]), set('b', '1', [2, 5, 1])] }]);
      await store.writeState([{ log: 'l', rows: [set('a', 'old', [1, 9, 9]), set('b', '2', [2, 5, 2])] }]);
      expect(await values('l')).toEqual({ a: '1', b: '2' });
      await store.writeState([{ log: 'l', rows: [set('a', 'old', [2, 4, 9]), set('b', 'old', [2, 5, 1])] }]);
      expect(await values('l')).toEqual({ a: '1', b: '2' });
      await store.writeState([{ log: 'l', rows: [set('a', '2', [3, 1, 0])] }]);
      expect(await store.readState('l', ['a'])).toEqual([{ ...set('a', '2', [3, 1, 0]) }]);
    });

    it('deletes, also against a late write', async () => {
      await store.writeState([{ log: 'l', rows: [set('a', '1', [1, 1, 0])] }]);
      await store.writeState([{ log: 'l', rows: [set('a', null, [1, 3, 0])] }]);
      await store.writeState([{ log: 'l', rows: [set('a', 'late', [1, 2, 0])] }]);
      expect(await values('l')).toEqual({});
      await store.writeState([{ log: 'l', rows: [set('a', 'new', [1, 4, 0])] }]);
      expect(await values('l')).toEqual({ a: 'new' });
    });

    it('keeps logs apart and reads single keys', async () => {
      const rows = [set('a', '1', [1, 1, 0]), set('ab', '2', [1, 1, 0]), set('empty', '', [1, 1, 0])];
      await store.writeState([
        { log: 'l', rows },
        { log: 'l2', rows: [set('a', '3', [1, 1, 0])] },
      ]);
      expect(await values('l')).toEqual({ a: '1', ab: '2', empty: '' });
      expect(await values('l', ['a', 'missing'])).toEqual({ a: '1' });
      expect(await values('l2')).toEqual({ a: '3' });
    });
  });

  it(`keeps everything over a restart, ${factory.name}`, async () => {
    // A store that forgets promises nothing here.
    if (opened.reopen === undefined) return;
    const generation = await store.createGeneration('n');
    await store.fence(generation);
    await store.casShard(1, null, generation);
    await store.writeRows([{ ...write('l', 1, row(1, 'a')), dueMs: start + 5 }]);
    await store.writeState([{ log: 'l', rows: [{ key: 'k', value: bytes('v'), segment: 1, seq: 1, sub: 0 }] }]);
    store = await opened.reopen();
    const { shardOf } = await import('#actors/log/shards.ts');
    expect(await store.readFence(generation)).toBe('fenced');
    expect((await store.createGeneration('n')).gen).toBeGreaterThan(generation.gen);
    expect(await store.readShard(1)).toEqual({ ...generation, version: 1 });
    expect(await texts('l', 1)).toEqual(['1 a']);
    expect(await store.readState('l')).toHaveLength(1);
    expect(await store.readDue(shardOf('l'), start + 5, 9)).toHaveLength(1);
  });

  const world: World = {
    store: () => store,
    now: () => now,
    pass: (ms) => {
      now += ms;
    },
  };
  logContract(factory.name, world);
  ownersContract(factory.name, world);
  lostAnswersContract(factory.name, world);
  movesContract(factory.name, world);
}
