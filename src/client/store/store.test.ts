import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import { openIndexedDbStore } from './indexeddb-store.ts';
import { MemoryStore } from './memory-store.ts';
import { sealingKey, sealStore } from './sealed-store.ts';
import { localStoreContract } from './store.contract.ts';
import { type LocalRange, prefixRange } from './store.ts';
import { tableInMemory } from './table-in-memory.ts';

let databases = 0;
const key = await sealingKey(new Uint8Array(32).fill(7));

describe('local store in memory', () => localStoreContract(async () => new MemoryStore()));
describe('local store in IndexedDB', () => localStoreContract(() => openIndexedDbStore(`store-${databases++}`)));
describe('sealed local store', () => {
  localStoreContract(async () => sealStore(new MemoryStore(), key));

  it('shows no plain text, and refuses rows that were swapped or sealed with another key', async () => {
    const below = new MemoryStore();
    const text = new TextEncoder().encode('a canary in the coal mine');
    const sealed = sealStore(below, key);
    await sealed.write([{ table: 'records', key: 'a', value: text }]);
    const raw = (await below.get('records', 'a')) as Uint8Array;
    expect(Buffer.from(raw).includes(Buffer.from('canary'))).toBe(false);
    await below.write([{ table: 'records', key: 'b', value: raw }]);
    await expect(sealed.get('records', 'b')).rejects.toMatchObject({ code: 'STORE' });
    const other = sealStore(below, await sealingKey(new Uint8Array(32).fill(8)));
    await expect(other.get('records', 'a')).rejects.toMatchObject({ code: 'STORE' });
  });
});

describe('local store with a table in memory', () => {
  for (const table of ['account', 'records', 'outbox'] as const) {
    describe(table, () => localStoreContract(async () => tableInMemory(new MemoryStore(), table)));
    describe(`${table}, sealed`, () =>
      localStoreContract(async () => tableInMemory(sealStore(new MemoryStore(), key), table)));
    describe(`${table}, in IndexedDB`, () =>
      localStoreContract(async () => tableInMemory(await openIndexedDbStore(`store-${databases++}`), table)));
  }

  const all = { ...prefixRange('!'), limit: 100_000 };
  const row = (at: number) => ({ table: 'undecrypted' as const, key: `!a:b ${at}`, value: Uint8Array.of(1) });

  it('is read from the disk once, what was written meanwhile included', async () => {
    const below = new MemoryStore();
    await below.write(Array.from({ length: 10_001 }, (_, at) => row(at)));
    const asked: LocalRange[] = [];
    const list = below.list.bind(below);
    below.list = (table, range) => {
      asked.push(range);
      return list(table, range);
    };
    const store = tableInMemory(below, 'undecrypted');
    const first = store.list('undecrypted', all);
    const more = store.write([row(10_001), { ...row(0), value: undefined }]);
    expect([(await first).length, (await store.list('undecrypted', all)).length]).toEqual([10_001, 10_001]);
    await more;
    expect(await store.get('undecrypted', '!a:b 0')).toBeUndefined();
    expect((await list('undecrypted', all)).length).toBe(10_001);
    expect(asked.length).toBe(2);
  });

  it('reads the disk again once a write or a read of it failed', async () => {
    const below = new MemoryStore();
    const store = tableInMemory(below, 'undecrypted');
    const { write, list } = MemoryStore.prototype;
    const full = () => Promise.reject(new Error('the disk is full'));
    const keys = async () => (await store.list('undecrypted', all)).map((one) => one.key);
    below.list = full;
    await expect(keys()).rejects.toThrow('full');
    below.list = list;
    await store.write([row(1)]);
    expect(await keys()).toEqual([row(1).key]);
    below.write = full;
    const refused = store.write([row(2)]);
    below.write = write;
    const written = store.write([row(3)]);
    await expect(refused).rejects.toThrow('full');
    await written;
    expect(await keys()).toEqual([row(1).key, row(3).key]);
    below.write = full;
    below.list = full;
    await expect(store.write([row(4)])).rejects.toThrow('full');
    await expect(keys()).rejects.toThrow('full');
    below.list = list;
    expect(await keys()).toEqual([row(1).key, row(3).key]);
  });
});
