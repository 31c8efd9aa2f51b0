// What the contract alone costs for one message at the hub: decode the submit, check the event, stamp it, encode the frame that everybody gets.
// Run: npx node bench/micro/codec.ts. Aim: all together at most 8 µs with 300 bytes of body, both SHA-256 included.
import { ClientFrame, ServerFrame } from '#proto/gen/client.ts';
import { Algorithm, type Event, EventHeader, EventKind } from '#proto/gen/record.ts';
import { encodeMessage } from '#proto/rules/encode.ts';
import { checkEvent } from '#proto/rules/event.ts';
import { recordHash } from '#proto/rules/hash.ts';
import { emptyHead, stampEvent } from '#proto/rules/record.ts';
import { nodePrimitives as primitives } from '#server/primitives.ts';

const sender = { room: '!gabcdefghijklmnopqrstuvwxyz234567:alpha.example.lu', member: 17, device: 2 };
const rounds = 200_000;

function submitFrame(bodyBytes: number): Uint8Array {
  const body = new Uint8Array(bodyBytes).fill(0x61);
  const header = EventHeader.encode({
    ...sender,
    sendId: 123_456,
    kind: EventKind.EVENT_KIND_CONTENT,
    algorithm: Algorithm.ALGORITHM_MEGOLM_V1,
    bodySize: bodyBytes,
    bodyHash: primitives.sha256(body),
    control: { number: 42, hash: primitives.sha256(body) },
    counts: true,
    expiryDay: 0,
    commitment: primitives.sha256(body),
  }).finish();
  const value = { room: sender.room, event: { header, body }, person: undefined, credential: undefined, partner: '' };
  return ClientFrame.encode({ request: 7, body: { $case: 'submit', value } }).finish();
}

function eventOf(frame: Uint8Array): Event {
  const { body } = ClientFrame.decode(frame);
  if (body?.$case !== 'submit' || body.value.event === undefined) throw new Error('no submit');
  return body.value.event;
}

function checked(event: Event): EventHeader {
  const header = checkEvent(event, sender, primitives);
  if (typeof header === 'number') throw new Error(`rejected ${header}`);
  return header;
}

function measure(name: string, run: () => void): void {
  for (let i = 0; i < rounds / 4; i++) run();
  const start = process.hrtime.bigint();
  for (let i = 0; i < rounds; i++) run();
  const microseconds = Number(process.hrtime.bigint() - start) / rounds / 1_000;
  process.stdout.write(`  ${name.padEnd(34)} ${microseconds.toFixed(2).padStart(8)} µs\n`);
}

for (const bodyBytes of [300, 1_000, 4_000]) {
  const frame = submitFrame(bodyBytes);
  const event = eventOf(frame);
  const header = checked(event);
  const options = { counts: true, now: 1_700_000_000_000, primitives };
  const { record } = stampEvent(emptyHead(1), event, options);
  const pushed = (one: typeof record): Uint8Array => {
    const value = { room: sender.room, records: [one], persons: [], credentials: [] };
    return encodeMessage(ServerFrame, { request: 0, body: { $case: 'roomRecords', value } });
  };
  let head = emptyHead(1);
  process.stdout.write(`body of ${bodyBytes} bytes, header of ${event.header.length}\n`);
  measure('decode the submit frame', () => eventOf(frame));
  measure('decode the header', () => EventHeader.decode(event.header));
  measure('check the event', () => checked(event));
  measure('SHA-256 of the body', () => primitives.sha256(event.body));
  measure('SHA-256 of stamp and header', () => recordHash(record.stamp, event.header, primitives));
  measure('stamp the event', () => {
    head = stampEvent(head, event, { ...options, counts: header.counts }).head;
  });
  measure('encode the pushed frame', () => pushed(record));
  measure('all together', () => {
    const next = eventOf(frame);
    const stamped = stampEvent(head, next, { ...options, counts: checked(next).counts });
    head = stamped.head;
    pushed(stamped.record);
  });
}
