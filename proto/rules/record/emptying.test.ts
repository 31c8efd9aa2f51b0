import { describe, expect, it } from 'vitest';
import { Rejection } from '../../gen/codes.ts';
import { ControlKind, Emptying, EmptyingCause, EventHeader, EventKind, Role } from '../../gen/record.ts';
import { makeActor } from '../../golden/cast.ts';
import { Story } from '../../golden/story.ts';
import { checkEmptying, decodeEmptying, isOver, mayEmptyRow } from './emptying.ts';

const R = Rejection;
const story = Story.group(makeActor('@owner:x'));
story.join(1, makeActor('@moderator:x'), Role.ROLE_MODERATOR);
story.join(1, makeActor('@member:x'));
story.join(1, makeActor('@gone:x'));
story.do(4, { kind: ControlKind.CONTROL_KIND_LEAVE, target: 4 });
const state = story.state!;

describe('an emptying', () => {
  const { EMPTYING_CAUSE_AUTHOR: author, EMPTYING_CAUSE_MODERATOR: moderator } = EmptyingCause;
  const { EMPTYING_CAUSE_QUOTA: quota, EMPTYING_CAUSE_ERASURE: erasure } = EmptyingCause;
  const { EMPTYING_CAUSE_EXPIRED: expired } = EmptyingCause;
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
    ['what is over', { cause: expired, seqs: upTo(64) }, 0],
    ['what is over and a blob', { cause: expired, seqs: [1], blobs: ['b'] }, R.REJECTION_BAD_EVENT],
    ['what is over as a range', { cause: expired, fromSeq: 1, throughSeq: 9, member: 3 }, R.REJECTION_BAD_EVENT],
    ['no cause', { cause: 0 as EmptyingCause, seqs: [1] }, R.REJECTION_BAD_EVENT],
    ['a later cause', { cause: 6 as EmptyingCause, seqs: [1] }, R.REJECTION_UNSUPPORTED],
  ])('with %s decodes as it should', (_name, change, expected) => {
    expect(decodes(change)).toBe(expected);
  });

  it('may be sent by the author, a moderator, or for a range by the provider', () => {
    const check = (cause: EmptyingCause, actor: EventHeader, member = 3) =>
      checkEmptying(make({ cause, member: cause === quota || cause === erasure ? member : 0 }), state, actor);
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
    // A device speaks for who is in; a provider for its user, wherever they went.
    expect([check(erasure, header(4), 4), check(erasure, header(4, 0), 4)]).toEqual([R.REJECTION_NOT_MEMBER, null]);
  });

  it('of what is over may be sent by the hub, which may send no other', () => {
    const hub = header(0, 0, EventKind.EVENT_KIND_EMPTYING);
    const check = (cause: EmptyingCause, actor: EventHeader) => checkEmptying(make({ cause, seqs: [5] }), state, actor);
    expect(check(expired, hub)).toBe(null);
    expect([1, 2, 3].map((member) => check(expired, header(member)))).toEqual(Array(3).fill(R.REJECTION_FORBIDDEN));
    expect(check(expired, header(3, 0))).toBe(R.REJECTION_FORBIDDEN);
    for (const cause of [author, moderator, quota, erasure]) expect(check(cause, hub)).toBe(R.REJECTION_FORBIDDEN);
  });

  it('of what is over takes the content whose last day is over, whoever wrote it, and nothing else', () => {
    const hub = header(0, 0, EventKind.EVENT_KIND_EMPTYING);
    const day = 19_675;
    const overMs = (day + 1) * 86_400_000;
    const takes = (row: Partial<EventHeader>, acceptedMs = overMs, seq = 5) =>
      mayEmptyRow(
        make({ cause: expired, seqs: [5] }),
        { seq, header: { ...header(2), ...row } },
        { state, actor: hub, acceptedMs },
      );
    expect([takes({ expiryDay: day }), takes({ expiryDay: day }, overMs - 1)]).toEqual([true, false]);
    expect([takes({ expiryDay: day + 1 }), takes({ expiryDay: 0 }), takes({ expiryDay: day }, overMs, 6)]).toEqual([
      false,
      false,
      false,
    ]);
    expect(takes({ expiryDay: 1, kind: EventKind.EVENT_KIND_CONTROL })).toBe(false);
    expect([isOver({ expiryDay: 1 }, 2 * 86_400_000 - 1), isOver({ expiryDay: 1 }, 2 * 86_400_000)]).toEqual([
      false,
      true,
    ]);
    expect(isOver({ expiryDay: 2 ** 32 - 1 }, 8.64e15)).toBe(false);
  });

  it('takes only rows that it names and may take', () => {
    const takes = (change: Partial<Emptying>, row: EventHeader, actor: number) =>
      mayEmptyRow(
        make({ seqs: [5], ...change }),
        { seq: 5, header: row },
        { state, actor: header(actor), acceptedMs: 0 },
      );
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
