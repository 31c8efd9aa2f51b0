// What the contract alone costs for one message at the hub: decode the submit, check the event, stamp it, encode the frame that everybody gets.
// Run: npx node bench/micro/codec.ts. Aim: all together at most 8 µs with 300 bytes of body, both SHA-256 included.
import { ClientFrame, ServerFrame } from '#proto/gen/client.ts';
import { Algorithm, type Event, EventHeader, EventKind } from '#proto/gen/record.ts';
import { encodeMessage } from '#proto/rules/bytes/encode.ts';
import { recordHash } from '#proto/rules/bytes/hash.ts';
import { checkEvent } from '#proto/rules/record/event.ts';
import { emptyHead, stampEvent } from '#proto/rules/record/record.ts';
import { nodePrimitives as primitives } from '#server/primitives.ts';
import { median, writeResult } from './lib/figures.ts';

const sender = { room: '!gabcdefghijklmnopqrstuvwxyz234567:alpha.example.lu', member: 17, device: 2 };
const rounds = 40_000;
const figures: { [name: string]: number } = {};
let bodyBytes = 0;

function submitFrame(): Uint8Array {
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

/** Median of five stretches, in microseconds a run. */
function measure(name: string, run: () => void): void {
  const stretches: number[] = [];
  for (let stretch = 0; stretch < 6; stretch++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < rounds; i++) run();
    // The first one warms up.
    if (stretch > 0) stretches.push(Number(process.hrtime.bigint() - start) / rounds / 1_000);
  }
  const microseconds = Math.round(median(stretches) * 100) / 100;
  figures[`${name}, body ${bodyBytes}`] = microseconds;
  process.stdout.write(`  ${name.padEnd(34)} ${microseconds.toFixed(2).padStart(8)} µs\n`);
}

for (bodyBytes of [300, 1_000, 4_000]) {
  const frame = submitFrame();
  const event = eventOf(frame);
  const header = checked(event);
  const options = { counts: true, now: 1_700_000_000_000, primitives };
  const { record } = stampEvent(emptyHead(1), event, options);
  const frameOf = (one: typeof record): ServerFrame => {
    const value = { room: sender.room, records: [one], persons: [], credentials: [] };
    return { request: 0, body: { $case: 'roomRecords', value } };
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
  measure('encode the pushed frame', () => encodeMessage(ServerFrame, frameOf(record)));
  measure('the same with a fresh writer', () => ServerFrame.encode(frameOf(record)).finish());
  measure('all together', () => {
    const next = eventOf(frame);
    const stamped = stampEvent(head, next, { ...options, counts: checked(next).counts });
    head = stamped.head;
    encodeMessage(ServerFrame, frameOf(stamped.record));
  });
}
writeResult('codec', { rounds, bodyBytes: [300, 1_000, 4_000], headerBytes: 176 }, figures);
