// One room as it is held: what it costs to be shown, since lists of rooms are made anew whenever something in one of them changes, and what goes when it is left.
import { describe, expect, it, vi } from 'vitest';
import type { RoomEntry } from '#proto/gen/client.ts';
import { MemberStatus, Role } from '#proto/gen/record.ts';
import { storeLedger } from '../store/store-ledger.ts';
import { roomId, roomWorld } from '../testing/room-world.ts';

/** How often the chain is searched for the own number. */
function searches(others: number, policy = {}): number {
  const { room } = roomWorld({ status: MemberStatus.MEMBER_STATUS_JOINED }, policy);
  const list = room.chain.state?.members as unknown as object[];
  const status = MemberStatus.MEMBER_STATUS_JOINED;
  for (let n = 0; n < others; n++) list.push({ number: 4 + n, role: Role.ROLE_MEMBER, status, stays: [] });
  const memberOf = vi.spyOn(room.chain, 'memberOf');
  expect(room.info().members).toHaveLength(2 + others);
  return memberOf.mock.calls.length;
}

// Each member was compared with a number that was searched for anew: a million steps to show a group of a thousand.
it.each([{}, { direct: true }])('a room is shown without a search for oneself at each member (%o)', (policy) => {
  expect(searches(300, policy)).toBe(searches(0, policy));
});

describe('what is noted of sessions that this device began', () => {
  const { MEMBER_STATUS_LEFT: left, MEMBER_STATUS_REMOVED: removed } = MemberStatus;
  const { MEMBER_STATUS_SUSPENDED: suspended, MEMBER_STATUS_JOINED: joined } = MemberStatus;
  const other = `${roomId}2`;

  async function began() {
    const { room, store } = roomWorld();
    room.local.status = joined;
    const ledger = storeLedger(store);
    for (const of of [roomId, other])
      for (const sessionId of ['S1', 'S2']) await ledger.setSessionBegan(of, { sessionId, atMs: 1, audience: 3 });
    const kept = async (of: string) => [await ledger.sessionAudience(of, 'S1'), await ledger.sessionBegan(of)];
    const entry = (status: MemberStatus) => ({ status, member: 1, headSeq: 0 }) as RoomEntry;
    return { room, store, kept, entry };
  }

  // Rows of every room that one ever was in stayed for ever.
  it.each([left, removed])('goes when the room is left (%s), and what is of another room stays', async (status) => {
    const stood = await began();
    await stood.room.stand(status);
    expect(await stood.kept(roomId)).toEqual([undefined, undefined]);
    expect(await stood.kept(other)).toMatchObject([3, { sessionId: 'S2' }]);
    const listed = await began();
    await listed.room.compare(listed.entry(status), listed.room.marks());
    expect(await listed.kept(roomId)).toEqual([undefined, undefined]);
  });

  it('stays while one waits to be let in, and is looked for once', async () => {
    const { room, store, kept, entry } = await began();
    await room.stand(suspended);
    expect(await kept(roomId)).toMatchObject([3, { sessionId: 'S2' }]);
    const list = vi.spyOn(store, 'list');
    for (let session = 0; session < 3; session++) await room.compare(entry(left), room.marks());
    expect(list).toHaveBeenCalledTimes(1);
  });
});
