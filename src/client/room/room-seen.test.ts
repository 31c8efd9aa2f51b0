// A hub stamps what it likes. What it can't take back is a head that it named: what comes from above was not accepted before this device had asked.
import { describe, expect, it } from 'vitest';
import type { RoomEntry } from '#proto/gen/client.ts';
import { LocalRoom } from '#proto/gen/local.ts';
import { EventKind, MemberStatus } from '#proto/gen/record.ts';
import type { DeviceClaim } from '../devices/people.ts';
import { roomId, roomWorld } from '../testing/room-world.ts';
import { recordAt } from './room-rows.ts';

const content = { member: 2, kind: EventKind.EVENT_KIND_CONTENT };

/** A room whose head is 6, and what is asked of its authors' devices from then on. */
async function world() {
  const { room, store, take } = roomWorld();
  const { parts } = room.ports;
  await take(6, content);
  room.local.readSeq = 6;
  const claims: number[] = [];
  let nowMs = 0;
  const deviceStanding = async (_user: string, _device: string, { afterMs }: DeviceClaim) => {
    claims.push(afterMs);
    return { number: 2, removed: false };
  };
  const none = { records: [], nextSeq: 0, control: [], persons: [], credentials: [], checkpointNumber: 0, next: 0 };
  Object.assign(parts.people, { deviceStanding });
  Object.assign(parts, { now: () => nowMs, request: async () => none });
  const names = async (headSeq: number, askedMs: number, number = room.chain.number) => {
    nowMs = askedMs;
    const marks = room.marks();
    nowMs += 50;
    const status = MemberStatus.MEMBER_STATUS_JOINED;
    const headHash = room.local.head!.hash;
    const control = { number, hash: room.local.head!.hash };
    Object.assign(none, { head: { ...control, number: room.chain.number } });
    const entry = { room: roomId, status, member: 1, headSeq, headCount: 1, headHash, readableFrom: 1, control };
    await room.compare(entry as RoomEntry, marks);
  };
  const came = async (seq: number) => {
    await take(seq, content);
    return claims.at(-1);
  };
  const at = (ms: number) => {
    nowMs = ms;
  };
  return { room, store, names, came, claims, at };
}

describe('a head that the server named', () => {
  it('says of what comes from above that it was not accepted before it was asked', async () => {
    const { room, store, names, came } = await world();
    expect(await came(7)).toBe(0);
    await names(7, 1_000);
    expect(await came(8)).toBe(1_000);
    await names(8, 3_000);
    expect(await came(9)).toBe(3_000);
    const kept = LocalRoom.decode((await store.get('rooms', roomId))!);
    expect([kept.seenSeq, kept.seenControl, kept.seenMs]).toEqual([8, room.chain.number, 3_000]);
  });

  it('says nothing of what was below it, which a device that was away fetches late', async () => {
    const { room, names, came, at } = await world();
    await names(6, 1_000);
    at(5_000);
    room.saw(8, 5_000);
    expect(await came(7)).toBe(0);
    expect(await came(8)).toBe(0);
    expect(await came(9)).toBe(5_000);
  });

  it('says nothing where not all up to it was handed out, and what was seen before holds on', async () => {
    const { names, came } = await world();
    await names(6, 1_000);
    await names(100, 2_000);
    await names(6, 3_000, 9);
    expect(await came(7)).toBe(1_000);
  });

  it('says nothing by a clock that was ahead, and the next one does', async () => {
    const { room, names, came, at } = await world();
    await names(6, 9_000_000);
    at(1_000);
    expect([await came(7), room.signedAfterMs(99)]).toEqual([0, 0]);
    await names(7, 2_000);
    expect([await came(8), room.signedAfterMs(99)]).toEqual([2_000, 2_000]);
  });

  it('goes on saying it of a message that could not be read at once, whatever heads came since', async () => {
    const { room, names, came, claims } = await world();
    const { engine } = room.ports.parts;
    const { decrypt } = engine;
    await names(6, 1_000);
    Object.assign(engine, { decrypt: async () => ({ ok: false, cause: 'NO_KEY', sessionId: 'S' }) });
    await came(7);
    expect((await recordAt(room, 7))?.trouble).toBe('NO_KEY');
    await names(7, 9_000);
    Object.assign(engine, { decrypt });
    await room.retry(() => true);
    expect(claims).toEqual([1_000]);
  });
});
