// What a lying hub might slip into a room's log: each is refused by the device itself, whatever the hub says. The engine and the chain are stood
// in for, so that only the rights and the order of records are at stake here; the lies through real processes are in src/server/test.
import { describe, expect, it } from 'vitest';
import { Emptying, EmptyingCause, EventKind, MemberStatus, Role } from '#proto/gen/record.ts';
import { orderedNumber } from '../store/store.ts';
import { roomId, roomWorld, strangerTo } from '../testing/room-world.ts';
import { checkEmptied, emptiedMark } from './room-emptying.ts';
import { recordAt, rowsOf } from './room-rows.ts';

const { EVENT_KIND_CONTENT: content, EVENT_KIND_EMPTYING: emptying, EVENT_KIND_SLOT: slot } = EventKind;

describe('a record that a lying hub hands out', () => {
  it('is taken when its author might say it, so that the refusals below mean something', async () => {
    const { room, codes, take } = roomWorld({ status: MemberStatus.MEMBER_STATUS_JOINED });
    expect(await take(6, { member: 2, kind: content, seen: 5 })).toBe(true);
    expect(codes()).toEqual([]);
    expect((await recordAt(room, 6))?.content?.body).toMatchObject({ $case: 'text' });
  });

  it.each([
    ['of a removed member', { status: MemberStatus.MEMBER_STATUS_REMOVED }, {}, content],
    ['of a banned member', { status: MemberStatus.MEMBER_STATUS_BANNED }, {}, content],
    [
      'below the role that may post',
      { status: MemberStatus.MEMBER_STATUS_JOINED },
      { postRole: Role.ROLE_ADMIN },
      content,
    ],
    [
      'below the role that may set slots',
      { status: MemberStatus.MEMBER_STATUS_JOINED },
      { slotRole: Role.ROLE_ADMIN },
      slot,
    ],
  ] as const)('%s freezes the room and is not kept', async (_what, bob, policy, kind) => {
    const { room, codes, take } = roomWorld(bob, policy);
    expect(await take(6, { member: 2, kind })).toBe(false);
    expect(codes()).toEqual(['RECORD_INVALID']);
    expect(room.local.frozen).toBe('RECORD_INVALID');
    expect(await recordAt(room, 6)).toBeUndefined();
  });

  it('where the chain was read with an entry freezes the room: one of the two was a lie', async () => {
    const { room, codes, take } = roomWorld();
    Object.assign(room.chain, { standsAt: (seq: number) => seq === 7 });
    expect(await take(6, { member: 2, kind: content })).toBe(true);
    expect(await take(7, { member: 2, kind: content })).toBe(false);
    expect(codes()).toEqual(['HISTORY_FORKED']);
  });

  // A CHECKPOINT stood in for the entries of then: the stays in its state say who was there, and nobody's role is known.
  it('of before a CHECKPOINT freezes the room where its author was not there, and counts whatever their role was', async () => {
    const list = { seqs: [6], blobs: [], fromSeq: 0, throughSeq: 0, member: 0 };
    const byModerator = Emptying.encode({ ...list, cause: EmptyingCause.EMPTYING_CAUSE_MODERATOR }).finish();
    const world = (wasThere: boolean) => {
      const made = roomWorld({ status: MemberStatus.MEMBER_STATUS_LEFT }, { postRole: Role.ROLE_ADMIN });
      const untold = {
        isUntold: () => true,
        stateAt: () => null,
        wasThere: (member: number) => wasThere || member !== 2,
      };
      Object.assign(made.room.chain, untold);
      return made;
    };
    const there = world(true);
    expect(await there.take(6, { member: 3, kind: content })).toBe(true);
    expect(await there.take(7, { member: 2, kind: emptying, body: byModerator })).toBe(true);
    expect((await recordAt(there.room, 6))?.record?.emptiedBy).toBe(7);
    expect(await there.take(8, { member: 2, kind: emptying, body: Uint8Array.of(1) })).toBe(false);
    for (const kind of [content, slot, emptying]) {
      const away = world(false);
      expect(await away.take(6, { member: 3, kind: content })).toBe(true);
      expect(await away.take(7, { member: 2, kind, ...(kind === emptying ? { body: byModerator } : {}) })).toBe(false);
      expect(away.codes()).toEqual(['RECORD_INVALID']);
    }
  });

  it('says of entries that a CHECKPOINT stood in for whether they are new enough, not whether they are the same', async () => {
    const { room, codes, take } = roomWorld();
    const { state } = room.chain;
    Object.assign(room.chain, { isSkipped: (number: number) => number < 3, state: { ...state, lastRemoval: 2 } });
    Object.assign(room.chain, { stateAt: () => room.chain.state });
    const knowing = (number: number) => ({ member: 2, kind: content, control: { number, hash: new Uint8Array(32) } });
    expect(await take(6, knowing(2))).toBe(true);
    expect(codes()).toEqual([]);
    expect(await take(7, knowing(1))).toBe(false);
    expect(codes()).toEqual(['RECORD_INVALID']);
  });

  it('empties nothing by range, nor in the name of someone removed', async () => {
    const range = { seqs: [], blobs: [], fromSeq: 1, throughSeq: 1000, member: 1 };
    const byRange = Emptying.encode({ ...range, cause: EmptyingCause.EMPTYING_CAUSE_QUOTA }).finish();
    const list = { seqs: [6], blobs: [], fromSeq: 0, throughSeq: 0, member: 0 };
    const byAuthor = Emptying.encode({ ...list, cause: EmptyingCause.EMPTYING_CAUSE_AUTHOR }).finish();
    for (const [status, body] of [
      [MemberStatus.MEMBER_STATUS_JOINED, byRange],
      [MemberStatus.MEMBER_STATUS_REMOVED, byAuthor],
    ] as const) {
      const { room, take } = roomWorld({ status });
      expect(await take(6, { member: 1, kind: content })).toBe(true);
      expect(await take(7, { member: 2, kind: emptying, body })).toBe(false);
      expect((await recordAt(room, 6))?.record?.body.length).toBeGreaterThan(0);
      expect(room.local.frozen).not.toBe('');
    }
  });
});

