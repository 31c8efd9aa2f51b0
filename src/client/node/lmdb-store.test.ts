import { mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { localStoreContract } from '../store.contract.ts';
import { openLmdbStore } from './lmdb-store.ts';

const folder = () => mkdtempSync(join(tmpdir(), 'local-'));

describe('local store in lmdb', () => {
  localStoreContract(async () => openLmdbStore(folder()));

  it('keeps what was written after it is opened again, for its owner alone', async () => {
    const path = folder();
    const store = openLmdbStore(path);
    await store.write([{ table: 'account', key: 'self', value: Uint8Array.of(5) }]);
    await store.close();
    const again = openLmdbStore(path);
    expect(await again.get('account', 'self')).toEqual(Uint8Array.of(5));
    await again.close();
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(statSync(join(path, 'local.mdb')).mode & 0o777).toBe(0o600);
  });
});
