// What every table must do: run by memory and by the embedded store.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Table } from './table.ts';

export interface OpenedTables {
  table(name: string): Table;
  readonly reopen?: () => Promise<OpenedTables>;
  readonly close?: () => Promise<void>;
}

const bytes = (text: string) => new TextEncoder().encode(text);

export function tableContract(name: string, open: () => Promise<OpenedTables>): void {
  let opened: OpenedTables;
  let table: Table;
  beforeEach(async () => {
    opened = await open();
    table = opened.table('t');
  });
  afterEach(() => opened.close?.());
  const put = (key: string, value: string) => table.change([{ key, value: bytes(value) }]);

  describe(`a table, ${name}`, () => {
    it('puts, gets, replaces and deletes', async () => {
      expect(await table.get('a')).toBeNull();
      expect(await put('a', '1')).toBe(true);
      expect(await put('a', '2')).toBe(true);
      expect(await put('empty', '')).toBe(true);
      expect(await table.get('a')).toEqual(bytes('2'));
      expect(await table.get('empty')).toEqual(bytes(''));
      expect(
        await table.change([
          { key: 'a', value: null },
          { key: 'missing', value: null },
        ]),
      ).toBe(true);
      expect(await table.get('a')).toBeNull();
    });

    it('changes on what is there, and one of many who ask', async () => {
      const ask = (expected: Uint8Array | null) =>
        Promise.all(Array.from({ length: 30 }, (_, i) => table.change([{ key: 'a', expected, value: bytes(`${i}`) }])));
      const made = await ask(null);
      expect(made.filter(Boolean)).toHaveLength(1);
      const current = bytes(`${made.indexOf(true)}`);
      expect(await table.get('a')).toEqual(current);
      expect((await ask(bytes('other'))).filter(Boolean)).toHaveLength(0);
      const deleted = await Promise.all(
        [1, 2, 3].map(() => table.change([{ key: 'a', expected: current, value: null }])),
      );
      expect(deleted.filter(Boolean)).toHaveLength(1);
    });

    it('changes all rows or none', async () => {
      await put('a', '1');
      const changes = [
        { key: 'b', expected: null, value: bytes('2') },
        { key: 'a', expected: bytes('other') },
      ];
      expect(await table.change(changes)).toBe(false);
      expect(await table.get('b')).toBeNull();
      expect(await table.change([changes[0]!, { key: 'a', expected: bytes('1') }])).toBe(true);
      expect(await table.get('b')).toEqual(bytes('2'));
      expect(await table.get('a')).toEqual(bytes('1'));
    });

    it('lists by key, from a prefix, after a key, up to a limit, of one table', async () => {
      await opened.table('t2').change([{ key: 'a/9', value: bytes('x') }]);
      for (const key of ['b/1', 'a/2', 'a/1', 'a/3', 'ä/1']) await put(key, key);
      const keys = async (options: Parameters<Table['list']>[0]) => (await table.list(options)).map(({ key }) => key);
      expect(await keys({ limit: 10 })).toEqual(['a/1', 'a/2', 'a/3', 'b/1', 'ä/1']);
      expect(await keys({ prefix: 'a/', limit: 10 })).toEqual(['a/1', 'a/2', 'a/3']);
      expect(await keys({ prefix: 'a/', limit: 2 })).toEqual(['a/1', 'a/2']);
      expect(await keys({ prefix: 'a/', after: 'a/2', limit: 2 })).toEqual(['a/3']);
      expect(await keys({ prefix: 'a/', after: 'b', limit: 2 })).toEqual([]);
      expect(await keys({ prefix: 'b', after: 'a', limit: 2 })).toEqual(['b/1']);
      expect(await keys({ prefix: 'zz', limit: 2 })).toEqual([]);
      expect(await table.list({ prefix: 'b', limit: 1 })).toEqual([{ key: 'b/1', value: bytes('b/1') }]);
    });

    it('keeps its own copies', async () => {
      const value = bytes('abc');
      await table.change([{ key: 'a', value }]);
      value[0] = 0;
      const read = await table.get('a');
      read?.fill(0);
      expect(await table.get('a')).toEqual(bytes('abc'));
    });

    it('keeps everything over a restart', async () => {
      // A store that forgets promises nothing here.
      if (opened.reopen === undefined) return;
      await put('a', '1');
      opened = await opened.reopen();
      expect(await opened.table('t').get('a')).toEqual(bytes('1'));
    });
  });
}
