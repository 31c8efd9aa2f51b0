// Many rooms of few people, in a process of its own: people have one connection each and sit in many rooms. Messages go round the rooms in lanes, each
// with one message under way. Calls: people, found, subscribe, steady (a number of messages), waiting / kill / recovered (a node dies meanwhile).
import { serveCalls } from '../micro/lib/child.ts';
import { cpuMicros } from '../micro/lib/figures.ts';
import type { BenchLogin } from './identity.ts';
import { patched, quantiles } from './load.ts';
import { type EnrolledSeat, enrolled, type Ports } from './people.ts';
import { isRoomRecords, recordsIn } from './records.ts';
import { foundGroup, submitFrame } from './rooms.ts';
import { inParallel } from './server.ts';
import { message } from './wire.ts';

/** Requests of lanes are numbered from here on, three bytes each. */
const firstRequest = 1_000_000;
/** A message that was refused, or not answered, goes again after so long. */
const againMs = 100;
const unansweredMs = 2_000;

interface LaneRoom {
  readonly room: string;
  /** Of its first member. */
  readonly seat: EnrolledSeat;
  /** Messages of the lane with this request number. */
  readonly bytesOf: (request: number) => (n: number) => Buffer;
  /** Of `steady`: a room always has the same lane. */
  make: ((n: number) => Buffer) | null;
}

interface Lane {
  readonly send: () => void;
  /** What is under way goes again. */
  readonly again: () => void;
  readonly acked: () => void;
}

const body = crypto.getRandomValues(new Uint8Array(600));
let seats: EnrolledSeat[] = [];
let rooms: LaneRoom[] = [];
let members = 0;
let lanes: Lane[] = [];
let sent = 0;
let arrived = 0;
let tellArrived = () => {};

async function people({ ports, logins }: { ports: Ports; logins: BenchLogin[] }): Promise<void> {
  for (const { client } of seats) client.wire.cut();
  seats = await enrolled(ports, logins);
  rooms = [];
}

/** Founds rooms until there are so many; each with the next people. */
async function found(given: { count: number; members: number; provider: string; name: string }): Promise<string[]> {
  members = given.members;
  for (const { client } of seats) client.frame = null;
  const first = rooms.length;
  const more = await inParallel(given.count - first, 20, async (i) => {
    const at = (first + i) * members;
    const own = Array.from({ length: members }, (_, k) => seats[(at + k) % seats.length] as EnrolledSeat);
    const seat = own[0] as EnrolledSeat;
    const { room, control } = await foundGroup(own, given.provider, `${given.name} ${first + i}`);
    for (const { client } of own) await client.ask({ $case: 'subscribe', value: { rooms: [room] } }, 'subscribed');
    const place = { room, member: 1, device: seat.identity.deviceNumber, body, control };
    const bytesOf = (request: number) => patched((sendId) => message(submitFrame(request, { ...place, sendId })));
    return { room, seat, bytesOf, make: null };
  });
  rooms.push(...more);
  return rooms.map(({ room }) => room);
}

function listen(): void {
  for (const { client } of seats) {
    client.frame = (bytes) => {
      if (isRoomRecords(bytes)) {
        arrived += recordsIn(bytes);
        tellArrived();
        return true;
      }
      if (bytes[0] !== 0x08 || (bytes[4] !== 0x3a && bytes[4] !== 0x12)) return false;
      const request = (bytes[1]! & 0x7f) | ((bytes[2]! & 0x7f) << 7) | ((bytes[3]! & 0x7f) << 14);
      const lane = lanes[request - firstRequest];
      if (bytes[4] === 0x3a) lane?.acked();
      else setTimeout(() => lane?.again(), againMs);
      return true;
    };
  }
}

/** So many messages, going round all rooms, `inFlight` under way; resolves when everybody has all. A refusal fails it. */
async function steady({ inFlight, messages }: { inFlight: number; messages: number }) {
  const acks: number[] = [];
  arrived = 0;
  let left = messages;
  const began = performance.now();
  await new Promise<void>((resolve, reject) => {
    let owedAcks = messages;
    const settle = () => {
      if (owedAcks === 0 && arrived >= messages * members) resolve();
    };
    tellArrived = settle;
    lanes = Array.from({ length: Math.min(inFlight, rooms.length) }, (_, n) => {
      let sentMs = 0;
      let at = n - inFlight;
      const send = () => {
        if (left-- <= 0) return;
        at += inFlight;
        if (at >= rooms.length) at = n;
        const place = rooms[at] as LaneRoom;
        place.make ??= place.bytesOf(firstRequest + n);
        sentMs = performance.now();
        sent += 1;
        place.seat.client.wire.write(place.make(sent));
      };
      const acked = () => {
        acks.push((performance.now() - sentMs) * 1000);
        owedAcks -= 1;
        send();
        settle();
      };
      return { send, acked, again: () => reject(new Error('a message was rejected')) };
    });
    listen();
    for (const lane of lanes) lane.send();
  });
  const wallMicros = (performance.now() - began) * 1000;
  const [ackP50, ackP99] = quantiles(acks);
  return { messages, deliveries: messages * members, wallMicros, ackP50, ackP99 };
}

let killedMs = Number.POSITIVE_INFINITY;
/** By lane: milliseconds from the kill to the first acknowledgement of what was sent after it. */
let back: number[] = [];
let ends = () => {};

/** In each of these rooms somebody writes all the time, one message after the other. */
function waiting({ at }: { at: number[] }): void {
  killedMs = Number.POSITIVE_INFINITY;
  back = [];
  let on = true;
  const timers: NodeJS.Timeout[] = [];
  lanes = at.map((room, n) => {
    const { seat, bytesOf } = rooms[room] as LaneRoom;
    const make = bytesOf(firstRequest + n);
    let [sentMs, bytes] = [0, make(0)];
    const again = () => {
      if (!on) return;
      sentMs = performance.now();
      seat.client.wire.write(Buffer.from(bytes));
    };
    const send = () => {
      sent += 1;
      bytes = make(sent);
      again();
    };
    const acked = () => {
      if (sentMs > killedMs) back[n] ??= performance.now() - killedMs;
      // People write again after a while: else the rooms that are there already would be all there is.
      timers.push(setTimeout(send, 50 + Math.random() * 100));
    };
    timers.push(setInterval(() => performance.now() - sentMs > unansweredMs && again(), unansweredMs / 4));
    return { send, again, acked };
  });
  ends = () => {
    on = false;
    for (const timer of timers) clearTimeout(timer);
  };
  listen();
  for (const lane of lanes) lane.send();
}

/** Kills the process and waits until every room of `waiting` acknowledges again. Milliseconds of each. */
async function kill({ pid, deadlineMs }: { pid: number; deadlineMs: number }): Promise<(number | null)[]> {
  process.kill(pid, 'SIGKILL');
  killedMs = performance.now();
  const all = () => lanes.every((_, n) => back[n] !== undefined);
  while (!all() && performance.now() - killedMs < deadlineMs) await new Promise((resolve) => setTimeout(resolve, 20));
  ends();
  // What is under way is answered.
  await new Promise((resolve) => setTimeout(resolve, 500));
  lanes = [];
  return Array.from({ length: at() }, (_, n) => back[n] ?? null);

  function at(): number {
    return Math.max(back.length, lanes.length);
  }
}

serveCalls({ people, found, steady, waiting, kill, cpu: () => cpuMicros() });
