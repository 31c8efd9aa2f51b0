import { describe, expect, it } from 'vitest';
import { SendIds } from './send-ids.ts';

const hash = (n: number) => new Uint8Array(16).fill(n % 256);
const filled = (count: number) => {
  const ids = new SendIds();
  for (let n = 1; n <= count; n++) ids.note({ sendId: 10 * n, seq: n + 1, headerHash: hash(n) });
  return ids;
};

describe('send ids', () => {
  it.each([128, 129, 255, 256, 300])('remember the last 128 of %i and call the rest old', (count) => {
    const ids = filled(count);
    const first = count - 127;
    expect(ids.judge(10 * first, hash(first))).toEqual({ kind: 'repeat', seq: first + 1 });
    expect(ids.judge(10 * (first - 1), hash(first - 1))).toEqual({ kind: 'old' });
    expect(ids.judge(10 * count, hash(count))).toEqual({ kind: 'repeat', seq: count + 1 });
    expect(ids.judge(10 * count + 1, hash(0))).toEqual({ kind: 'fresh' });
    expect(ids.through(1e6)).toHaveLength(128);
  });

  it('tell a reused id and one that was skipped', () => {
    const ids = filled(3);
    expect(ids.judge(20, hash(9))).toEqual({ kind: 'reused' });
    expect(ids.judge(15, hash(1))).toEqual({ kind: 'old' });
    expect(new SendIds().judge(1, hash(1))).toEqual({ kind: 'fresh' });
  });

  it('write only what is covered, and are the same when read again', () => {
    const ids = filled(200);
    expect(ids.through(150).at(-1)).toMatchObject({ seq: 150 });
    expect(ids.through(150)).toHaveLength(128);
    const again = new SendIds(ids.through(201));
    expect(again.last).toBe(2000);
    expect(again.judge(10 * 73, hash(73))).toEqual({ kind: 'repeat', seq: 74 });
  });

  it('only grow', () => {
    const ids = filled(2);
    expect(() => ids.note({ sendId: 20, seq: 9, headerHash: hash(1) })).toThrow();
    expect(() => ids.note({ sendId: 21, seq: 3, headerHash: hash(1) })).toThrow();
  });
});
