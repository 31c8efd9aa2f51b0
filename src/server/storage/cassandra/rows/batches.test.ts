import { expect, it } from 'vitest';
import { batchBytesMax, type Piece, Pieces, partitionsMax, together } from './batches.ts';

const statement = (n: number) => ({ query: 'q', params: [n] });
const piece = (at: number, bytes = 100, replicas = ''): Piece => ({ at, replicas, bytes, statements: [statement(at)] });
const places = (pieces: readonly Piece[]) => together(pieces).map(({ of }) => of);

it('puts ten partitions into a batch, and not one more', () => {
  const pieces = Array.from({ length: partitionsMax + 1 }, (_, at) => piece(at));
  expect(partitionsMax).toBe(10);
  expect(places(pieces.slice(0, partitionsMax)).map(({ length }) => length)).toEqual([partitionsMax]);
  expect(places(pieces).map(({ length }) => length)).toEqual([partitionsMax, 1]);
});

it('fills a batch with pieces to 32 KiB, and not one byte more', () => {
  expect(batchBytesMax).toBe(32 * 1024);
  expect(places([piece(0, batchBytesMax - 100), piece(1, 100)])).toEqual([[0, 1]]);
  expect(places([piece(0, batchBytesMax - 100), piece(1, 101)])).toEqual([[0], [1]]);
});

it('fills a piece with rows to 32 KiB, and not one byte more; a larger row leaves alone', () => {
  const sizes = (...rows: number[]) => {
    const pieces = new Pieces({ at: 0, replicas: '' });
    for (const bytes of rows) pieces.add(statement(bytes), bytes);
    return pieces.all.map(({ statements }) => statements.map(({ params }) => params[0]));
  };
  expect(sizes(batchBytesMax - 1, 1)).toEqual([[batchBytesMax - 1, 1]]);
  expect(sizes(batchBytesMax, 1)).toEqual([[batchBytesMax], [1]]);
  expect(sizes(1, batchBytesMax * 2, 1)).toEqual([[1], [batchBytesMax * 2], [1]]);
});

it('keeps partitions apart that are on other servers', () => {
  const pieces = [piece(0, 1, 'a b'), piece(1, 1, 'b c'), piece(2, 1, 'a b'), piece(3, 1, 'b c')];
  expect(places(pieces)).toEqual([
    [0, 2],
    [1, 3],
  ]);
});
