// What goes into one request.
import { expect, it } from 'vitest';
import { packed } from './packing.ts';

const size = { itemsMax: 3, bytesMax: 10, bytesOf: (bytes: number) => bytes };

it.each([
  ['nothing', [], []],
  ['as many as fit', [1, 1, 1], [[1, 1, 1]]],
  ['one more than go in', [1, 1, 1, 1], [[1, 1, 1], [1]]],
  ['as many bytes as fit', [4, 6], [[4, 6]]],
  ['one byte more', [4, 7], [[4], [7]]],
  ['one that is too large, alone', [1, 99, 1], [[1], [99], [1]]],
])('%s', (_, items, requests) => {
  expect([...packed(items, size)]).toEqual(requests);
});