describe('an erasure by its author', () => {
  const range = (member: number, throughSeq = 8) =>
    Emptying.encode({
      ...Emptying.decode(new Uint8Array()),
      ...{ cause: EmptyingCause.EMPTYING_CAUSE_ERASURE, fromSeq: 1, throughSeq, member },
    }).finish();

  it('takes nothing from who has it, and explains rows that came empty, sooner or later', async () => {
    const { room, take } = roomWorld();
    expect(await take(6, { member: 2, kind: content })).toBe(true);
    expect(await take(7, { member: 2, kind: content, emptiedBy: 8 })).toBe(true);
    expect(await take(8, { member: 2, kind: emptying, body: range(2, 7) })).toBe(true);
    expect((await recordAt(room, 6))?.record).toMatchObject({ emptiedBy: 0 });
    expect((await recordAt(room, 6))?.content?.body).toMatchObject({ $case: 'text' });
    const older = (await recordAt(room, 7))!.record!;
    await checkEmptied(room, older);
    expect(room.local.frozen).toBe('');
  });

  // The first 10,000 rows were looked at: behind those that an erasure explains a hub could take others' words along.
  it('is held against each row that came empty, however many these are', async () => {
    const { room, store, take } = roomWorld();
    const [row, event] = [20_000, 20_001];
    await take(row, { member: 3, kind: content, emptiedBy: event });
    await store.write(Array.from({ length: 10_000 }, (_, n) => emptiedMark(roomId, n + 1, event)));
    await take(event, { member: 2, kind: emptying, body: range(2) });
    expect(room.local.frozen).toBe('EMPTIED_UNLAWFULLY');
    expect(await store.list('emptied', { from: '', to: '~' })).toEqual([]);
  });

  it('explains nothing of others, and nobody says it for somebody else or from outside', async () => {
    const others = roomWorld();
    await others.take(6, { member: 3, kind: content, emptiedBy: 7 });
    await others.take(7, { member: 2, kind: emptying, body: range(2) });
    expect(others.room.local.frozen).toBe('EMPTIED_UNLAWFULLY');
    const { MEMBER_STATUS_JOINED, MEMBER_STATUS_LEFT } = MemberStatus;
    for (const [status, member] of [
      [MEMBER_STATUS_JOINED, 3],
      [MEMBER_STATUS_LEFT, 2],
    ] as const) {
      const { room, take } = roomWorld({ status, role: Role.ROLE_OWNER });
      expect(await take(6, { member: 2, kind: emptying, body: range(member, 5) })).toBe(false);
      expect(room.local.frozen).toBe('RECORD_INVALID');
    }
  });

  it('explains rows where a CHECKPOINT stood in for the entries of then', async () => {
    for (const [author, frozen] of [
      [2, ''],
      [3, 'EMPTIED_UNLAWFULLY'],
    ] as const) {
      const { room, take } = roomWorld({ status: MemberStatus.MEMBER_STATUS_LEFT });
      Object.assign(room.chain, { isUntold: () => true, stateAt: () => null, wasThere: () => true });
      await take(6, { member: author, kind: content, emptiedBy: 7 });
      await take(7, { member: 2, kind: emptying, body: range(2) });
      expect(room.local.frozen).toBe(frozen);
    }
  });
});

