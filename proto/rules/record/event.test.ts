import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rejection } from '../../gen/codes.ts';
import { Algorithm, EventHeader, EventKind } from '../../gen/record.ts';
import { bytesOf, makeActor, testPrimitives } from '../../golden/cast.ts';
import { Story } from '../../golden/story.ts';
import { concatBytes } from '../bytes/bytes.ts';
import { controlHash } from '../bytes/hash.ts';
import { limits } from '../limits.ts';
import { bodyBytesMax, checkControlHead, checkEvent, decodeHeader, type EventBytes } from './event.ts';
import { checkRecord, emptied, emptyHead, type LogHead, stampEvent } from './record.ts';

const R = Rejection;
const sender = { room: `!g${'a'.repeat(32)}:alpha.lu`, member: 3, device: 2 };
const control = { number: 1, hash: bytesOf('control') };

function event(change: Partial<EventHeader> = {}, body = bytesOf('body')): EventBytes {
  const plain = change.kind === EventKind.EVENT_KIND_CONTROL || change.kind === EventKind.EVENT_KIND_EMPTYING;
  const header: EventHeader = {
    ...sender,
    sendId: 1,
    kind: EventKind.EVENT_KIND_CONTENT,
    algorithm: plain ? Algorithm.ALGORITHM_NONE : Algorithm.ALGORITHM_MEGOLM_V1,
    bodySize: body.length,
    bodyHash: testPrimitives.sha256(body),
    control,
    counts: false,
    expiryDay: 0,
    commitment: plain ? new Uint8Array(0) : bytesOf('commitment'),
    ...change,
  };
  return { header: EventHeader.encode(header).finish(), body };
}

const code = (one: ReturnType<typeof event>) => {
  const result = checkEvent(one, sender, testPrimitives);
  return typeof result === 'number' ? result : 0;
};

describe('an event', () => {
  it.each([
    ['as it should be', {}, 0],
    ['that counts', { counts: true, expiryDay: 20_000 }, 0],
    ['for another room', { room: `!g${'b'.repeat(32)}:alpha.lu` }, R.REJECTION_BAD_EVENT],
    ['of another member', { member: 4 }, R.REJECTION_NOT_MEMBER],
    ['of another device', { device: 1 }, R.REJECTION_BAD_EVENT],
    ['without a send id', { sendId: 0 }, R.REJECTION_BAD_EVENT],
    ['of no kind', { kind: 0 as EventKind }, R.REJECTION_UNSUPPORTED],
    ['of a later kind', { kind: 9 as EventKind }, R.REJECTION_UNSUPPORTED],
    ['of a later algorithm', { algorithm: 3 as Algorithm }, R.REJECTION_UNSUPPORTED],
    ['of no algorithm', { algorithm: 0 as Algorithm }, R.REJECTION_BAD_EVENT],
    ['of content in the clear', { algorithm: Algorithm.ALGORITHM_NONE }, R.REJECTION_BAD_EVENT],
    ['of content without commitment', { commitment: new Uint8Array(0) }, R.REJECTION_BAD_EVENT],
    ['of content without control head', { control: undefined }, R.REJECTION_BAD_EVENT],
    ['with a short control hash', { control: { number: 1, hash: bytesOf('x', 31) } }, R.REJECTION_BAD_EVENT],
    ['with another size', { bodySize: 31 }, R.REJECTION_BAD_EVENT],
    ['with another hash', { bodyHash: bytesOf('other') }, R.REJECTION_BAD_EVENT],
    ['of a slot', { kind: EventKind.EVENT_KIND_SLOT }, 0],
    ['of a slot that counts', { kind: EventKind.EVENT_KIND_SLOT, counts: true }, R.REJECTION_BAD_EVENT],
    ['of control', { kind: EventKind.EVENT_KIND_CONTROL }, 0],
    ['of control at the genesis', { kind: EventKind.EVENT_KIND_CONTROL, control: undefined }, 0],
    [
      'of encrypted control',
      { kind: EventKind.EVENT_KIND_CONTROL, algorithm: Algorithm.ALGORITHM_MEGOLM_V1 },
      R.REJECTION_BAD_EVENT,
    ],
    [
      'of control with a commitment',
      { kind: EventKind.EVENT_KIND_CONTROL, commitment: bytesOf('c') },
      R.REJECTION_BAD_EVENT,
    ],
    ['of control that expires', { kind: EventKind.EVENT_KIND_CONTROL, expiryDay: 1 }, R.REJECTION_BAD_EVENT],
    ['of emptying', { kind: EventKind.EVENT_KIND_EMPTYING }, 0],
  ])('%s gives its code', (_name, change, expected) => {
    expect(code(event(change))).toBe(expected);
  });

  it('has a header that is written in one way only', () => {
    const { header, body } = event();
    for (const extra of [[0x00], [0x10, 0x03], [0x50, 0x00]]) {
      const other = concatBytes(header, Uint8Array.from(extra));
      expect(code({ header: other, body })).toBe(R.REJECTION_BAD_EVENT);
    }
    const overlong = concatBytes(header.subarray(0, 2), header.subarray(2));
    overlong[0] = 0x8a;
    expect(code({ header: overlong, body })).toBe(R.REJECTION_BAD_EVENT);
    const later = concatBytes(header, Uint8Array.of(0xc0, 0x3e, 0x05));
    expect(code({ header: later, body })).toBe(0);
  });

  it('has a header of at most 1 KiB', () => {
    const padded = (bytes: number) => {
      const { header, body } = event();
      const filler = bytes - header.length - 4;
      const rest = Uint8Array.of(0xc2, 0x3e, (filler & 0x7f) | 0x80, filler >>> 7, ...new Uint8Array(filler));
      return { header: concatBytes(header, rest), body };
    };
    expect(padded(1_024).header.length).toBe(limits.headerBytesMax);
    expect(code(padded(1_024))).toBe(0);
    expect(code(padded(1_025))).toBe(R.REJECTION_TOO_LARGE);
  });

  it.each([
    EventKind.EVENT_KIND_CONTENT,
    EventKind.EVENT_KIND_CONTROL,
    EventKind.EVENT_KIND_SLOT,
    EventKind.EVENT_KIND_EMPTYING,
  ])('of kind %d has a body of at most its limit', (kind) => {
    const max = bodyBytesMax(kind);
    expect(code(event({ kind }, new Uint8Array(max)))).toBe(0);
    expect(code(event({ kind }, new Uint8Array(max + 1)))).toBe(R.REJECTION_TOO_LARGE);
  });

  it('of any bytes gives a code', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (header) => {
        expect(typeof decodeHeader(header)).toBe('number');
      }),
    );
  });
});

