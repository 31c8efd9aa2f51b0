import { describe, expect, it } from 'vitest';
import { Content } from '../../gen/content.ts';
import { Algorithm, EventHeader, EventKind, type Payload, PayloadInner, type SlotWrite } from '../../gen/record.ts';
import { bytesOf, testPrimitives } from '../../golden/cast.ts';
import { concatBytes } from '../bytes/bytes.ts';
import {
  decodeContent,
  frankingCommitment,
  isFranked,
  isWrittenApart,
  openPayload,
  openSlotPayload,
} from './payload.ts';

const control = { number: 4, hash: bytesOf('control') };
const outside = { room: '!g:x', member: 3, device: 2, sendId: 9, counts: true, control };
const inner = (change: Partial<PayloadInner> = {}): PayloadInner => ({
  ...PayloadInner.decode(new Uint8Array(0)),
  ...outside,
  kind: EventKind.EVENT_KIND_CONTENT,
  content: bytesOf('content'),
  ...change,
});
const payload = (change: Partial<PayloadInner> = {}) => ({
  frankingKey: bytesOf('franking'),
  inner: PayloadInner.encode(inner(change)).finish(),
});
function header(sealed: Payload = payload(), kind: EventKind = EventKind.EVENT_KIND_CONTENT): EventHeader {
  const empty = EventHeader.decode(new Uint8Array(0));
  return { ...empty, ...outside, kind, commitment: frankingCommitment(sealed, testPrimitives) };
}
const open = (change: Partial<PayloadInner>, options: { kind?: EventKind; write?: SlotWrite } = {}) => {
  const sealed = payload(change);
  const result = openPayload(header(sealed, options.kind), sealed, {
    write: options.write ?? null,
    primitives: testPrimitives,
  });
  return typeof result === 'string' ? result : null;
};

describe('what an author says', () => {
  const said = (body: Content['body']) =>
    Content.encode({ ...Content.decode(new Uint8Array(0)), forwarded: true, body }).finish();
  const text = said({ $case: 'text', value: { text: 'hi' } });

  it('is read in one way only: two bodies, or a field twice, say nothing', () => {
    expect(decodeContent(text)?.body).toMatchObject({ $case: 'text', value: { text: 'hi' } });
    const other = said({ $case: 'edit', value: { target: undefined, text: 'hello' } });
    for (const bytes of [concatBytes(text, other), concatBytes(text, text), text.subarray(1)]) {
      expect(decodeContent(bytes)).toBe(null);
    }
    const minusZero = Uint8Array.of(0x52, 9, 0x09, 0, 0, 0, 0, 0, 0, 0, 0x80);
    expect(decodeContent(minusZero)).toBe(null);
  });

  it('may begin with U+FEFF, which is text', () => {
    const marked = said({ $case: 'text', value: { text: '\uFEFFhi' } });
    expect(decodeContent(marked)?.body).toMatchObject({ value: { text: '\uFEFFhi' } });
  });

  it('by a later version is known to be that', () => {
    const later = concatBytes(Uint8Array.of(0x20, 1), Uint8Array.of(0xba, 0x01, 1, 0));
    expect(decodeContent(later)).toMatchObject({ forwarded: true, body: undefined });
  });
});