describe('a body that its author wanted gone', () => {
  const expired = (...seqs: number[]) =>
    Emptying.encode({
      ...Emptying.decode(new Uint8Array()),
      cause: EmptyingCause.EMPTYING_CAUSE_EXPIRED,
      seqs,
    }).finish();
  const overMs = 3 * 86_400_000;

  it('goes by word of the hub once its last day is over', async () => {
    const { room, take } = roomWorld({ status: MemberStatus.MEMBER_STATUS_JOINED });
    await take(6, { member: 2, kind: content, expiryDay: 2 });
    expect(await take(7, { member: 0, kind: emptying, body: expired(6), acceptedMs: overMs })).toBe(true);
    expect((await recordAt(room, 6))?.record).toMatchObject({ body: new Uint8Array(), emptiedBy: 7 });
    expect(room.local.frozen).toBe('');
  });

  it('stays a day too early, as does one that is to stay, and a hub that shows them emptied lies', async () => {
    for (const [expiryDay, acceptedMs] of [
      [2, overMs - 1],
      [0, overMs],
    ] as const) {
      const { room, take } = roomWorld({ status: MemberStatus.MEMBER_STATUS_JOINED });
      await take(6, { member: 2, kind: content, expiryDay });
      await take(7, { member: 0, kind: emptying, body: expired(6), acceptedMs });
      expect((await recordAt(room, 6))?.record).toMatchObject({ emptiedBy: 0 });
      const held = await recordAt(room, 6);
      const shown = { ...held!, record: { ...held!.record!, body: new Uint8Array(), emptiedBy: 7 } };
      await room.ports.parts.store.write(rowsOf(roomId, shown));
      await checkEmptied(room, shown.record);
      expect(room.local.frozen).toBe('EMPTIED_UNLAWFULLY');
    }
  });

  it('does not go by that word of a member', async () => {
    const { room, take } = roomWorld({ status: MemberStatus.MEMBER_STATUS_JOINED, role: Role.ROLE_OWNER });
    await take(6, { member: 2, kind: content, expiryDay: 2 });
    expect(await take(7, { member: 2, kind: emptying, body: expired(6), acceptedMs: overMs })).toBe(false);
    expect(room.local.frozen).toBe('RECORD_INVALID');
  });

  it('is not shown where the inside names another last day: the hub would make it go early', async () => {
    const { room, codes, take } = roomWorld({ status: MemberStatus.MEMBER_STATUS_JOINED });
    await take(6, { member: 2, kind: content, expiryDay: 2, innerExpiryDay: 0 });
    expect((await recordAt(room, 6))?.trouble).toBe('BINDING_MISMATCH');
    expect(codes()).toEqual(['MESSAGE_TRANSPLANTED']);
  });
});