describe('an event of the hub itself', () => {
  const from = (change: Partial<EventHeader>) => {
    const header = { member: 0, device: 0, kind: EventKind.EVENT_KIND_EMPTYING, ...change };
    const result = checkEvent(event(header), { ...sender, member: 0, device: header.device }, testPrimitives);
    return typeof result === 'number' ? result : 0;
  };

  it('is an emptying without member and device', () => {
    expect(from({})).toBe(0);
    const { EVENT_KIND_CONTENT, EVENT_KIND_CONTROL, EVENT_KIND_SLOT } = EventKind;
    const wrong = [
      ...[EVENT_KIND_CONTENT, EVENT_KIND_CONTROL, EVENT_KIND_SLOT].map((kind) => ({ kind })),
      { device: 1 },
    ];
    expect(wrong.map(from)).toEqual(Array(4).fill(R.REJECTION_BAD_EVENT));
  });

  it('never comes out of a session', () => {
    expect(code(event({ member: 0, device: 0, kind: EventKind.EVENT_KIND_EMPTYING }))).toBe(R.REJECTION_NOT_MEMBER);
  });
});

describe('the control head in a header', () => {
  const story = Story.group(makeActor('@ada:alpha.lu'));
  story.join(1, makeActor('@ben:alpha.lu'));
  story.do(1, { kind: 6, target: 2 });
  story.join(1, makeActor('@cid:alpha.lu'));
  const state = story.state!;
  const hashes = story.entries.map(({ entry }) => controlHash(entry.signed, testPrimitives));
  const at = (number: number, hash = hashes[number - 1] ?? bytesOf('hash')) =>
    checkControlHead(
      { ...EventHeader.decode(event().header), control: number === 0 ? undefined : { number, hash } },
      state,
      (asked) => hashes[asked - 1],
    );

  it('must not lie before the last removal, nor beyond the chain', () => {
    expect(state.lastRemoval).toBe(4);
    expect([at(0), at(3), at(4), at(5), at(6), at(7)]).toEqual([
      R.REJECTION_STALE_STATE,
      R.REJECTION_STALE_STATE,
      null,
      null,
      null,
      R.REJECTION_STALE_STATE,
    ]);
  });

  it('must name the hash of its entry, the newest or an older one', () => {
    for (const number of [4, 5, 6]) expect(at(number, bytesOf('hash'))).toBe(R.REJECTION_BAD_EVENT);
    expect(at(5, hashes[5])).toBe(R.REJECTION_BAD_EVENT);
  });

  it('is stale where the hash of its entry is not known', () => {
    const header = { ...EventHeader.decode(event().header), control: { number: 5, hash: bytesOf('hash') } };
    expect(checkControlHead(header, state, () => undefined)).toBe(R.REJECTION_STALE_STATE);
  });
});

