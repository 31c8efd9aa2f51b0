// What every local store must do: run by memory, IndexedDB and lmdb, plain and sealed.
import { afterEach, expect, it } from 'vitest';
import { type LocalStore, orderedNumber, prefixRange } from './store.ts';

/** Runs the suite over stores that `open` makes: a fresh empty one at each call. */
export function localStoreContract(open: () => Promise<LocalStore>): void {
  const opened: LocalStore[] = [];
  const fresh = async () => {
    const store = await open();
    opened.push(store);
    return store;
  };
  const bytes = (...values: number[]) => Uint8Array.from(values);
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
  });

  it('gives back what was written, and nothing else', async () => {
    const store = await fresh();
    expect(await store.get('account', 'self')).toBeUndefined();
    await store.write([{ table: 'account', key: 'self', value: bytes(1, 2, 3) }]);
    expect(await store.get('account', 'self')).toEqual(bytes(1, 2, 3));
    expect(await store.get('rooms', 'self')).toBeUndefined();
    await store.write([{ table: 'account', key: 'self', value: undefined }]);
    expect(await store.get('account', 'self')).toBeUndefined();
  });

  it('lists ranges in key order, forwards, backwards and limited', async () => {
    const store = await fresh();
    const numbers = [0, 1, 15, 16, 255, 256, 2 ** 32, 2 ** 53 - 1];
    await store.write(
      numbers
        .toReversed()
        .map((n) => ({ table: 'records', key: `!a:b ${orderedNumber(n)}`, value: bytes(numbers.indexOf(n)) })),
    );
    await store.write([{ table: 'records', key: '!a:bc 00', value: bytes(99) }]);
    const all = await store.list('records', prefixRange('!a:b '));
    expect(all.map((row) => row.value[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    const back = await store.list('records', { ...prefixRange('!a:b '), backwards: true, limit: 3 });
    expect(back.map((row) => row.value[0])).toEqual([7, 6, 5]);
    const bounded = { from: `!a:b ${orderedNumber(15)}`, to: `!a:b ${orderedNumber(256)}` };
    expect((await store.list('records', bounded)).map((row) => row.value[0])).toEqual([2, 3, 4]);
    expect((await store.list('records', { ...bounded, backwards: true })).map((row) => row.value[0])).toEqual([
      4, 3, 2,
    ]);
  });

  it('takes writes in the order they were started, without waiting', async () => {
    const store = await fresh();
    const writes = Array.from({ length: 50 }, (_, at) =>
      store.write([{ table: 'outbox', key: 'x', value: bytes(at) }]),
    );
    await Promise.all(writes);
    expect(await store.get('outbox', 'x')).toEqual(bytes(49));
  });

  it('reads what a write that was started before it brings', async () => {
    const store = await fresh();
    const write = store.write([{ table: 'account', key: 'self', value: bytes(1) }]);
    expect(await store.get('account', 'self')).toEqual(bytes(1));
    await write;
    const remove = store.write([{ table: 'account', key: 'self', value: undefined }]);
    expect(await store.list('account', { from: '', to: 'z' })).toEqual([]);
    await remove;
  });

  it.each([
    ['a key that is empty', { key: '', value: bytes(2) }],
    ['a key of 1,025 characters', { key: 'k'.repeat(1_025), value: bytes(2) }],
    ['a value that is no bytes', { key: 'b', value: (() => {}) as never }],
  ])('takes all of a write or nothing: %s', async (_, wrong) => {
    const store = await fresh();
    await store.write([{ table: 'people', key: 'a', value: bytes(1) }]);
    const changes = [
      { table: 'people', key: 'a', value: undefined },
      { table: 'outbox', key: 'x', value: bytes(9) },
      { table: 'people', ...wrong },
    ] as const;
    await expect(store.write(changes)).rejects.toMatchObject({ code: 'STORE' });
    expect(await store.get('people', 'a')).toEqual(bytes(1));
    expect(await store.get('outbox', 'x')).toBeUndefined();
    await store.write([{ table: 'people', key: 'k'.repeat(1_024), value: bytes(3) }]);
    expect(await store.get('people', 'k'.repeat(1_024))).toEqual(bytes(3));
  });

  it('keeps its own copy of what it was given', async () => {
    const store = await fresh();
    const value = bytes(1);
    const write = store.write([{ table: 'people', key: 'x', value }]);
    await write;
    value[0] = 9;
    expect(await store.get('people', 'x')).toEqual(bytes(1));
  });

  it('refuses everything after close', async () => {
    const store = await fresh();
    await store.close();
    await expect(store.get('account', 'x')).rejects.toMatchObject({ code: 'STORE' });
    await expect(store.list('account', { from: '', to: 'z' })).rejects.toMatchObject({ code: 'STORE' });
    await expect(store.write([{ table: 'account', key: 'x', value: bytes(1) }])).rejects.toMatchObject({
      code: 'STORE',
    });
  });
}
