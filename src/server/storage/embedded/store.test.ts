import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { shardOf } from '#actors/log/shards.ts';
import type { StoredRow } from '#actors/ports/log-store.ts';
import { accountStoreContract } from '../../auth/account-store.contract.ts';
import { backupsContract } from '../backups.contract.ts';
import { row, start, storeContract } from '../contract.ts';
import { directoryContract } from '../directory.contract.ts';
import { tableContract } from '../table.contract.ts';
import { testFolder } from './fixture.ts';
import { EmbeddedStore } from './store.ts';
import { endOfWeek, parseWeek, weekMs, weekName, weekOf } from './week.ts';

storeContract({
  name: 'embedded',
  async open(now) {
    const { folder, remove } = testFolder();
    const store = await EmbeddedStore.open({ folder, now });
    const reopen = async () => {
      await store.close();
      return await EmbeddedStore.open({ folder, now });
    };
    return { store, reopen, remove };
  },
});

tableContract('embedded', async () => {
  const { folder, remove } = testFolder();
  const over = (store: EmbeddedStore) => ({
    table: (name: string) => store.table(name),
    reopen: async () => {
      await store.close();
      return over(await EmbeddedStore.open({ folder, now: Date.now }));
    },
    close: async () => {
      await store.close();
      await remove();
    },
  });
  return over(await EmbeddedStore.open({ folder, now: Date.now }));
});

directoryContract('embedded', async () => {
  const { folder, remove } = testFolder();
  let store = await EmbeddedStore.open({ folder, now: Date.now });
  return {
    store: store.directory(),
    reopen: async () => {
      await store.close();
      store = await EmbeddedStore.open({ folder, now: Date.now });
      return store.directory();
    },
    dump: async () => {
      await store.expire();
      const files = readdirSync(join(folder, 'names')).filter((name) => name.endsWith('.lmdb'));
      return files.map((name) => readFileSync(join(folder, 'names', name), 'latin1')).join('');
    },
    close: async () => {
      await store.close();
      await remove();
    },
  };
});

backupsContract('embedded', async () => {
  const { folder, remove } = testFolder();
  let store = await EmbeddedStore.open({ folder, now: Date.now });
  return {
    store: store.backups(),
    reopen: async () => {
      await store.close();
      store = await EmbeddedStore.open({ folder, now: Date.now });
      return store.backups();
    },
    close: async () => {
      await store.close();
      await remove();
    },
  };
});

describe('accounts in the embedded store', () => {
  accountStoreContract(async () => {
    const { folder, remove } = testFolder();
    let store = await EmbeddedStore.open({ folder, now: Date.now });
    return {
      store: store.accounts(),
      reopen: async () => {
        await store.close();
        store = await EmbeddedStore.open({ folder, now: Date.now });
        return store.accounts();
      },
      close: async () => {
        await store.close();
        await remove();
      },
    };
  });
});

