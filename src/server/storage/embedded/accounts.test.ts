// The account store on lmdb: the contract, and a real process that is killed while it writes.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { open } from 'lmdb';
import { describe, expect, it } from 'vitest';
import { accountStoreContract } from '../../auth/account-store.contract.ts';
import { AccountStoreError } from '../../auth/ports.ts';
import { embeddedAccounts } from './accounts.ts';

const openDatabase = (folder: string) =>
  open<unknown, string>({ path: join(folder, 'accounts.mdb'), encoding: 'json', overlappingSync: false });

describe('the account store on lmdb', () => {
  accountStoreContract(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'accounts-'));
    let database = openDatabase(folder);
    return {
      store: embeddedAccounts(database),
      reopen: async () => {
        await database.close();
        database = openDatabase(folder);
        return embeddedAccounts(database);
      },
      close: async () => {
        await database.close();
        rmSync(folder, { recursive: true });
      },
    };
  });

  it('leaves no row of the index behind', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'accounts-'));
    const database = openDatabase(folder);
    const store = embeddedAccounts(database);
    const family = {
      ...{ userId: '@a:b', deviceId: 'A', deviceNumber: 1, accessHash: '', accessExpiresMs: 0, refreshHash: '' },
      ...{ previousHash: '', used: false },
    };
    for (const version of [1, 2, 3]) await store.writeFamily('f', { ...family, version, expiresMs: version * 1000 });
    expect([...database.getKeys()]).toHaveLength(2);
    expect(await store.sweep(3000, 10)).toBe(0);
    await store.removeFamily('f');
    expect([...database.getKeys()]).toEqual([]);
    await database.close();
    rmSync(folder, { recursive: true });
  });

  it('fails with its own error once it is closed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'accounts-'));
    const database = openDatabase(folder);
    const store = embeddedAccounts(database);
    await database.close();
    await expect(store.userOf('x')).rejects.toBeInstanceOf(AccountStoreError);
    await expect(store.reserveUserId('x')).rejects.toBeInstanceOf(AccountStoreError);
    rmSync(folder, { recursive: true });
  });

  it('has everything that was promised after kill -9, again and again over the same files', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'accounts-'));
    const promised: string[] = [];
    for (let round = 0; round < 5; round++) {
      promised.push(...(await writeUntilKilled(folder, round, 20 + 17 * round)));
      const database = openDatabase(folder);
      const store = embeddedAccounts(database);
      for (const key of promised) expect(await store.reserveUserId(key)).toBe(false);
      await database.close();
    }
    expect(promised.length).toBeGreaterThan(200);
    rmSync(folder, { recursive: true });
  });
});

/** A process that reserves ids and says so once it was promised; killed when it has said `count`. */
async function writeUntilKilled(folder: string, round: number, count: number): Promise<string[]> {
  const program = `
    import { open } from 'lmdb';
    import { embeddedAccounts } from '${new URL('accounts.ts', import.meta.url).href}';
    const store = embeddedAccounts(open({ path: ${JSON.stringify(join(folder, 'accounts.mdb'))}, encoding: 'json', overlappingSync: false }));
    for (let n = 0; ; n += 4)
      await Promise.all([0, 1, 2, 3].map(async (k) => {
        const key = '@k${round}-' + (n + k);
        await store.reserveUserId(key);
        process.stdout.write(key + '\\n');
      }));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    said.push(line);
    if (said.length === count) child.kill('SIGKILL');
  });
  await new Promise((ended) => child.once('close', ended));
  return said;
}
