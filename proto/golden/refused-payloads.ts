// Payloads that contradict their outside, at least one for each reason in the closed list, and bytes that have two readings. For tests and `make.ts`
// only.
import { Algorithm, EventHeader, EventKind, PayloadInner, SlotWrite } from '../gen/record.ts';
import { toHex } from '../rules/bytes/base.ts';
import { asciiBytes, concatBytes, noBytes } from '../rules/bytes/bytes.ts';
import { type BindingFault, frankingCommitment } from '../rules/record/payload.ts';
import { bytesOf, testPrimitives } from './cast.ts';

const frankingKey = bytesOf('franking key');
const { EVENT_KIND_CONTENT: content, EVENT_KIND_SLOT: slot } = EventKind;
const outside = {
  room: '!dsomeroom:alpha.lu',
  member: 3,
  device: 2,
  sendId: 9,
  kind: content as EventKind,
  counts: true,
  control: { number: 4, hash: bytesOf('control') },
  expiryDay: 20_000,
};
const write: SlotWrite = { slot: 'topic', version: 7, algorithm: Algorithm.ALGORITHM_MEGOLM_V1, value: noBytes };
const slotOutside = { ...outside, kind: slot, counts: false, expiryDay: 0 };

/** A payload that is not shown under this header; `write` is the body of a slot's event, else empty. */
export interface RefusedPayload {
  readonly name: string;
  readonly header: string;
  readonly write: string;
  readonly frankingKey: string;
  readonly inner: string;
  readonly fault: BindingFault;
}

/** Payloads by reason. */
export function refusedPayloads(): RefusedPayload[] {
  const refused: RefusedPayload[] = [];
  const add = (fault: BindingFault, name: string, inner: Uint8Array, of: Outside = outside) =>
    refused.push(told(fault, name, inner, of));
  const change = (fault: BindingFault, name: string, by: Partial<PayloadInner>) => add(fault, name, innerOf(by));
  const good = innerOf({});

  add('MALFORMED', 'a field twice', concatBytes(good, Uint8Array.of(0x10, 3)));
  // At the end stand written_ms with seven bytes and expiry_day with four.
  const [front, times] = [good.subarray(0, -11), good.subarray(-11)];
  add('MALFORMED', 'a default spelled out', concatBytes(front, Uint8Array.of(0x58, 0), times));
  add('MALFORMED', 'a field out of order', concatBytes(good.subarray(-4), good.subarray(0, -4)));
  add('MALFORMED', 'cut', good.subarray(0, -1));
  const other = told('COMMITMENT', 'of another payload', innerOf({ content: bytesOf('other') }), outside);
  refused.push({ ...other, inner: toHex(good) });
  refused.push({
    ...told('COMMITMENT', 'a franking key of 31 bytes', good, outside),
    frankingKey: toHex(frankingKey.subarray(1)),
  });
  change('ROOM', 'another room', { room: '!gother:alpha.lu' });
  change('MEMBER', 'another member', { member: 4 });
  change('DEVICE', 'another device', { device: 1 });
  change('SEND_ID', 'another send id', { sendId: 10 });
  change('KIND', 'another kind', { kind: slot });
  change('COUNTS', 'other counting', { counts: false });
  change('EXPIRY_DAY', 'another last day', { expiryDay: 0 });
  change('CONTROL', 'another control number', { control: { ...outside.control, number: 5 } });
  change('CONTROL', 'another control hash', { control: { ...outside.control, hash: bytesOf('x') } });
  change('CONTROL', 'no control head', { control: undefined });
  change('SLOT', 'a slot in content', { slot: 'topic' });
  change('SLOT_VERSION', 'a version in content', { slotVersion: 7 });
  const inSlot = { ...slotOutside, slot: write.slot, slotVersion: write.version };
  add('SLOT', 'of another slot', innerOf({ ...inSlot, slot: 'name' }), slotOutside);
  add('SLOT_VERSION', 'of another version', innerOf({ ...inSlot, slotVersion: 6 }), slotOutside);
  return refused;
}

/** Headers with two readings, and one with a field of a later version, which is fine. */
export function canonicalHeaders() {
  const good = headerOf(outside, bytesOf('commitment'));
  const roomLength = good[1] as number;
  const overlong = concatBytes(Uint8Array.of(0x0a, roomLength | 0x80, 0), good.subarray(2));
  const named = (name: string, header: Uint8Array, accepted = false) => ({ name, header: toHex(header), accepted });
  return [
    named('as it should be', good, true),
    named('with a field of a later version behind', concatBytes(good, Uint8Array.of(0xc0, 0x3e, 5)), true),
    named('with a field of a later version in front', concatBytes(Uint8Array.of(0xc0, 0x3e, 5), good)),
    named('with a field twice', concatBytes(good, Uint8Array.of(0x10, 3))),
    named('with a default spelled out', concatBytes(Uint8Array.of(0x0a, 0), good)),
    named('with an overlong length', overlong),
    named(
      'with text that is not UTF-8',
      good.map((byte, at) => (at === 2 ? 0xff : byte)),
    ),
    named('with a number above 2^53 - 1', raised(good)),
    named('without a member', headerOf({ ...outside, member: 0 }, bytesOf('commitment'))),
  ];
}

type Outside = typeof outside;

function headerOf(of: Outside, commitment: Uint8Array): Uint8Array {
  const body = asciiBytes('body');
  const algorithm = Algorithm.ALGORITHM_MEGOLM_V1;
  const about = { algorithm, bodySize: body.length, bodyHash: testPrimitives.sha256(body), commitment };
  return EventHeader.encode({ ...of, ...about }).finish();
}

/** Send id 9 (one byte) written as 2^53. */
function raised(header: Uint8Array): Uint8Array {
  const at = 2 + (header[1] as number) + 4;
  const huge = Uint8Array.of(0x20, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10);
  return concatBytes(header.subarray(0, at), huge, header.subarray(at + 2));
}

function innerOf(change: Partial<PayloadInner>): Uint8Array {
  const inner = { ...PayloadInner.decode(noBytes), ...outside, content: noBytes, writtenMs: 1_700_000_000_000 };
  return PayloadInner.encode({ ...inner, ...change }).finish();
}

function told(fault: BindingFault, name: string, inner: Uint8Array, of: Outside): RefusedPayload {
  const header = headerOf(of, frankingCommitment({ frankingKey, inner }, testPrimitives));
  const body = of.kind === slot ? toHex(SlotWrite.encode(write).finish()) : '';
  return { name, header: toHex(header), write: body, frankingKey: toHex(frankingKey), inner: toHex(inner), fault };
}