describe('the folder of the embedded store', () => {
  let folder: string;
  let remove: () => Promise<void>;
  let now: number;
  const open = () => EmbeddedStore.open({ folder, now: () => now });
  beforeEach(() => {
    now = start;
    ({ folder, remove } = testFolder());
  });
  afterEach(() => remove());

  const files = () => readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  const holders = (canary: string) =>
    files()
      .filter((each) => readFileSync(join(each.parentPath, each.name)).includes(canary))
      .map(({ name }) => name);
  const write = (
    store: EmbeddedStore,
    content: string,
    from: Partial<StoredRow> & { replace?: boolean; seq?: number },
  ) => {
    const { replace = false, seq = 1, ...more } = from;
    return store.writeRows([{ log: 'room/!a:lux', segment: 1, rows: [row(seq, content, more)], replace, dueMs: null }]);
  };

  it('holds the bytes of a row until its week is over, and then in no file', async () => {
    const store = await open();
    const soon = endOfWeek(weekOf(start)) - 1;
    await write(store, 'canary-soon', { expiresMs: soon });
    await write(store, 'canary-later', { expiresMs: soon + weekMs, seq: 2 });
    await write(store, '', { expiresMs: soon, writeMicros: (start + 1) * 1000, replace: true });
    // An emptied body is not readable any more, but its bytes may stay in a page of the file that is not yet overwritten.
    expect(holders('canary-later')).toEqual([`${weekName(weekOf(soon) + 1)}.lmdb`]);
    now = soon;
    await store.expire();
    expect(files().map(({ name }) => name)).toContain(`${weekName(weekOf(soon))}.lmdb`);
    now = soon + 1;
    await store.expire();
    expect(holders('canary-soon')).toEqual([]);
    expect(holders('canary-later')).toHaveLength(1);
    const through = { from: 1, through: 9, limit: 9, bytesMax: 999, backwards: false };
    expect((await store.readRows('room/!a:lux', 1, through)).map(({ seq }) => seq)).toEqual([2]);
    await store.close();
  });

  it('lets weeks go that ended while nothing ran', async () => {
    const store = await open();
    await write(store, 'canary', { expiresMs: start + 1000 });
    await store.close();
    expect(holders('canary')).toHaveLength(1);
    now = start + weekMs;
    const again = await open();
    expect(holders('canary')).toEqual([]);
    await again.close();
  });

  it('is readable by its owner only', async () => {
    const store = await open();
    await write(store, 'a', {});
    for (const each of [folder, join(folder, 'text')]) expect(statSync(each).mode & 0o777).toBe(0o700);
    for (const each of files())
      expect(`${each.name} ${(statSync(join(each.parentPath, each.name)).mode & 0o777).toString(8)}`).toBe(
        `${each.name} 600`,
      );
    await store.close();
  });

  it('is one process’s at a time', async () => {
    const store = await open();
    await expect(open()).rejects.toMatchObject({ code: 'LOCKED' });
    await store.close();
    await (await open()).close();
  });

  it('refuses another process with a sentence that names the folder', async () => {
    const store = await open();
    const victim = new URL('./kill-victim.ts', import.meta.url).pathname;
    const { status, stderr, stdout } = spawnSync(process.execPath, [victim, folder, '0'], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toContain(`Another process runs on the data folder ${folder}`);
    await store.close();
  });

  it('refuses a folder of a newer version, and leaves it as it is', async () => {
    const { Environment } = await import('./environment.ts');
    const { Exit } = await import('./exit.ts');
    const { Failure } = await import('./failure.ts');
    await (await open()).close();
    const environment = new Environment(join(folder, 'state.lmdb'), {
      failure: new Failure(() => {}),
      exit: new Exit(),
    });
    const [key, newer] = [Buffer.from('v'), Buffer.from([0, 0, 0, 2])];
    await environment.put(key, newer);
    await environment.close();
    await expect(open()).rejects.toMatchObject({ code: 'NEWER' });
    await expect(open()).rejects.toMatchObject({ code: 'NEWER' });
  });

  it('refuses what is no folder', async () => {
    await expect(EmbeddedStore.open({ folder: '/dev/null/x', now: () => now })).rejects.toMatchObject({
      code: 'UNUSABLE',
    });
  });

  it('takes names of logs of 512 bytes and keys of tables of 256, and no longer ones', async () => {
    const store = await open();
    const rows = [row(1, 'a')];
    const longest = [{ log: 'é'.repeat(256), segment: 1, rows, replace: false, dueMs: now }];
    await store.writeRows(longest);
    expect(await store.readDue(shardOf('é'.repeat(256)), now, 1)).toMatchObject([{ log: 'é'.repeat(256) }]);
    await expect(store.writeRows([{ ...longest[0]!, log: `${longest[0]!.log}x` }])).rejects.toMatchObject({
      code: 'UNUSABLE',
    });
    await expect(store.readMeta('a\0b')).rejects.toMatchObject({ code: 'UNUSABLE' });
    const table = store.table('t');
    expect(await table.change([{ key: 'k'.repeat(256), value: rows[0]!.bytes }])).toBe(true);
    await expect(table.change([{ key: 'k'.repeat(257), value: rows[0]!.bytes }])).rejects.toMatchObject({
      code: 'UNUSABLE',
    });
    await store.close();
  });

  it('says so when it is used after it was closed', async () => {
    const store = await open();
    await store.close();
    await store.close();
    await expect(store.readMeta('l')).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(write(store, 'a', {})).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

describe('weeks', () => {
  it('begin on Monday and are named as the calendar does', () => {
    const weeks: [number, string][] = [
      [Date.UTC(2026, 11, 31), '2026-53'],
      [Date.UTC(2027, 0, 3, 23, 59, 59, 999), '2026-53'],
      [Date.UTC(2027, 0, 4), '2027-01'],
      [Date.UTC(2024, 11, 30), '2025-01'],
      [Date.UTC(2028, 10, 15), '2028-46'],
    ];
    for (const [ms, name] of weeks) expect(weekName(weekOf(ms))).toBe(name);
    for (let week = 0; week < 5000; week++) expect(parseWeek(weekName(week))).toBe(week);
    for (const wrong of ['2027-53', '2027-00', '2027-1', 'text']) expect(parseWeek(wrong)).toBeNull();
    expect(endOfWeek(weekOf(Date.UTC(2027, 0, 3)))).toBe(Date.UTC(2027, 0, 4));
  });
});
