// What people read of a line: its time or times.
import { describe, expect, it } from 'vitest';
import type { TimelineItem } from '#client/api.ts';
import { itemSentence } from './output.ts';

const at = Date.UTC(2026, 0, 2, 12, 0);
const item = (times: { at: number; writtenAt?: number }) =>
  itemSentence({ kind: 'deleted', own: true, ...times } as TimelineItem);

describe('a line', () => {
  it('shows when the server took it, and when it was written only where that is more than five minutes off', () => {
    expect(item({ at })).toBe('12:00 me: (deleted)');
    expect(item({ at, writtenAt: at - 300_000 })).toBe('12:00 me: (deleted)');
    expect(item({ at, writtenAt: at - 3_600_000 })).toBe('12:00 (written 2026-01-02 11:00) me: (deleted)');
  });

  it('with a time that is none is shown all the same', () => {
    const none = Number.MAX_SAFE_INTEGER;
    expect(item({ at: none })).toBe('--:-- me: (deleted)');
    expect(item({ at, writtenAt: none })).toBe('12:00 (written at no date) me: (deleted)');
  });
});
