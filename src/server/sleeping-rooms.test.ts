import { describe, expect, it } from 'vitest';
import { roomAddress } from '#actors/kernel/address.ts';
import { encodeSummary, summaryKey } from '#actors/room/entry.ts';
import { RoomEntry } from '#proto/gen/client.ts';
import { readSleeping } from './sleeping-rooms.ts';
import { InMemoryStore } from './storage/memory/store.ts';

const room = '!gaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:lux.example';
const log = roomAddress(room);
const now = 1_000;

/** A log of one segment with `rows` rows, whose summary says that `headSeq` is the last. */
async function sleeping(rows: number, headSeq: number | null): Promise<InMemoryStore> {
  const store = new InMemoryStore(() => now);
  const owner = await store.createGeneration('n');
  const segment = { id: 1, owner, start: 1, end: null, firstExpiresMs: 0, lastExpiresMs: 0 };
  await store.casMeta(log, { version: 1, nextSegment: 2, segments: [segment] });
  const stored = Array.from({ length: rows }, (_, at) => ({
    seq: at + 1,
    bytes: Uint8Array.of(1),
    writeMicros: 1,
    expiresMs: now * 2,
  }));
  await store.writeRows([{ log, segment: 1, rows: stored, replace: false, dueMs: null }]);
  if (headSeq === null) return store;
  const entry = { ...RoomEntry.decode(new Uint8Array()), room, headSeq };
  const value = encodeSummary({ room, entry, floor: 1 });
  await store.writeState([{ log, rows: [{ key: summaryKey, value, segment: 1, seq: headSeq, sub: 0 }] }]);
  return store;
}

describe('a sleeping room', () => {
  it('tells its head without being woken', async () => {
    expect(await readSleeping(await sleeping(5, 5), log)).toMatchObject({ room, entry: { headSeq: 5 } });
  });

  it('has to be woken where a row came after its summary, or there is none', async () => {
    expect(await readSleeping(await sleeping(6, 5), log)).toBeNull();
    expect(await readSleeping(await sleeping(5, null), log)).toBeNull();
    expect(await readSleeping(new InMemoryStore(() => now), log)).toBeNull();
  });
});
