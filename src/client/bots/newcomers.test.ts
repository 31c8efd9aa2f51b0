// Newcomers at the bound of a list: named in portions, and none is forgotten.
import { expect, it } from 'vitest';
import type { Parts } from '../parts.ts';
import { Newcomers } from './newcomers.ts';

it.each([
  [100_000, undefined],
  [100_001, 1],
])('of %i that wait the first 100,000 are named, and more are counted', async (waiting, later) => {
  const counted = new Map<string, number>();
  const key = (n: number) => `newcomer @${n}:x`;
  const list = async (_: string, { limit }: { limit: number }) =>
    Array.from({ length: Math.min(limit, waiting) }, (_, n) => ({ key: key(n), value: Uint8Array.of(1) }));
  const parts = { store: { list }, count: (name: string) => counted.set(name, (counted.get(name) ?? 0) + 1) };
  const named = await new Newcomers(() => parts as unknown as Parts).waiting();
  expect([named.length, named[0], counted.get('newcomers.later')]).toEqual([100_000, '@0:x', later]);
});
