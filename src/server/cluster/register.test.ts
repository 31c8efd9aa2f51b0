// Who is a node of the provider, and for how long after it was last heard of.
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryTable } from '#server/storage/table.ts';
import type { NodePlace } from './links.ts';
import { Register, registerLimits } from './register.ts';

const { lifeMs, renewMs } = registerLimits;
const placeOf = (node: string, seat: number): NodePlace => ({ node, gen: seat, seat, address: `${node}:${seat}` });
const [a, b] = [placeOf('a', 1), placeOf('b', 2)];

describe('the register', () => {
  let table: MemoryTable;
  let register: Register;
  let now = 0;
  beforeEach(() => {
    now = 1_000_000_000_000;
    table = new MemoryTable();
    register = new Register(table, () => now);
  });
  const keys = async () => (await table.list({ limit: 100 })).map(({ key }) => key);

  it('gives every process a seat of its own, of many that ask at once too', async () => {
    const seats = await Promise.all(Array.from({ length: 20 }, () => register.takeSeat()));
    expect([...seats].sort((x, y) => x - y)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
  });

  it('has the newest process of each node, whoever says later where it answers', async () => {
    const newer = placeOf('a', 3);
    for (const place of [a, b, newer]) await register.put(place);
    expect(await register.list()).toEqual([newer, b]);
    // It was paused, and does not know yet that another one took its place.
    await register.put(a);
    expect(await register.list()).toEqual([newer, b]);
  });

  it('has one of them when both say so at once', async () => {
    const newer = placeOf('a', 3);
    await Promise.all([register.put(a), register.put(newer), register.put(a)]);
    expect(await register.list()).toEqual([newer]);
  });

  it('finds 1,000 nodes, and of one more not the last by name', async () => {
    expect(registerLimits.nodesMax).toBe(1_000);
    const named = (n: number) => placeOf(`n${String(n).padStart(5, '0')}`, n + 1);
    const row = (n: number) => Buffer.from(JSON.stringify({ ...named(n), renewedMs: now }));
    const rows = Array.from({ length: registerLimits.nodesMax }, (_, n) => ({
      key: `node/${named(n).node}`,
      value: row(n),
    }));
    await table.change(rows);
    expect((await register.list()).at(-1)).toEqual(named(999));
    expect(await register.list()).toHaveLength(1_000);
    await register.put(named(1_000));
    expect(await register.list()).toHaveLength(1_000);
    expect((await register.list()).at(-1)).toEqual(named(999));
  });

  // Nodes that were gone for good stayed for ever, and were dialled for ever.
  it('forgets a node that has not renewed its place for a day, and not a moment before', async () => {
    await register.put(a);
    await register.put(b);
    now += lifeMs;
    expect(await register.list()).toEqual([a, b]);
    await register.put(b);
    expect(await keys()).toEqual(['node/a', 'node/b']);
    now += 1;
    expect(await register.list()).toEqual([b]);
    await register.put(b);
    expect(await keys()).toEqual(['node/b']);
    await register.put(a);
    expect(await register.list()).toEqual([a, b]);
  });

  it('keeps a node that renews, however long', async () => {
    for (let ms = 0; ms < 3 * lifeMs; ms += renewMs) {
      await register.put(a);
      now += renewMs;
    }
    expect(await register.list()).toEqual([a]);
  });

  it('keeps a row of an earlier version, which says no time, until its node starts again', async () => {
    await table.change([{ key: 'node/a', value: Buffer.from(JSON.stringify(a)) }]);
    await register.put(b);
    expect(await register.list()).toEqual([a, b]);
    await register.put(placeOf('a', 3));
    now += lifeMs + 1;
    await register.put(b);
    expect(await register.list()).toEqual([b]);
  });

  it('does not remove a node that comes back at that moment', async () => {
    await register.put(a);
    now += lifeMs + 1;
    const slow = new Register(
      {
        get: (key) => table.get(key),
        change: (changes) => table.change(changes),
        list: async (options) => {
          const rows = await table.list(options);
          await register.put(a);
          return rows;
        },
      },
      () => now,
    );
    await slow.put(b);
    expect(await register.list()).toEqual([a, b]);
  });
});
