// What every store of the directory must do: run by memory, the embedded store and Cassandra.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { foldName } from '#proto/rules/directory.ts';
import { limits } from '#proto/rules/limits.ts';
import type { DirectoryStore, KeptListing } from './directory.ts';

export interface OpenedDirectory {
  readonly store: DirectoryStore;
  /** The same directory seen by another process, or after a restart. */
  readonly reopen: () => Promise<DirectoryStore>;
  /** Another process that has it at the same time. Absent: there is never one. */
  readonly beside?: () => Promise<DirectoryStore>;
  /** Everything that the store keeps, as it lies there. Absent: it can't be looked at. */
  readonly dump?: () => Promise<string>;
  readonly close?: () => Promise<void>;
}

const startUs = 1_800_000_000_000_000;
const no: Omit<KeptListing, 'version'> = { isListed: false, name: '', namedMs: [] };
const yes = (name: string): Omit<KeptListing, 'version'> => ({ isListed: true, name, namedMs: [5] });

/** Users and names are new in each test, so that tests may share a store. */
export function directoryContract(name: string, open: () => Promise<OpenedDirectory>): void {
  describe(`the directory, ${name}`, () => suite(open));
}

function suite(open: () => Promise<OpenedDirectory>): void {
  let opened: OpenedDirectory;
  let store: DirectoryStore;
  /** Of this test alone: what its names begin with. */
  let own = '';
  let tests = 0;
  beforeEach(async () => {
    opened = await open();
    store = opened.store;
    own = `${Math.random().toString(36).slice(2, 8).padEnd(6, 'q')}${++tests}`;
  });
  afterEach(() => opened.close?.());

  const user = (letter: string) => `@${letter}${own}:lux.example`;
  const change = async (letter: string, to: Omit<KeptListing, 'version'>, at = store) => {
    const before = (await at.readListing(user(letter)))?.version ?? 0;
    const version = Math.max(before + 1, startUs);
    expect(await at.changeListing(user(letter), { ...to, version }, before)).toBe(true);
    return version;
  };
  const found = async (text: string, at = store) =>
    (await at.find(foldName(text))).map(({ user: id, name }) => `${id[1]} ${name.replaceAll(own, '')}`);

  it('knows nothing of who did not answer', async () => {
    expect(await store.readListing(user('a'))).toBeNull();
    expect(await found(own)).toEqual([]);
    expect(await store.removeListing(user('a'), 0)).toBe(true);
  });

  it('keeps what was chosen, and changes it only from the version before', async () => {
    const first = { ...yes(`${own} Ann`), version: startUs };
    expect(await store.changeListing(user('a'), first, 1)).toBe(false);
    expect(await store.readListing(user('a'))).toBeNull();
    expect(await store.changeListing(user('a'), first, 0)).toBe(true);
    expect(await store.changeListing(user('a'), { ...no, version: startUs + 1 }, 0)).toBe(false);
    expect(await store.readListing(user('a'))).toEqual(first);
    expect(await found(own)).toEqual(['a  Ann']);
    expect(await store.changeListing(user('a'), { ...no, version: startUs + 7 }, startUs)).toBe(true);
    expect(await store.readListing(user('a'))).toEqual({ ...no, version: startUs + 7 });
  });

  it('finds by the beginning of any word, folded', async () => {
    await change('a', yes(`Zoé D'${own} Bœuf`));
    for (const text of [own, `d ${own}`, `D'${own} BŒ`, `${own}boe`.replace('boe', ' boeuf zoe'), `zoe d ${own}`])
      expect(await found(text)).toEqual([`a Zoé D' Bœuf`]);
    expect(await found(`${own}x`)).toEqual([]);
    expect(await found(`zoe ${own}`)).toEqual([]);
  });

  it('shows who is called so before whose name begins so before in whose name a later word does, then by name', async () => {
    await change('a', yes(`Ann ${own}`));
    await change('b', yes(`${own} Zoé`));
    await change('c', yes(`${own}`));
    await change('d', yes(`${own}a`));
    await change('e', yes(`${own} Ben`));
    await change('f', yes(`Ada ${own}`));
    await change('g', yes(`${own.toUpperCase()}`));
    expect((await found(own)).map((hit) => hit[0])).toEqual(['c', 'g', 'e', 'b', 'd', 'f', 'a']);
  });

  it('shows each person once, at their best place', async () => {
    await change('a', yes(`${own} ${own}a ${own}b`));
    await change('b', yes(`Ann ${own}c ${own}d`));
    expect((await found(own)).map((hit) => hit[0])).toEqual(['a', 'b']);
  });

  it('finds ten and not one more', async () => {
    const letters = 'abcdefghijk';
    for (const letter of letters) await change(letter, yes(`${own} ${letter}`));
    expect(limits.searchHitsMax).toBe(10);
    expect((await found(own)).map((hit) => hit[0]).join('')).toBe('abcdefghij');
    await change('a', no);
    expect((await found(own)).map((hit) => hit[0]).join('')).toBe('bcdefghijk');
    // First names leave no room for others.
    await change('a', yes(`Ann ${own}`));
    expect((await found(own)).map((hit) => hit[0]).join('')).toBe('bcdefghijk');
  });

  it('has nothing left of a name that was given up or replaced', async () => {
    await change('a', yes(`Ann${own} Old${own}`));
    await change('b', yes(`Ben${own}`));
    await change('a', yes(`Ann${own} New${own}`));
    expect([await found(`old${own}`), await found(`new${own}`)]).toEqual([[], ['a Ann New']]);
    expect((await opened.dump?.()) ?? '').not.toContain(`Old${own}`);
    await change('a', no);
    await change('b', no);
    for (const text of [`ann${own}`, `new${own}`, `ben${own}`]) expect(await found(text)).toEqual([]);
    const left = (await opened.dump?.()) ?? '';
    for (const name of ['Ann', 'New', 'Ben', 'ann', 'new', 'ben']) expect(left).not.toContain(`${name}${own}`);
  });

  it('is found again by a name that was given up before', async () => {
    const name = `Ann ${own}`;
    for (const each of [yes(name), no, yes(name), yes(`ANN ${own}`), yes(name)]) await change('a', each);
    expect(await found(own)).toEqual(['a Ann ']);
  });

  it('forgets an account', async () => {
    const version = await change('a', yes(`Ann ${own}`));
    expect(await store.removeListing(user('a'), version - 1)).toBe(false);
    expect(await store.removeListing(user('a'), version)).toBe(true);
    expect([await store.readListing(user('a')), await found(own)]).toEqual([null, []]);
    const left = (await opened.dump?.()) ?? '';
    expect(left).not.toContain(own);
  });

  it('lets one of many change it, and has the places of that one alone', async () => {
    const stores = [store, (await opened.beside?.()) ?? store] as const;
    const words = ['one', 'two', 'three', 'four', 'five', 'six'];
    const changed = await Promise.all(
      words.map((word, n) =>
        stores[n % 2 === 0 ? 0 : 1].changeListing(user('a'), { ...yes(`${word}${own}`), version: startUs + n }, 0),
      ),
    );
    expect(changed.filter(Boolean)).toHaveLength(1);
    const winner = words[changed.indexOf(true)];
    const all = await Promise.all(words.map((word) => found(`${word}${own}`)));
    expect(all.flat()).toEqual([`a ${winner}`]);
  });

  it('has the places of the last name, whoever changes it at the same time', async () => {
    const stores = [store, (await opened.beside?.()) ?? store] as const;
    const words = ['one', 'two', 'three', 'four'];
    const insist = async (word: string, at: DirectoryStore) => {
      for (;;) {
        const before = (await at.readListing(user('a')))?.version ?? 0;
        const next = { ...yes(`${word}${own}`), version: Math.max(before + 1, startUs) };
        if (await at.changeListing(user('a'), next, before)) return;
      }
    };
    await Promise.all(words.map((word, n) => insist(word, stores[n % 2 === 0 ? 0 : 1])));
    const last = (await store.readListing(user('a')))!.name.replace(own, '');
    const all = await Promise.all(words.map((word) => found(`${word}${own}`)));
    expect(all.flat()).toEqual([`a ${last}`]);
  });

  it('has everything after a restart', async () => {
    await change('a', yes(`Ann ${own}`));
    await change('b', no);
    store = await opened.reopen();
    expect(await found(own)).toEqual(['a Ann ']);
    expect([(await store.readListing(user('a')))?.name, (await store.readListing(user('b')))?.isListed]).toEqual([
      ...[`Ann ${own}`, false],
    ]);
  });
}
