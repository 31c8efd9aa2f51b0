import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import { openIndexedDbStore } from './indexeddb-store.ts';
import { MemoryStore } from './memory-store.ts';
import { sealingKey, sealStore } from './sealed-store.ts';
import { localStoreContract } from './store.contract.ts';

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
