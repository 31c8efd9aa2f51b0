import { describe, expect, it } from 'vitest';
import { Record } from '#proto/gen/record.ts';
import { Ring } from './ring.ts';

const record = Record.decode(new Uint8Array(0));
const filled = (count: number, limits: { ringRecordsMax: number; ringBytesMax: number }, bytes = 10) => {
  const ring = new Ring(limits);
  for (let seq = 1; seq <= count; seq++) ring.push({ seq, record, bytes });
  return ring;
};

describe('the ring', () => {
  it('keeps so many records and not one more', () => {
    const limits = { ringRecordsMax: 4, ringBytesMax: 1e6 };
    for (const count of [4, 5, 9, 100]) {
      const ring = filled(count, limits);
      expect(ring.firstSeq).toBe(count - 3);
      expect(ring.get(count - 4)).toBe(undefined);
      expect(ring.get(count)?.seq).toBe(count);
      expect(ring.get(count + 1)).toBe(undefined);
    }
  });

  it('keeps so many bytes, and always the newest record', () => {
    const limits = { ringRecordsMax: 100, ringBytesMax: 40 };
    expect(filled(4, limits).firstSeq).toBe(1);
    expect(filled(5, limits).firstSeq).toBe(2);
    expect(filled(5, limits, 1000).firstSeq).toBe(5);
  });

  it('counts the bytes of what is replaced', () => {
    const ring = filled(4, { ringRecordsMax: 100, ringBytesMax: 40 });
    ring.replace({ seq: 2, record, bytes: 0 });
    ring.replace({ seq: 99, record, bytes: 0 });
    ring.push({ seq: 5, record, bytes: 10 });
    expect(ring.firstSeq).toBe(1);
    ring.push({ seq: 6, record, bytes: 1 });
    expect(ring.firstSeq).toBe(2);
  });

  it('is contiguous', () => {
    expect(() => filled(3, { ringRecordsMax: 9, ringBytesMax: 99 }).push({ seq: 5, record, bytes: 1 })).toThrow();
    expect(new Ring({ ringRecordsMax: 9, ringBytesMax: 99 }).firstSeq).toBe(0);
  });
});
