// A thousand people who are really there: each logs in over its own WebSocket, lists and subscribes its room, writes now and then, and gets what
// the others write. Times are those of the people: from sending to the durable acknowledgement, and from sending to each one who has it.
// Started by run.ts, which prepares the people and the rooms. Thresholds decide pass or fail.
import crypto from 'k6/crypto';
import { SharedArray } from 'k6/data';
import exec from 'k6/execution';
import { Counter, Trend } from 'k6/metrics';
import { setTimeout } from 'k6/timers';
import { WebSocket } from 'k6/websockets';
import { isRoomRecords, recordsIn } from '../lib/records.ts';
import { Algorithm, type Answer, EventHeader, EventKind, messageOf, ServerFrame, Stamp, splitFrames } from './codec.ts';

/** One prepared person: device number, token, and the seat in a room. */
export interface Person {
  readonly token: string;
  readonly device: number;
  readonly room: string;
  readonly member: number;
  readonly controlNumber: number;
  readonly controlHash: string;
}

declare const __ENV: Record<string, string>;
declare function open(path: string): string;

const url = __ENV.URL as string;
const vus = Number(__ENV.VUS);
/** Milliseconds: after the start of the run nobody writes before the first and after the second; the third is the end. */
const [writeFrom, writeUntil, endAt] = [Number(__ENV.WRITE_FROM), Number(__ENV.WRITE_UNTIL), Number(__ENV.END_AT)];
/** Milliseconds between two messages of one person. */
const periodMs = Number(__ENV.PERIOD);
const bodyBytes = Number(__ENV.BODY_BYTES);
/** Member number of the one in each room who decodes what comes. */
const watcher = 5;
const people = new SharedArray('people', () => JSON.parse(open(__ENV.PEOPLE as string)) as Person[]);

const welcome = new Trend('welcome_ms', true);
const roomList = new Trend('room_list_ms', true);
const subscribed = new Trend('subscribed_ms', true);
const ack = new Trend('ack_ms', true);
const delivery = new Trend('delivery_ms', true);
const sent = new Counter('messages_sent');
const acked = new Counter('messages_acked');
const delivered = new Counter('deliveries');
const rejected = new Counter('rejected');
const gaps = new Counter('gaps');
const lost = new Counter('connections_lost');

export const options = {
  scenarios: {
    people: { executor: 'per-vu-iterations', vus, iterations: 1, maxDuration: `${Math.ceil(endAt / 1000) + 60}s` },
  },
  summaryTrendStats: ['count', 'med', 'p(99)', 'p(99.9)', 'max'],
  thresholds: {
    ack_ms: [`p(99)<${__ENV.ACK_P99_MS}`],
    delivery_ms: [`p(99)<${__ENV.DELIVERY_P99_MS}`],
    rejected: ['count==0'],
    gaps: ['count==0'],
    connections_lost: ['count==0'],
  },
};

export default function everybody(): void {
  const first = exec.vu.idInTest - 1;
  for (let n = first; n < people.length; n += vus) {
    const person = people[n] as Person;
    // Spread over the first half of the time before anyone writes.
    setTimeout(() => live(person, n), (n / people.length) * (writeFrom / 2));
  }
}

/** Milliseconds since the run began, finer than Date.now and the same for all. */
function now(): number {
  return exec.instance.currentTestRunDuration;
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one session from hello to its end, which k6 runs as one closure.
function live(person: Person, n: number): void {
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer' as typeof socket.binaryType;
  const { room, member, device } = person;
  const asked = new Map<number, { readonly at: number; readonly then: (body: Answer, tookMs: number) => void }>();
  let request = 0;
  let sendId = 2 ** 21;
  let headSeq = 0;
  let over = false;
  // One of each room looks at what comes; the others count it, or k6 would be slower than the server.
  const watches = member === watcher;
  const control = { number: person.controlNumber, hash: bytesOfHex(person.controlHash) };

  const ask = (body: Parameters<typeof messageOf>[1], then: (answer: Answer, tookMs: number) => void) => {
    request += 1;
    asked.set(request, { at: now(), then });
    socket.send(messageOf(request, body));
  };
  const write = () => {
    if (over) return;
    const body = new Uint8Array(bodyBytes);
    new DataView(body.buffer).setFloat64(0, now());
    const bodyHash = new Uint8Array(crypto.sha256(body.buffer, 'binary'));
    sendId += 1;
    const header = EventHeader.encode({
      room,
      member,
      device,
      sendId,
      kind: EventKind.EVENT_KIND_CONTENT,
      algorithm: Algorithm.ALGORITHM_MEGOLM_V1,
      bodySize: bodyBytes,
      bodyHash,
      control,
      counts: true,
      expiryDay: 0,
      commitment: bodyHash,
    }).finish();
    sent.add(1);
    const value = { room, event: { header, body }, person: undefined, credential: undefined, partner: '' };
    ask({ $case: 'submit', value }, (answer, tookMs) => {
      if (answer.$case !== 'accepted') return;
      acked.add(1);
      ack.add(tookMs);
    });
  };
  const pushed = (body: Answer) => {
    if (body.$case !== 'roomRecords') return;
    const at = now();
    for (const record of body.value.records) {
      const { seq } = Stamp.decode(record.stamp);
      if (seq !== headSeq + 1) gaps.add(1);
      headSeq = seq;
      delivered.add(1);
      delivery.add(at - new DataView(record.body.buffer, record.body.byteOffset).getFloat64(0));
    }
  };

  socket.onopen = () => {
    const hello = { version: 1, accessToken: person.token, client: 'k6', quiet: true };
    ask({ $case: 'hello', value: hello }, (_, helloMs) => {
      welcome.add(helloMs);
      ask({ $case: 'listRooms', value: { after: '', room: '' } }, (_list, listMs) => {
        roomList.add(listMs);
        ask({ $case: 'subscribe', value: { rooms: [room] } }, (answer, subscribeMs) => {
          subscribed.add(subscribeMs);
          if (answer.$case === 'subscribed') headSeq = answer.value.rooms[0]?.headSeq ?? 0;
          // At fixed times, so that a slow answer does not make fewer messages.
          const writeAt = (dueMs: number) => {
            if (dueMs >= writeUntil) return;
            const due = () => {
              write();
              writeAt(dueMs + periodMs);
            };
            setTimeout(due, Math.max(0, dueMs - now()));
          };
          writeAt(writeFrom + ((n * 7919) % people.length) * (periodMs / people.length));
          setTimeout(() => {
            over = true;
            socket.close();
          }, endAt - now());
        });
      });
    });
  };
  socket.onmessage = (event) => {
    for (const bytes of splitFrames(new Uint8Array(event?.data as ArrayBuffer))) {
      if (!watches && isRoomRecords(bytes)) {
        delivered.add(recordsIn(bytes));
        continue;
      }
      const frame = ServerFrame.decode(bytes);
      if (frame.body === undefined) continue;
      if (frame.body.$case === 'rejected') rejected.add(1);
      const waiting = asked.get(frame.request);
      asked.delete(frame.request);
      if (waiting === undefined) pushed(frame.body);
      else waiting.then(frame.body, now() - waiting.at);
    }
  };
  socket.onclose = () => {
    if (!over) lost.add(1);
    over = true;
  };
}

function bytesOfHex(hex: string): Uint8Array {
  return new Uint8Array((hex.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16)));
}

/** The figures for run.ts; k6 prints nothing of its own. */
export function handleSummary(data: unknown): Record<string, string> {
  return { [__ENV.SUMMARY as string]: JSON.stringify(data) };
}