describe('a log', () => {
  const options = { room: sender.room, primitives: testPrimitives };
  const write = (events: readonly { counts: boolean; now: number }[]) => {
    let head = emptyHead(1);
    return events.map(({ counts, now }, index) => {
      const made = stampEvent(head, event({ counts, sendId: index + 1 }), { counts, now, primitives: testPrimitives });
      head = made.head;
      return made;
    });
  };
  const rows = write([
    { counts: true, now: 1_000 },
    { counts: false, now: 900 },
    { counts: true, now: 2_000 },
  ]);
  const [first, second, third] = rows;

  it('is contiguous, never goes back in time and sums what counts', () => {
    expect(rows.map(({ head }) => [head.seq, head.acceptedMs, head.count])).toEqual([
      [1, 1_000, 1],
      [2, 1_000, 1],
      [3, 2_000, 2],
    ]);
  });

  it('is checked record by record to the same head', () => {
    let head: LogHead | null = null;
    for (const { record, head: written } of rows) {
      const checked = checkRecord(record, head, options);
      if (typeof checked === 'string') throw new Error(checked);
      expect(checked.head).toEqual(written);
      head = checked.head;
    }
  });

  it('shows a hole, a fork and a foreign record', () => {
    expect(checkRecord(third!.record, first!.head, options)).toBe('GAP');
    expect(checkRecord(second!.record, { ...first!.head, hash: bytesOf('other') }, options)).toBe('FORK');
    expect(checkRecord(first!.record, null, { ...options, room: 'other' })).toBe('WRONG_ROOM');
    expect(checkRecord(third!.record, null, options)).toMatchObject({ head: third!.head });
  });

  it('shows a changed body, stamp and header', () => {
    const { record } = second!;
    const body = record.body.map((byte, index) => (index === 0 ? byte ^ 1 : byte));
    expect(checkRecord({ ...record, body }, first!.head, options)).toBe('WRONG_BODY');
    expect(checkRecord({ ...record, body: new Uint8Array(0) }, first!.head, options)).toBe('WRONG_BODY');
    expect(checkRecord({ ...record, stamp: concatBytes(record.stamp, Uint8Array.of(0)) }, first!.head, options)).toBe(
      'MALFORMED',
    );
    expect(checkRecord({ ...record, header: new Uint8Array(3) }, first!.head, options)).toBe('MALFORMED');
    expect(checkRecord(record, { ...first!.head, count: 5 }, options)).toBe('WRONG_STAMP');
    expect(checkRecord(record, { ...first!.head, acceptedMs: 5_000 }, options)).toBe('WRONG_STAMP');
  });

  it('stays whole where bodies were emptied, and only by a later event', () => {
    const gone = emptied(second!.record, 3);
    expect(checkRecord(gone, first!.head, options)).toMatchObject({ head: second!.head });
    expect(checkRecord({ ...gone, body: second!.record.body }, first!.head, options)).toBe('WRONG_BODY');
    expect(checkRecord({ ...gone, emptiedBy: 2 }, first!.head, options)).toBe('WRONG_BODY');
  });

  it('goes on through kinds of a later version', () => {
    const later = stampEvent(emptyHead(1), event({ kind: 9 as EventKind }), {
      counts: false,
      now: 1,
      primitives: testPrimitives,
    });
    expect(checkRecord(later.record, null, options)).toMatchObject({ head: later.head });
  });
});