describe('a payload', () => {
  it.each([
    ['nothing changed', {}, null],
    ['another room', { room: '!h:x' }, 'ROOM'],
    ['another member', { member: 4 }, 'MEMBER'],
    ['another device', { device: 1 }, 'DEVICE'],
    ['another send id', { sendId: 10 }, 'SEND_ID'],
    ['another kind', { kind: EventKind.EVENT_KIND_SLOT }, 'KIND'],
    ['other counting', { counts: false }, 'COUNTS'],
    ['another control number', { control: { ...control, number: 5 } }, 'CONTROL'],
    ['another control hash', { control: { ...control, hash: bytesOf('x') } }, 'CONTROL'],
    ['no control head', { control: undefined }, 'CONTROL'],
    ['another last day', { expiryDay: 20_000 }, 'EXPIRY_DAY'],
    ['a slot', { slot: 'name' }, 'SLOT'],
    ['a slot version', { slotVersion: 1 }, 'SLOT_VERSION'],
  ])('with %s inside is opened or refused', (_name, change, fault) => {
    expect(open(change)).toBe(fault);
  });

  it('belongs to its commitment', () => {
    const sealed = payload();
    const { commitment } = header(sealed);
    expect(isFranked(commitment, sealed, testPrimitives)).toBe(true);
    expect(isFranked(commitment, { ...sealed, frankingKey: bytesOf('other') }, testPrimitives)).toBe(false);
    expect(isFranked(commitment, payload({ sendId: 10 }), testPrimitives)).toBe(false);
    expect(isFranked(commitment, { ...sealed, frankingKey: bytesOf('franking', 31) }, testPrimitives)).toBe(false);
    const other = openPayload(header(payload({ content: bytesOf('other') })), sealed, {
      write: null,
      primitives: testPrimitives,
    });
    expect(other).toBe('COMMITMENT');
  });

  it('says when it was written: apart from the stamp beyond five minutes, before and after', () => {
    const stamped = 1_700_000_000_000;
    for (const by of [300_000, -300_000]) {
      expect(isWrittenApart(stamped + by, stamped)).toBe(false);
      expect(isWrittenApart(stamped + by + Math.sign(by), stamped)).toBe(true);
    }
    expect(isWrittenApart(0, stamped)).toBe(false);
  });

  it('that does not decode is malformed', () => {
    const sealed = { frankingKey: bytesOf('franking'), inner: Uint8Array.of(0x0a, 0x7f) };
    expect(openPayload(header(sealed), sealed, { write: null, primitives: testPrimitives })).toBe('MALFORMED');
  });

  it('is read in one way only: a field twice, a spelled-out default or fields out of order are malformed', () => {
    const good = payload().inner;
    const again = Uint8Array.of(0x10, 3);
    for (const bytes of [
      concatBytes(good, again),
      concatBytes(again, good),
      concatBytes(good, Uint8Array.of(0x58, 0)),
    ]) {
      const sealed = { frankingKey: bytesOf('franking'), inner: bytes };
      expect(openPayload(header(sealed), sealed, { write: null, primitives: testPrimitives })).toBe('MALFORMED');
    }
    const later = { frankingKey: bytesOf('franking'), inner: concatBytes(good, Uint8Array.of(0xc0, 0x3e, 5)) };
    expect(openPayload(header(later), later, { write: null, primitives: testPrimitives })).toMatchObject({ sendId: 9 });
  });

  it('of a slot names the slot and its version', () => {
    const write: SlotWrite = {
      slot: 'topic',
      version: 7,
      algorithm: Algorithm.ALGORITHM_MEGOLM_V1,
      value: new Uint8Array(0),
    };
    const kind = EventKind.EVENT_KIND_SLOT;
    expect(open({ kind, slot: 'topic', slotVersion: 7 }, { kind, write })).toBe(null);
    expect(open({ kind, slot: 'name', slotVersion: 7 }, { kind, write })).toBe('SLOT');
    expect(open({ kind, slot: 'topic', slotVersion: 6 }, { kind, write })).toBe('SLOT_VERSION');
    const place = { ...outside, sendId: 0, write };
    const receipt = (change: Partial<PayloadInner> = {}) =>
      payload({ kind, sendId: 0, slot: 'topic', slotVersion: 7, counts: false, ...change });
    expect(openSlotPayload(place, receipt())).toMatchObject({ slot: 'topic' });
    expect(openSlotPayload({ ...place, member: 4 }, receipt())).toBe('MEMBER');
    expect(openSlotPayload(place, receipt({ counts: true }))).toBe('COUNTS');
    expect(openSlotPayload(place, receipt({ expiryDay: 1 }))).toBe('EXPIRY_DAY');
  });
});
