import { describe, expect, it } from 'vitest';
import { Rejection } from '../gen/codes.ts';
import {
  Algorithm,
  ControlKind,
  Emptying,
  EmptyingCause,
  EventHeader,
  EventKind,
  Role,
  SlotWrite,
} from '../gen/record.ts';
import { makeActor } from '../golden/cast.ts';
import { groupPolicy, Story } from '../golden/story.ts';
import { checkEmptying, decodeEmptying, mayEmptyRow } from './emptying.ts';
import { limits } from './limits.ts';
import { afterStay, mayRead, openStay, readableFrom, readableRanges } from './reading.ts';
import { checkSlotWrite, decodeSlotWrite, receiptSlot, slotKind } from './slots.ts';

const R = Rejection;
const story = Story.group(makeActor('@owner:x'), { ...groupPolicy, slotRole: Role.ROLE_MODERATOR });
story.join(1, makeActor('@moderator:x'), Role.ROLE_MODERATOR);
story.join(1, makeActor('@member:x'));
story.join(1, makeActor('@gone:x'));
story.do(4, { kind: ControlKind.CONTROL_KIND_LEAVE, target: 4 });
const state = story.state!;

function write(change: Partial<SlotWrite> = {}): SlotWrite {
  return { slot: 'name', version: 2, algorithm: Algorithm.ALGORITHM_MEGOLM_V1, value: new Uint8Array(10), ...change };
}
const decode = (change: Partial<SlotWrite>) => {
  const decoded = decodeSlotWrite(SlotWrite.encode(write(change)).finish());
  return typeof decoded === 'number' ? decoded : 0;
};

describe('a slot', () => {
  it('has one of the known names', () => {
    expect(['name', 'topic', 'picture', 'pins'].map(slotKind)).toEqual(Array(4).fill('ordered'));
    expect(['receipt/1', 'receipt/65535'].map(slotKind)).toEqual(['receipt', 'receipt']);
    expect(
      ['', 'Name', 'receipt/', 'receipt/0', 'receipt/01', 'receipt/1/2', 'receipt/123456', 'other'].map(slotKind),
    ).toEqual(Array(8).fill(null));
  });

  it('holds at most 4 KiB, encrypted, with a version', () => {
    expect(decode({ value: new Uint8Array(limits.slotValueBytesMax) })).toBe(0);
    expect(decode({ value: new Uint8Array(limits.slotValueBytesMax + 1) })).toBe(R.REJECTION_TOO_LARGE);
    expect(decode({ version: 0 })).toBe(R.REJECTION_BAD_EVENT);
    expect(decode({ slot: 'other' })).toBe(R.REJECTION_BAD_EVENT);
    expect(decode({ algorithm: Algorithm.ALGORITHM_NONE })).toBe(R.REJECTION_BAD_EVENT);
    expect(decode({ algorithm: 3 as Algorithm })).toBe(R.REJECTION_UNSUPPORTED);
    expect(decodeSlotWrite(Uint8Array.of(1))).toBe(R.REJECTION_BAD_EVENT);
  });

  it.each([
    ['the name by a moderator', write(), 2, true, 1, null],
    ['the name by a member, where moderators set slots', write(), 3, true, 1, R.REJECTION_FORBIDDEN],
    ['the name by one who left', write(), 4, true, 1, R.REJECTION_NOT_MEMBER],
    ['the name without an event', write(), 2, false, 1, R.REJECTION_BAD_EVENT],
    ['the name in the version held', write(), 2, true, 2, R.REJECTION_STALE_STATE],
    ['the own receipt', write({ slot: receiptSlot(3) }), 3, false, 0, null],
    ["another's receipt", write({ slot: receiptSlot(2) }), 3, false, 0, R.REJECTION_FORBIDDEN],
    ['a receipt as an event', write({ slot: receiptSlot(3) }), 3, true, 0, R.REJECTION_BAD_EVENT],
  ])('takes %s as it should', (_name, slotWrite, member, ordered, heldVersion, expected) => {
    expect(checkSlotWrite(slotWrite, { state, member, ordered, heldVersion })).toBe(expected);
  });

  it('of a receipt works up to 100 joined members', () => {
    const receipt = write({ slot: receiptSlot(3) });
    const writer = { member: 3, ordered: false, heldVersion: 0 };
    expect(checkSlotWrite(receipt, { ...writer, state: { ...state, joined: 100 } })).toBe(null);
    const ahead = (version: number) => checkSlotWrite({ ...receipt, version }, { ...writer, state, heldVersion: 5 });
    expect(ahead(1_005)).toBe(null);
    expect(ahead(1_006)).toBe(R.REJECTION_BAD_EVENT);
    expect(checkSlotWrite(receipt, { ...writer, state: { ...state, joined: 101 } })).toBe(R.REJECTION_UNSUPPORTED);
  });
});

