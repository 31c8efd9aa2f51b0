// What every store of backups must do: run by memory, the embedded store and Cassandra.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BackupHead, type BackupStore, entryKey, type SealedEntry } from './backups.ts';

export interface OpenedBackups {
  readonly store: BackupStore;
  /** The same backups seen by another process, or after a restart. */
  readonly reopen: () => Promise<BackupStore>;
  /** Another process that has them at the same time. Absent: there is never one. */
  readonly beside?: () => Promise<BackupStore>;
  readonly close?: () => Promise<void>;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const room = (letter: string) => `!g${letter.repeat(32)}:lux.example`;
const [roomA, roomB] = [room('a'), room('b')];
const entry = (session: string, sealed = 'sealed', of = roomA): SealedEntry => ({
  room: of,
  session,
  sealed: bytes(sealed),
});
/** The n-th head of a user who always says version n. */
const head = (revision: number, more: Partial<BackupHead> = {}): BackupHead => ({
  ...{ revision, version: revision, lastVersion: revision, openings: [] },
  header: bytes(`header ${revision}`),
  hash: bytes(`hash ${revision}`),
  ...more,
});
const wide = { entriesMax: 1_000, bytesMax: 1_000_000 };
const all = { room: '', after: '', limit: 100, bytesMax: 1_000_000 };

/** Users are new in each test, so that tests may share a store. */
export function backupsContract(name: string, open: () => Promise<OpenedBackups>): void {
  describe(`backups, ${name}`, () => suite(open));
}

function suite(open: () => Promise<OpenedBackups>): void {
  let opened: OpenedBackups;
  let store: BackupStore;
  let user = '';
  let users = 0;
  beforeEach(async () => {
    opened = await open();
    store = opened.store;
    user = `@u${Math.random().toString(36).slice(2)}${++users}:lux.example`;
  });
  afterEach(() => opened.close?.());

  const put = (version: number, ...entries: SealedEntry[]) => store.put(user, { version, entries, ...wide });
  const keys = async (range: Partial<typeof all> & { version: number }) =>
    (await store.page(user, { ...all, ...range })).entries.map(entryKey);

  const renew = async (version: number, more: Partial<BackupHead> = {}, of = user) => {
    const { revision = 0 } = (await store.readHead(of)) ?? {};
    const next = { ...head(version, more), revision: revision + 1 };
    expect(await store.changeHead(of, next)).toBe(true);
    return next;
  };

  it('knows no backup of who made none', async () => {
    expect(await store.readHead(user)).toBeNull();
    expect(await put(1, entry('a'))).toBe('stale');
    expect(await put(0, entry('a'))).toBe('stale');
    expect(await keys({ version: 1 })).toEqual([]);
  });

  it('keeps a head, and changes it only from the one before', async () => {
    expect(await store.changeHead(user, head(2))).toBe(false);
    const openings = [{ atMs: 5, attempt: 'x' }];
    expect(await store.changeHead(user, head(1, { openings }))).toBe(true);
    expect(await store.changeHead(user, head(1))).toBe(false);
    expect(await store.readHead(user)).toEqual({ ...head(1, { openings }), entries: 0, bytes: 0 });
    expect(await store.changeHead(user, head(3))).toBe(false);
    expect(await store.changeHead(user, head(2))).toBe(true);
    expect(await store.readHead(user)).toEqual({ ...head(2), entries: 0, bytes: 0 });
  });

  it('lets one of many change a head', async () => {
    const hashes = Array.from({ length: 6 }, (_, n) => bytes(`${n}`));
    const changed = await Promise.all(hashes.map((hash) => store.changeHead(user, head(1, { hash }))));
    expect(changed.filter(Boolean)).toHaveLength(1);
    expect((await store.readHead(user))?.hash).toEqual(hashes[changed.indexOf(true)]);
  });

  it('keeps entries, the later of two, and counts them', async () => {
    await store.changeHead(user, head(1));
    expect(await put(1, entry('a', '123'), entry('b', '1'), entry('a', '12'))).toBe('kept');
    expect(await store.readHead(user)).toMatchObject({ entries: 2, bytes: 3 });
    expect(await put(1, entry('a', '12345'), entry('c', ''))).toBe('kept');
    expect(await store.readHead(user)).toMatchObject({ entries: 3, bytes: 6 });
    expect(await put(1, entry('a', '12345'))).toBe('kept');
    expect(await store.readHead(user)).toMatchObject({ entries: 3, bytes: 6 });
    const found = await store.page(user, { ...all, version: 1 });
    expect(found.entries).toEqual([entry('a', '12345'), entry('b', '1'), entry('c', '')]);
  });

  it('keeps nothing under another version than the one in force', async () => {
    await store.changeHead(user, head(1));
    await put(1, entry('a'));
    await renew(2);
    expect([await put(1, entry('b')), await put(3, entry('b'))]).toEqual(['stale', 'stale']);
    expect(await keys({ version: 2 })).toEqual([]);
    expect(await store.readHead(user)).toMatchObject({ version: 2, entries: 0, bytes: 0 });
    expect(await put(2, entry('c'))).toBe('kept');
    while (await store.sweep(1));
    expect([await keys({ version: 1 }), await keys({ version: 2 })]).toEqual([[], [`${roomA} c`]]);
  });

  it('keeps entries and counts through changes of the head that keep the version', async () => {
    await store.changeHead(user, head(1));
    await put(1, entry('a', '123'));
    const next = await renew(1, { openings: [{ atMs: 7, attempt: 'y' }] });
    expect(await store.readHead(user)).toEqual({ ...next, entries: 1, bytes: 3 });
    expect(await keys({ version: 1 })).toEqual([`${roomA} a`]);
  });

  it('ends a backup, remembers its version, and begins the next', async () => {
    await store.changeHead(user, head(1));
    await put(1, entry('a'));
    const ended = await renew(0, { lastVersion: 1, header: bytes(''), hash: bytes('') });
    expect(await store.readHead(user)).toEqual({ ...ended, entries: 0, bytes: 0 });
    expect([await put(1, entry('b')), await put(0, entry('b'))]).toEqual(['stale', 'stale']);
    while (await store.sweep(1));
    expect(await keys({ version: 1 })).toEqual([]);
    await renew(2);
    expect(await put(2, entry('c'))).toBe('kept');
    expect(await keys({ version: 2 })).toEqual([`${roomA} c`]);
  });

  it('holds its bounds at n and n + 1, and keeps nothing of a put that passes one', async () => {
    await store.changeHead(user, head(1));
    const bounded = (entries: SealedEntry[], entriesMax = 3, bytesMax = 10) =>
      store.put(user, { version: 1, entries, entriesMax, bytesMax });
    expect(await bounded([entry('a', '1'), entry('b', '1'), entry('c', '1'), entry('d', '1')])).toBe('full');
    expect(await store.readHead(user)).toMatchObject({ entries: 0, bytes: 0 });
    expect(await bounded([entry('a', '1'), entry('b', '1'), entry('c', '1')])).toBe('kept');
    expect(await bounded([entry('d', '1')])).toBe('full');
    expect(await bounded([entry('a', '123456789')])).toBe('full');
    expect(await bounded([entry('a', '12345678')])).toBe('kept');
    expect(await store.readHead(user)).toMatchObject({ entries: 3, bytes: 10 });
    expect(await bounded([entry('a', '1'), entry('b', '12345678')])).toBe('kept');
    expect(await store.readHead(user)).toMatchObject({ entries: 3, bytes: 10 });
  });

  it('lets the head change while entries come, and the other way round', async () => {
    await store.changeHead(user, head(1));
    const beside = (await opened.beside?.()) ?? store;
    const entries = Array.from({ length: 6 }, (_, n) => entry(`e${n}`));
    const puts = entries.map((each) => beside.put(user, { version: 1, entries: [each], ...wide }));
    expect(await store.changeHead(user, head(2, { version: 1, lastVersion: 1 }))).toBe(true);
    expect(new Set(await Promise.all(puts))).toEqual(new Set(['kept']));
    expect(await store.readHead(user)).toMatchObject({ revision: 2, entries: 6, bytes: 6 * 'sealed'.length });
  });

  it('holds its bounds whoever puts at the same time, and counts what it has', async () => {
    await store.changeHead(user, head(1));
    const stores = [store, (await opened.beside?.()) ?? store] as const;
    const puts = Array.from({ length: 12 }, (_, n) =>
      stores[n % 2 === 0 ? 0 : 1].put(user, {
        version: 1,
        entries: [entry(`a${n}`), entry(`b${n}`)],
        entriesMax: 15,
        bytesMax: 1_000,
      }),
    );
    const results = await Promise.all(puts);
    expect(results.filter((result) => result === 'kept')).toHaveLength(7);
    expect(results.filter((result) => result === 'full')).toHaveLength(5);
    expect(await store.readHead(user)).toMatchObject({ entries: 14, bytes: 14 * 'sealed'.length });
    expect(await keys({ version: 1 })).toHaveLength(14);
  });

  it('shows pages by room and session, of one room or all, up to a count and a size', async () => {
    await store.changeHead(user, head(1));
    await put(1, entry('b'), entry('a', '1', roomB), entry('a'), entry('A'), entry('+'), entry('b', '1', roomB));
    const inA = ['+', 'A', 'a', 'b'].map((session) => `${roomA} ${session}`);
    const inB = ['a', 'b'].map((session) => `${roomB} ${session}`);
    expect(await keys({ version: 1 })).toEqual([...inA, ...inB]);
    expect(await keys({ version: 1, room: roomA })).toEqual(inA);
    expect(await keys({ version: 1, room: roomB })).toEqual(inB);
    expect(await keys({ version: 1, room: room('c') })).toEqual([]);
    expect(await keys({ version: 1, limit: 3 })).toEqual(inA.slice(0, 3));
    expect(await keys({ version: 1, after: inA[2]!, limit: 2 })).toEqual([inA[3], inB[0]]);
    expect(await keys({ version: 1, room: roomB, after: inB[0]! })).toEqual([inB[1]]);
    expect(await keys({ version: 1, room: roomB, after: inA[0]! })).toEqual(inB);
    expect(await keys({ version: 1, after: inB[1]! })).toEqual([]);
    const one = inA[0]!.length + 'sealed'.length;
    expect(await keys({ version: 1, bytesMax: 2 * one })).toEqual(inA.slice(0, 2));
    expect(await keys({ version: 1, bytesMax: 2 * one - 1 })).toEqual(inA.slice(0, 1));
    expect(await keys({ version: 1, bytesMax: 1 })).toEqual(inA.slice(0, 1));
    expect(await keys({ version: 2 ** 40 })).toEqual([]);
    const isLast = async (range: Partial<typeof all>) =>
      (await store.page(user, { ...all, version: 1, ...range })).isLast;
    expect([await isLast({ limit: 6 }), await isLast({ limit: 5 }), await isLast({ bytesMax: one })]).toEqual([
      true,
      false,
      false,
    ]);
    expect([await isLast({ after: inB[0]! }), await isLast({ room: roomA, limit: 4 })]).toEqual([true, true]);
  });

  it('keeps the backups of users apart', async () => {
    const other = `${user.replace(':lux', 'x:lux')}`;
    for (const each of [user, other]) await store.changeHead(each, head(1));
    await put(1, entry('a'));
    expect((await store.page(other, { ...all, version: 1 })).entries).toEqual([]);
    await renew(2, {}, other);
    while (await store.sweep(1));
    expect(await keys({ version: 1 })).toEqual([`${roomA} a`]);
  });

  it('has everything after a restart, and sweeps then what was replaced before', async () => {
    await store.changeHead(user, head(1));
    await put(1, entry('a'), entry('b'), entry('c'));
    await renew(2);
    await put(2, entry('d'));
    store = await opened.reopen();
    while (await store.sweep(2));
    expect(await keys({ version: 1 })).toEqual([]);
    expect(await keys({ version: 2 })).toEqual([`${roomA} d`]);
    expect(await store.readHead(user)).toMatchObject({ version: 2, lastVersion: 2, entries: 1, bytes: 6 });
  });
}
