// A hostile member of a room whose hub is honest: what they claim to have seen must not hold up the others. And the other way round: where the hub
// told two stories, those who heard the other one show it.
import { describe, expect, it } from 'vitest';
import { LocalRoom } from '#proto/gen/local.ts';
import { ControlKind, EventKind } from '#proto/gen/record.ts';
import { roomWorld } from '../testing/room-world.ts';
import { lineOf, recordAt } from './room-rows.ts';

const { EVENT_KIND_CONTENT: kind } = EventKind;
const [me, bob, eve] = [1, 2, 3];
const { CONTROL_KIND_REMOVE, CONTROL_KIND_BAN, CONTROL_KIND_LEAVE, CONTROL_KIND_INVITE } = ControlKind;

/** Claims that contradict the record 6, which the room holds, or their own place. */
const claims = [
  ['a made-up hash', { seen: 6, seenHash: new Uint8Array(32).fill(66) }],
  ['its own place', { seen: 7 }],
  ['a place far above', { seen: 1_000_000 }],
] as const;

async function roomWithSix(policy = {}) {
  const world = roomWorld(undefined, policy);
  await world.take(6, { member: me, kind });
  return world;
}

describe('a message whose author claims to have seen what is not here', () => {
  it.each(claims)('(%s) is told with its author, marked, and freezes nothing', async (_what, claim) => {
    const { room, alarms, take } = await roomWithSix();
    expect(await take(7, { member: eve, kind, ...claim })).toBe(true);
    expect(alarms).toEqual([{ code: 'HISTORY_FORKED', room: room.room, user: '@eve:localhost' }]);
    expect(room.local.frozen).toBe('');
    const row = await recordAt(room, 7);
    expect(row && (await lineOf(room, row))).toMatchObject({ kind: 'message', contradicts: 'HISTORY_FORKED' });
    expect(room.members().map(({ contradicts }) => contradicts)).toEqual([false, false, true]);
  });

  it('freezes nothing however often one author repeats it', async () => {
    const { room, codes, take } = await roomWithSix();
    for (let seq = 7; seq < 12; seq++) await take(seq, { member: eve, kind, seen: seq });
    expect(codes()).toHaveLength(5);
    expect(room.local.frozen).toBe('');
  });

  it('freezes the room when a second author contradicts, or an own device, or the partner of a 1:1 room', async () => {
    const twoOthers = await roomWithSix();
    await twoOthers.take(7, { member: eve, kind, seen: 7 });
    await twoOthers.take(8, { member: bob, kind, seen: 8 });
    expect(twoOthers.room.info().frozen).toBe('HISTORY_FORKED');
    const ownDevice = await roomWithSix();
    await ownDevice.take(7, { member: me, kind, seen: 7 });
    expect(ownDevice.room.info().frozen).toBe('HISTORY_FORKED');
    const direct = await roomWithSix({ direct: true });
    await direct.take(7, { member: bob, kind, seen: 7 });
    expect(direct.room.info().frozen).toBe('HISTORY_FORKED');
  });

  it('freezes the room by one author where it is the control chain: the hub itself must have refused that header', async () => {
    for (const number of [2, 3]) {
      const { room, take } = await roomWithSix();
      await take(7, { member: eve, kind, control: { number, hash: new Uint8Array(32).fill(66) } });
      expect(room.local.frozen).toBe('CONTROL_ROLLED_BACK');
    }
  });
});

describe('a room that authors froze', () => {
  async function frozen() {
    const world = await roomWithSix();
    await world.take(7, { member: eve, kind, seen: 7 });
    await world.take(8, { member: bob, kind, seen: 8 });
    return world;
  }

  it('lets liars be taken out and oneself leave, and nothing else', async () => {
    const { room } = await frozen();
    for (const parting of [CONTROL_KIND_REMOVE, CONTROL_KIND_BAN, CONTROL_KIND_LEAVE])
      expect(() => room.needTrust(parting)).not.toThrow();
    expect(() => room.needTrust(CONTROL_KIND_INVITE)).toThrow('frozen');
    expect(() => room.needTrust()).toThrow('frozen');
  });

  it('lets nobody be taken out once the server contradicts itself besides', async () => {
    const { room } = await frozen();
    await room.freeze('RECORD_INVALID');
    expect(room.info().frozen).toBe('RECORD_INVALID');
    expect(() => room.needTrust(CONTROL_KIND_REMOVE)).toThrow('frozen');
  });

  it('goes on when a person says so: the same authors freeze it no more, others do', async () => {
    const { room, codes, take } = await frozen();
    await room.acknowledge();
    expect(room.info().frozen).toBe('');
    expect(() => room.needTrust()).not.toThrow();
    await take(9, { member: eve, kind, seen: 9 });
    await take(10, { member: bob, kind, seen: 10 });
    expect(codes()).toHaveLength(4);
    expect(room.info().frozen).toBe('');
    await take(11, { member: me, kind, seen: 11 });
    expect(room.info().frozen).toBe('HISTORY_FORKED');
  });

  it('keeps who contradicted and that it is frozen over a restart', async () => {
    const { room, store, take } = await roomWithSix();
    await take(7, { member: eve, kind, seen: 7 });
    const again = roomWorld(undefined, {}, { store });
    again.room.local = LocalRoom.decode((await store.get('rooms', room.room)) as Uint8Array);
    await again.take(8, { member: bob, kind, seen: 8 });
    expect(again.room.info().frozen).toBe('HISTORY_FORKED');
  });
});