describe('an emptying', () => {
  const { EMPTYING_CAUSE_AUTHOR: author, EMPTYING_CAUSE_MODERATOR: moderator } = EmptyingCause;
  const { EMPTYING_CAUSE_QUOTA: quota, EMPTYING_CAUSE_ERASURE: erasure } = EmptyingCause;
  const make = (change: Partial<Emptying>): Emptying => ({
    ...Emptying.decode(new Uint8Array(0)),
    cause: author,
    ...change,
  });
  const decodes = (change: Partial<Emptying>) => {
    const decoded = decodeEmptying(Emptying.encode(make(change)).finish());
    return typeof decoded === 'number' ? decoded : 0;
  };
  const header = (member: number, device = 1, kind: EventKind = EventKind.EVENT_KIND_CONTENT): EventHeader => ({
    ...EventHeader.decode(new Uint8Array(0)),
    member,
    device,
    kind,
  });
  const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

  it.each([
    ['one seq', { seqs: [1] }, 0],
    ['64 seqs', { seqs: upTo(64) }, 0],
    ['65 seqs', { seqs: upTo(65) }, R.REJECTION_BAD_EVENT],
    ['no seq', {}, R.REJECTION_BAD_EVENT],
    ['seqs out of order', { seqs: [2, 1] }, R.REJECTION_BAD_EVENT],
    ['a seq twice', { seqs: [2, 2] }, R.REJECTION_BAD_EVENT],
    ['64 blobs', { seqs: [1], blobs: upTo(64).map((i) => `${i}`.padStart(64, 'b')) }, 0],
    ['65 blobs', { seqs: [1], blobs: upTo(65).map(String) }, R.REJECTION_BAD_EVENT],
    ['a blob id of 65 characters', { seqs: [1], blobs: ['b'.repeat(65)] }, R.REJECTION_BAD_EVENT],
    ['a list with a range', { seqs: [1], fromSeq: 1, throughSeq: 2, member: 3 }, R.REJECTION_BAD_EVENT],
    ['a range', { cause: quota, fromSeq: 1, throughSeq: 9, member: 3 }, 0],
    ['a range backwards', { cause: quota, fromSeq: 9, throughSeq: 8, member: 3 }, R.REJECTION_BAD_EVENT],
    ['a range of nobody', { cause: erasure, fromSeq: 1, throughSeq: 9 }, R.REJECTION_BAD_EVENT],
    ['no cause', { cause: 0 as EmptyingCause, seqs: [1] }, R.REJECTION_BAD_EVENT],
    ['a later cause', { cause: 9 as EmptyingCause, seqs: [1] }, R.REJECTION_UNSUPPORTED],
  ])('with %s decodes as it should', (_name, change, expected) => {
    expect(decodes(change)).toBe(expected);
  });

  it('may be sent by the author, a moderator, or for a range by the provider', () => {
    const check = (cause: EmptyingCause, actor: EventHeader, member = 3) =>
      checkEmptying(make({ cause, member: cause > moderator ? member : 0 }), state, actor);
    expect([check(author, header(3)), check(author, header(4)), check(author, header(3, 0))]).toEqual([
      null,
      R.REJECTION_NOT_MEMBER,
      R.REJECTION_FORBIDDEN,
    ]);
    expect([check(moderator, header(2)), check(moderator, header(3))]).toEqual([null, R.REJECTION_FORBIDDEN]);
    expect([check(quota, header(3, 0)), check(quota, header(3)), check(erasure, header(3))]).toEqual([
      null,
      R.REJECTION_FORBIDDEN,
      null,
    ]);
    expect(check(erasure, header(2), 3)).toBe(R.REJECTION_FORBIDDEN);
  });

  it('takes only rows that it names and may take', () => {
    const takes = (change: Partial<Emptying>, row: EventHeader, actor: number) =>
      mayEmptyRow(make({ seqs: [5], ...change }), { seq: 5, header: row }, { state, actor: header(actor) });
    expect(takes({}, header(3), 3)).toBe(true);
    expect(takes({ seqs: [6] }, header(3), 3)).toBe(false);
    expect(takes({}, header(2), 3)).toBe(false);
    expect(takes({ cause: moderator }, header(3), 2)).toBe(true);
    expect(takes({ cause: moderator }, header(1), 2)).toBe(false);
    expect(takes({ cause: moderator }, header(3, 1, EventKind.EVENT_KIND_CONTROL), 2)).toBe(false);
    expect(takes({ cause: quota, seqs: [], fromSeq: 1, throughSeq: 5, member: 3 }, header(3), 3)).toBe(true);
    expect(takes({ cause: quota, seqs: [], fromSeq: 1, throughSeq: 4, member: 3 }, header(3), 3)).toBe(false);
    expect(takes({ cause: quota, seqs: [], fromSeq: 1, throughSeq: 5, member: 3 }, header(2), 3)).toBe(false);
  });
});

describe('what a member may read', () => {
  const join = { fromStart: false };

  it('starts with the own ACCEPT and ends with the event that took access', () => {
    const stays = afterStay(openStay([], 10, join), 20);
    expect(stays).toEqual([{ from: 10, through: 20 }]);
    expect([9, 10, 20, 21].map((seq) => mayRead(stays, seq))).toEqual([false, true, true, false]);
    const again = openStay(stays, 30, join);
    expect(readableRanges(again, 1, 40)).toEqual([
      { from: 10, through: 20 },
      { from: 30, through: 40 },
    ]);
    expect(readableRanges(again, 15, 25)).toEqual([{ from: 15, through: 20 }]);
    expect(readableRanges(again, 22, 25)).toEqual([]);
    expect([readableFrom(again, 1), readableFrom(again, 25), readableFrom(stays, 21)]).toEqual([10, 30, 0]);
  });

  it('is everything from the floor on where the policy says so', () => {
    const stays = openStay([{ from: 10, through: 20 }], 30, { fromStart: true });
    expect(readableRanges(stays, 5, 40)).toEqual([{ from: 5, through: 40 }]);
  });

  it('is forgotten stay by stay above sixteen', () => {
    let stays = openStay([], 1, join);
    for (let seq = 3; seq <= 2 * limits.staysMax - 1; seq += 2) stays = openStay(afterStay(stays, seq - 1), seq, join);
    expect([stays.length, stays[0]?.from]).toEqual([limits.staysMax, 1]);
    stays = openStay(afterStay(stays, 40), 41, join);
    expect([stays.length, stays[0]?.from]).toEqual([limits.staysMax, 3]);
  });
});
