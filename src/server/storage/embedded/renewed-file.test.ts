import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Exit } from './exit.ts';
import { Failure } from './failure.ts';
import { testFolder } from './fixture.ts';
import { RenewedFile } from './renewed-file.ts';

let at: ReturnType<typeof testFolder>;
let shared: { failure: Failure; exit: Exit };
beforeEach(() => {
  at = testFolder();
  shared = { failure: new Failure(() => {}), exit: new Exit() };
});
afterEach(async () => {
  shared.exit.close();
  await at.remove();
});

const open = () => RenewedFile.open(at.folder, shared);
const key = (text: string) => Buffer.from(text);
const files = () => readdirSync(at.folder).filter((name) => name.endsWith('.lmdb'));
const onDisk = (word: string) => files().some((name) => readFileSync(join(at.folder, name)).includes(word));
const put = (file: RenewedFile, ...words: string[]) =>
  file.change((change) => {
    for (const word of words) change.put(key(word), key(`value of ${word}`));
  });
const keys = (file: RenewedFile) =>
  [...file.range({ start: key('a'), end: key('z') })].map(({ key: each }) => each.toString());

describe('a renewed file', () => {
  it('has no byte of what was removed or replaced, and all the rest', async () => {
    const file = await open();
    await put(file, 'keep', 'secret-one');
    await file.change((change) => change.put(key('other'), key('secret-two')));
    await file.change((change) => change.remove(key('secret-one')));
    await put(file, 'other');
    expect(onDisk('secret-')).toBe(true);
    await file.renew();
    expect([onDisk('secret-'), files()]).toEqual([false, ['2.lmdb']]);
    expect(keys(file)).toEqual(['keep', 'other']);
    await file.close();
    const again = await open();
    expect([keys(again), again.get(key('other'))?.toString()]).toEqual([['keep', 'other'], 'value of other']);
    await again.close();
  });

  it('stays as it is where nothing was removed', async () => {
    const file = await open();
    await put(file, 'a', 'b');
    await file.renew();
    expect(files()).toEqual(['1.lmdb']);
    await file.change((change) => change.remove(key('a')));
    await file.renew();
    await file.renew();
    expect(files()).toEqual(['2.lmdb']);
    await file.close();
  });

  it('is copied whole, in parts, while changes wait and reads go on', async () => {
    const file = await open();
    const words = Array.from({ length: 2_500 }, (_, n) => `w${String(n).padStart(5, '0')}`);
    await put(file, ...words);
    await file.change((change) => change.remove(key('w00000')));
    const renewing = file.renew();
    const changing = put(file, 'x');
    expect(keys(file)).toHaveLength(2_499);
    await Promise.all([renewing, changing]);
    expect(keys(file)).toEqual([...words.slice(1), 'x']);
    await file.close();
  });

  it('that was copied whole when the process ended takes the place of the old one', async () => {
    const file = await open();
    await put(file, 'a');
    await file.close();
    copyFileSync(join(at.folder, '1.lmdb'), join(at.folder, '7.lmdb'));
    const again = await open();
    expect([keys(again), files()]).toEqual([['a'], ['7.lmdb']]);
    await again.close();
  });

  it('that can not be copied stays as it is, and is copied later', async () => {
    const file = await open();
    await put(file, 'a', 'b');
    await file.change((change) => change.remove(key('a')));
    const inTheWay = join(at.folder, '2.lmdb');
    mkdirSync(inTheWay);
    await expect(file.renew()).rejects.toThrow();
    await put(file, 'c');
    expect(keys(file)).toEqual(['b', 'c']);
    rmdirSync(inTheWay);
    await file.renew();
    expect([keys(file), files()]).toEqual([['b', 'c'], ['2.lmdb']]);
    await file.close();
  });

  it('that was copied in part when the process ended is begun anew', async () => {
    const file = await open();
    await put(file, 'a');
    await file.close();
    // A copy without its mark, and one that is no lmdb file yet.
    writeFileSync(join(at.folder, '2.lmdb'), '');
    const again = await open();
    expect([keys(again), files()]).toEqual([['a'], ['1.lmdb']]);
    await again.change((change) => change.remove(key('a')));
    await again.renew();
    expect([keys(again), files()]).toEqual([[], ['2.lmdb']]);
    await again.close();
  });
});
