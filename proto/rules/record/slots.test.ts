import { describe, expect, it } from 'vitest';
import { Rejection } from '../../gen/codes.ts';
import { Algorithm, ControlKind, Role, SlotWrite } from '../../gen/record.ts';
import { makeActor } from '../../golden/cast.ts';
import { groupPolicy, Story } from '../../golden/story.ts';
import { limits } from '../limits.ts';
import { checkSlotWrite, decodeSlotWrite, isVersionWithin, receiptSlot, slotKind } from './slots.ts';

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

  it('can have got as far as a step for each event, and no further', () => {
    expect([isVersionWithin(1, 1), isVersionWithin(7_000, 7), isVersionWithin(7_001, 7)]).toEqual([true, true, false]);
    expect([isVersionWithin(0, 7), isVersionWithin(1, 0)]).toEqual([false, false]);
  });
});
