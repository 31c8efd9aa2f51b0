// What a lying hub might slip into a room's log: each is refused by the device itself, whatever the hub says. The engine and the chain are stood
// in for, so that only the rights and the order of records are at stake here; the lies through real processes are in src/server/test.
import { describe, expect, it } from 'vitest';
import { Content } from '#proto/gen/content.ts';
import {
  Algorithm,
  Emptying,
  EmptyingCause,
  EventHeader,
  EventKind,
  type Record as LogRecord,
  MemberStatus,
  Payload,
  PayloadInner,
  Role,
  Stamp,
} from '#proto/gen/record.ts';
import { encodeMessage } from '#proto/rules/encode.ts';
import { textContent } from './content.ts';
import { MemoryStore } from './memory-store.ts';
import { portablePrimitives as primitives } from './primitives.ts';
import { RoomReplica } from './room.ts';
import { checkEmptied } from './room-emptying.ts';
import { takeRecord } from './room-intake.ts';
import { recordAt, rowsOf } from './room-rows.ts';

const roomId = `!g${'a'.repeat(32)}:localhost`;
const control = { number: 3, hash: new Uint8Array(32).fill(3) };
const noHash = new Uint8Array(32);
const beside = { persons: [], credentials: [] };
const { EVENT_KIND_CONTENT: content, EVENT_KIND_EMPTYING: emptying, EVENT_KIND_SLOT: slot } = EventKind;

interface Wish {
  readonly member: number;
  readonly kind: EventKind;
  readonly body?: Uint8Array;
  readonly seen?: number;
  readonly writtenMs?: number;
  readonly expiryDay?: number;
  readonly innerExpiryDay?: number;
  readonly acceptedMs?: number;
}

/** A room where member 1 is oneself, an owner, and member 2 is Bob in the given standing. */
function world(bob: { status: MemberStatus; role?: Role }, policy: { postRole?: Role; slotRole?: Role } = {}) {
  const alarms: string[] = [];
  const counted: string[] = [];
  let plaintext: Uint8Array = noHash;
  const store = new MemoryStore();
  const parts = {
    user: '@me:localhost',
    device: 1,
    deviceId: 'ME',
    store,
    primitives,
    engine: {
      decrypt: async () => ({ ok: true, plaintext, device: 'D2', sender: '@bob:localhost' }),
      rotate: async () => {},
    },
    people: { deviceStanding: async () => ({ number: 2, removed: false }), tryRefresh: async () => false },
    alarm: (alarm: { code: string }) => alarms.push(alarm.code),
    emit() {},
    count: (name: string) => counted.push(name),
    now: () => 10_000,
    random: () => 0,
  };
  const room = new RoomReplica(roomId, { parts, membersChanged() {}, changed() {}, localId: () => undefined } as never);
  const member = (number: number, status: MemberStatus, role: Role) =>
    [number, { number, role, status, stays: [] }] as const;
  const members = new Map([
    member(1, MemberStatus.MEMBER_STATUS_JOINED, Role.ROLE_OWNER),
    member(2, bob.status, bob.role ?? Role.ROLE_MEMBER),
  ]);
  const state = {
    members,
    policy: { direct: false, ...policy },
    number: 3,
    joined: 2,
    lastRemoval: 0,
    hash: control.hash,
  };
  const chain = {
    state,
    number: 3,
    hashAt: () => control.hash,
    stateAt: () => state,
    user: (number: number) => (number === 1 ? '@me:localhost' : '@bob:localhost'),
    memberOf: () => 1,
    mayReadAny: () => true,
  };
  Object.assign(room, { chain });
  const take = (seq: number, wish: Wish) => {
    const isContent = wish.kind === content;
    const seen = { seq: wish.seen ?? 0, hash: noHash.slice().fill(7) };
    const place = {
      room: roomId,
      member: wish.member,
      device: wish.member === 0 ? 0 : 2,
      sendId: seq,
      kind: wish.kind,
      counts: isContent,
      control,
    };
    const manifest = { version: 1, hash: noHash };
    const said = Content.encode(textContent('hi')).finish();
    const { writtenMs = 1000 + seq, expiryDay = 0, acceptedMs = 1000 + seq } = wish;
    const about = { seen, manifest, slot: '', slotVersion: 0, content: said, writtenMs };
    const inner = PayloadInner.encode({ ...place, ...about, expiryDay: wish.innerExpiryDay ?? expiryDay }).finish();
    const frankingKey = new Uint8Array(32).fill(1);
    plaintext = Payload.encode({ frankingKey, inner }).finish();
    const body = wish.body ?? Uint8Array.of(1, 2, 3, seq);
    const sealed = wish.kind !== emptying;
    const header = encodeMessage(EventHeader, {
      ...place,
      algorithm: sealed ? Algorithm.ALGORITHM_MEGOLM_V1 : Algorithm.ALGORITHM_NONE,
      bodySize: body.length,
      bodyHash: primitives.sha256(body),
      expiryDay: wish.kind === content ? expiryDay : 0,
      commitment: sealed ? primitives.hmacSha256(frankingKey, inner) : new Uint8Array(),
    });
    const before = room.local.head;
    const count = (before?.count ?? 0) + (isContent ? 1 : 0);
    const previousHash = before?.hash ?? noHash.slice().fill(9);
    const stamp = encodeMessage(Stamp, { incarnation: 1, seq, acceptedMs, count, previousHash });
    const record: LogRecord = { stamp, header, body, emptiedBy: 0 };
    return takeRecord(room, record, beside);
  };
  return { room, alarms, counted, take };
}