describe('the time that an author says', () => {
  it('is kept beside the stamp, and counted where they lie more than five minutes apart; neither is refused', async () => {
    const { room, codes, counted, take } = roomWorld({ status: MemberStatus.MEMBER_STATUS_JOINED });
    const stamped = (seq: number) => 1000 + seq;
    for (const [seq, writtenMs] of [
      [6, 0],
      [7, stamped(7) + 300_000],
      [8, stamped(8) + 300_001],
      [9, Number.MAX_SAFE_INTEGER],
    ] as const) {
      expect(await take(seq, { member: 2, kind: content, writtenMs })).toBe(true);
      expect((await recordAt(room, seq))?.writtenMs).toBe(writtenMs);
    }
    expect(counted.filter((name) => name === 'written.apart').length).toBe(2);
    expect(codes()).toEqual([]);
  });
});

// A hub that takes what a new identity writes before anybody signed it in would else have it shown, once it was approved for the sake of another room.
describe('a message of a device that stands in the list of another identity than the chain names', () => {
  const content = { member: 2, kind: EventKind.EVENT_KIND_CONTENT };
  const named = new Uint8Array(32);
  const anew = named.slice().fill(7);
  const listedAs = (room: ReturnType<typeof roomWorld>['room'], master: Uint8Array) =>
    Object.assign(room.ports.parts.people, {
      deviceStanding: async () => ({ number: 2, removed: false, listedAs: master }),
    });

  it('is not shown in a 1:1 room where nobody but that identity says who it is, though the chain names it', async () => {
    const { room, take } = roomWorld(undefined, { direct: true });
    listedAs(room, named);
    Object.assign(room.ports.parts.people, { get: () => ({ fingerprint: anew, changedTo: named }) });
    Object.assign(room.chain, { renewedBy: () => undefined });
    await take(6, content);
    expect((await recordAt(room, 6))?.trouble).toBe('IDENTITY_CHANGED');
  });

  it('is shown at once where it was signed in there, also to a device that has yet to fetch their keys', async () => {
    const { room, take } = roomWorld();
    const steps = strangerTo(room);
    await take(6, content);
    expect((await recordAt(room, 6))?.trouble).toBe('');
    expect(steps).toEqual(['fetched @bob:localhost', 'met @bob:localhost as 0']);
  });

  it('is not shown, and is once the chain names that identity', async () => {
    const { room, take, counted } = roomWorld();
    listedAs(room, named);
    await take(6, content);
    listedAs(room, anew);
    await take(7, content);
    const troubles = async () => [(await recordAt(room, 6))?.trouble, (await recordAt(room, 7))?.trouble];
    expect(await troubles()).toEqual(['', 'IDENTITY_CHANGED']);
    const { person } = room.chain;
    Object.assign(room.chain, { person: (number: number) => ({ ...person(number), fingerprint: anew }) });
    await room.retry((cause) => cause === 'IDENTITY_CHANGED');
    expect(await troubles()).toEqual(['', '']);
    expect(counted).toContain('repaired.IDENTITY_CHANGED');
  });
});

describe('what could not be read', () => {
  // The newest of a room with more stayed unreadable, though their key had come.
  it('is tried again however much of it there is', async () => {
    const { room, store } = roomWorld();
    const value = new TextEncoder().encode('NO_KEY old 2.1');
    const key = (seq: number) => `${roomId} ${orderedNumber(seq)}`;
    const rows = Array.from({ length: 100_000 }, (_, seq) => ({ table: 'undecrypted' as const, key: key(seq), value }));
    const newest = new TextEncoder().encode('NO_KEY new 2.1');
    await store.write([...rows, { table: 'undecrypted', key: key(100_000), value: newest }]);
    const asked = new Set<string>();
    await room.retry((_, session) => asked.add(session).size === 0);
    expect([...asked]).toEqual(['old', 'new']);
  });
});

describe('a floor that the server names', () => {
  it('hides nothing that was accepted after what is held, unless that is two years old', async () => {
    const { room, take } = roomWorld({ status: MemberStatus.MEMBER_STATUS_JOINED });
    await take(6, { member: 2, kind: content });
    room.local.readableFrom = 8;
    expect(room.mayMiss(7, 7)).toBe(false);
    room.local.head = { ...(room.local.head as NonNullable<typeof room.local.head>), acceptedMs: -716 * 86_400_000 };
    expect(room.mayMiss(7, 7)).toBe(true);
  });
});
