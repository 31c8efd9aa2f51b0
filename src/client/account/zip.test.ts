import { unzipSync } from 'fflate';
import { expect, it } from 'vitest';
import { type ZipFile, zipped } from './zip.ts';

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
const bytes = (of: string) => new TextEncoder().encode(of);
const at = Date.UTC(2026, 10, 30, 12);

async function all(files: Iterable<ZipFile>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of zipped(files, at)) pieces.push(piece);
  return new Uint8Array(Buffer.concat(pieces));
}

it('holds its files as they were given, empty ones too', async () => {
  const long = Array.from({ length: 300 }, (_, n) => bytes(`${n} `.repeat(1_000)));
  const zip = unzipSync(
    await all([
      { name: 'a.txt', pieces: [bytes('moien '), bytes('dir')] },
      { name: 'rooms/0001.txt', pieces: long },
      { name: 'empty', pieces: [] },
    ]),
  );
  expect(Object.keys(zip)).toEqual(['a.txt', 'rooms/0001.txt', 'empty']);
  expect([text(zip['a.txt']), text(zip.empty)]).toEqual(['moien dir', '']);
  expect(text(zip['rooms/0001.txt'])).toBe(long.map(text).join(''));
});

it('is made as it is read: no file before its turn', async () => {
  const begun: string[] = [];
  function* pieces(name: string) {
    begun.push(name);
    // Random bytes do not compress, so they leave at once.
    for (let n = 0; n < 20; n++) yield crypto.getRandomValues(new Uint8Array(65_536));
  }
  function* files(): Generator<ZipFile> {
    for (const name of ['a', 'b']) yield { name, pieces: pieces(name) };
  }
  let most = 0;
  for await (const piece of zipped(files(), at)) {
    if (begun.length === 1) most = Math.max(most, piece.length);
    else break;
  }
  expect(begun).toEqual(['a', 'b']);
  expect(most).toBeLessThan(400_000);
  const first = zipped(files(), at);
  begun.length = 0;
  await first.next();
  expect(begun).toEqual(['a']);
  await first.return();
});

it('fails as its files do', async () => {
  // biome-ignore lint/correctness/useYield: it fails before it has anything.
  function* broken(): Generator<Uint8Array> {
    throw new Error('no connection');
  }
  await expect(all([{ name: 'a', pieces: broken() }])).rejects.toThrow('no connection');
});
