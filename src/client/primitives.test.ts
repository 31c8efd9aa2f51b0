// What is remembered of keys: as many as stand there, the oldest goes, and a key that went is looked at again.
import { expect, it } from 'vitest';
import { isPrimeOrderKey } from './primitives.ts';

/** A key that is none, and notes when somebody looks how long it is: the library, before it reads one. */
class Watched extends Uint8Array {
  looks = 0;
  override get length(): number {
    this.looks = (this.looks ?? 0) + 1;
    return super.length;
  }
}

function isLookedAt(n: number): boolean {
  const key = new Watched([n & 255, (n >> 8) & 255, 7, 7]);
  key.looks = 0;
  expect(isPrimeOrderKey(key)).toBe(false);
  return key.looks > 0;
}

it('remembers 10,000 keys, and not one more', () => {
  for (let n = 1; n <= 10_000; n++) isLookedAt(n);
  expect(isLookedAt(1)).toBe(false);
  expect(isLookedAt(10_001)).toBe(true);
  // The first one made room for it, and no other.
  expect([2, 10_001].map(isLookedAt)).toEqual([false, false]);
  expect(isLookedAt(1)).toBe(true);
});
