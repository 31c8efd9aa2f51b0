import { spawnSync } from 'node:child_process';
import { mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { localStoreContract } from '../store/store.contract.ts';
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

  // A failed write was a plain error, and a second promise that nobody heard ended the process.
  it('fails everything as STORE after a write that did not reach the disk, keeps what was promised, and the process lives', async () => {
    const path = folder();
    const program = `
      import { openLmdbStore } from '${new URL('./lmdb-store.ts', import.meta.url).href}';
      const store = openLmdbStore(${JSON.stringify(path)});
      const key = (n) => String(n).padStart(6, '0');
      const put = (n) => store.write([
        { table: 'records', key: key(n), value: new Uint8Array(20_000) },
        { table: 'account', key: 'kept', value: new TextEncoder().encode(key(n)) },
      ]);
      const codeOf = (asked) => asked.then(() => 'done', ({ code }) => code);
      let kept = 0;
      while ((await codeOf(put(kept + 1))) === 'done') kept++;
      const after = [put(99), put(100), store.get('account', 'kept'), store.list('records', { from: '', to: 'z' })];
      console.log(kept, ...(await Promise.all(after.map(codeOf))));
      await store.close();
      await new Promise((resolve) => setImmediate(resolve));
      console.log('lives');`;
    // Files of at most 300 KiB play the full disk.
    const limited = ['-c', 'ulimit -f 600; exec "$0" --input-type=module -e "$1"', process.execPath, program];
    const cwd = new URL('../../..', import.meta.url).pathname;
    const { stdout, status } = spawnSync('sh', limited, { encoding: 'utf8', cwd, stdio: ['ignore', 'pipe', 'ignore'] });
    const [first = '', last] = stdout.trim().split('\n');
    const [kept, ...codes] = first.split(' ');
    expect([codes, last, status]).toEqual([['STORE', 'STORE', 'STORE', 'STORE'], 'lives', 0]);
    const store = openLmdbStore(path);
    expect(Number(kept)).toBeGreaterThan(3);
    expect(new TextDecoder().decode(await store.get('account', 'kept'))).toBe(String(kept).padStart(6, '0'));
    expect(await store.list('records', { from: '', to: 'z' })).toHaveLength(Number(kept));
    await store.close();
  });
});