describe('a record that a lying hub hands out', () => {
  it('is taken when its author might say it, so that the refusals below mean something', async () => {
    const { room, alarms, take } = world({ status: MemberStatus.MEMBER_STATUS_JOINED });
    expect(await take(6, { member: 2, kind: content, seen: 5 })).toBe(true);
    expect(alarms).toEqual([]);
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
    const { room, alarms, take } = world(bob, policy);
    expect(await take(6, { member: 2, kind })).toBe(false);
    expect(alarms).toEqual(['RECORD_INVALID']);
    expect(room.local.frozen).toBe('RECORD_INVALID');
    expect(await recordAt(room, 6)).toBeUndefined();
  });

  it('whose author saw a later place than its own is a fork', async () => {
    const { room, take } = world({ status: MemberStatus.MEMBER_STATUS_JOINED });
    await take(51, { member: 2, kind: content, seen: 100 });
    expect(room.local.frozen).toBe('HISTORY_FORKED');
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
      const { room, take } = world({ status });
      expect(await take(6, { member: 1, kind: content })).toBe(true);
      expect(await take(7, { member: 2, kind: emptying, body })).toBe(false);
      expect((await recordAt(room, 6))?.record?.body.length).toBeGreaterThan(0);
      expect(room.local.frozen).not.toBe('');
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
    const { room, take } = world({ status: MemberStatus.MEMBER_STATUS_JOINED });
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
      const { room, take } = world({ status: MemberStatus.MEMBER_STATUS_JOINED });
      await take(6, { member: 2, kind: content, expiryDay });
      await take(7, { member: 0, kind: emptying, body: expired(6), acceptedMs });
      expect((await recordAt(room, 6))?.record).toMatchObject({ emptiedBy: 0 });
      const held = await recordAt(room, 6);
      const shown = { ...held!, record: { ...held!.record!, body: new Uint8Array(), emptiedBy: 7 } };
      await room.ports.parts.store.write(rowsOf(roomId, shown));
      await checkEmptied(room, 6, 7);
      expect(room.local.frozen).toBe('EMPTIED_UNLAWFULLY');
    }
  });

  it('does not go by that word of a member', async () => {
    const { room, take } = world({ status: MemberStatus.MEMBER_STATUS_JOINED, role: Role.ROLE_OWNER });
    await take(6, { member: 2, kind: content, expiryDay: 2 });
    expect(await take(7, { member: 2, kind: emptying, body: expired(6), acceptedMs: overMs })).toBe(false);
    expect(room.local.frozen).toBe('RECORD_INVALID');
  });

  it('is not shown where the inside names another last day: the hub would make it go early', async () => {
    const { room, alarms, take } = world({ status: MemberStatus.MEMBER_STATUS_JOINED });
    await take(6, { member: 2, kind: content, expiryDay: 2, innerExpiryDay: 0 });
    expect((await recordAt(room, 6))?.trouble).toBe('BINDING_MISMATCH');
    expect(alarms).toEqual(['MESSAGE_TRANSPLANTED']);
  });
});

describe('the time that an author says', () => {
  it('is kept beside the stamp, and counted where they lie more than five minutes apart; neither is refused', async () => {
    const { room, alarms, counted, take } = world({ status: MemberStatus.MEMBER_STATUS_JOINED });
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
    expect(alarms).toEqual([]);
  });
});

describe('a floor that the server names', () => {
  it('hides nothing that was accepted after what is held, unless that is two years old', async () => {
    const { room, take } = world({ status: MemberStatus.MEMBER_STATUS_JOINED });
    await take(6, { member: 2, kind: content });
    room.local.readableFrom = 8;
    expect(room.mayMiss(7, 7)).toBe(false);
    room.local.head = { ...(room.local.head as NonNullable<typeof room.local.head>), acceptedMs: -716 * 86_400_000 };
    expect(room.mayMiss(7, 7)).toBe(true);
  });
});
