// Rooms full of people who write: in each room the first few members send one message after the other, each the next one once the last was
// acknowledged, until the room has had its number and everybody has all of them. Messages are patched copies, what comes is counted, not decoded.
import type { BenchLogin } from './identity.ts';
import { enrolled, type Ports } from './people.ts';
import type { RawClient } from './raw-client.ts';
import { isRoomRecords, recordsIn } from './records.ts';
import { foundGroup, submitFrame } from './rooms.ts';
import { inParallel } from './server.ts';
import { message, Wire } from './wire.ts';

/** What to send. */
export interface Load {
  /** Members of each room who send; so many messages of a room are under way at once. */
  readonly inFlight: number;
  readonly messagesPerRoom: number;
  readonly bodyBytes: number;
  /** One message at a time in a room, and the next one only when everybody has the last. Default: when its sender has the acknowledgement. */
  readonly wait?: boolean;
}

/** What came of it. Times in microseconds, as the senders see them. */
export interface LoadReport {
  readonly messages: number;
  readonly deliveries: number;
  readonly wallMicros: number;
  readonly ackP50: number;
  readonly ackP99: number;
  /** From sending to the last of the room having it; with one in flight only, else 0. */
  readonly lastP50: number;
  readonly lastP99: number;
}

/** One member of one room, whoever serves it. */
interface Member {
  /** When the message under way was sent. */
  beganMs: number;
  /** Sends message number `n` of this member. */
  send(n: number): void;
  /** Called for every acknowledgement of an own message. */
  acked: () => void;
  /** Called with the number of messages that came. */
  came: (count: number) => void;
}

/** Rooms of equal size. */
export type Rooms = readonly (readonly Member[])[];

/** Sends and waits for the last delivery. */
export async function run(rooms: Rooms, load: Load): Promise<LoadReport> {
  const acks: number[] = [];
  const lasts: number[] = [];
  const began = performance.now();
  await Promise.all(rooms.map((members) => runRoom(members, load, { acks, lasts })));
  const wallMicros = (performance.now() - began) * 1000;
  const messages = rooms.length * load.messagesPerRoom;
  const deliveries = messages * (rooms[0]?.length ?? 0);
  const [ackP50, ackP99, lastP50, lastP99] = [...quantiles(acks), ...quantiles(lasts)];
  return { messages, deliveries, wallMicros, ackP50, ackP99, lastP50, lastP99 } as LoadReport;
}

let sent = 0;

function runRoom(
  members: readonly Member[],
  { inFlight, messagesPerRoom, wait = false }: Load,
  { acks, lasts }: { readonly acks: number[]; readonly lasts: number[] },
): Promise<void> {
  return new Promise((resolve) => {
    let left = messagesPerRoom;
    let owed = messagesPerRoom * (members.length + 1);
    let told = 0;
    let arrived = 0;
    let ready = 0;
    const sentMs: number[] = [];
    const next = (member: Member) => {
      if (left === 0) return;
      left -= 1;
      sent += 1;
      member.beganMs = performance.now();
      if (inFlight === 1) sentMs.push(member.beganMs);
      member.send(sent);
    };
    const settle = (count: number) => {
      owed -= count;
      ready += count;
      if (wait && ready === members.length + 1) {
        ready = 0;
        next(members[0] as Member);
      }
      if (owed === 0) resolve();
    };
    for (const member of members) {
      member.came = (count) => {
        arrived += count;
        // With one in flight all have message n before message n + 2 is sent, so counting is enough.
        while (inFlight === 1 && arrived >= (told + 1) * members.length) {
          lasts.push((performance.now() - (sentMs[told] as number)) * 1000);
          told += 1;
        }
        settle(count);
      };
      member.acked = () => {
        acks.push((performance.now() - member.beganMs) * 1000);
        if (!wait) next(member);
        settle(1);
      };
    }
    for (const member of members.slice(0, inFlight)) next(member);
  });
}

/** Rooms at a provider: the people are enrolled, the groups founded, everybody is subscribed. */
export async function providerRooms(
  target: { readonly port: Ports; readonly provider: string; readonly name: string },
  logins: readonly BenchLogin[],
  { members, bodyBytes }: { readonly members: number; readonly bodyBytes: number },
): Promise<Rooms> {
  const seats = await enrolled(target.port, logins);
  return inParallel(Math.floor(seats.length / members), 20, async (n) => {
    const own = seats.slice(n * members, (n + 1) * members);
    const { room, control } = await foundGroup(own, target.provider, `${target.name} ${n}`);
    for (const { client } of own) await client.ask({ $case: 'subscribe', value: { rooms: [room] } }, 'subscribed');
    const body = randomBytes(bodyBytes);
    return own.map(({ client, identity }, at) => {
      const place = { room, member: at + 1, device: identity.deviceNumber, body, control };
      return providerMember(client, (sendId) => message(submitFrame(submitRequest, { ...place, sendId })));
    });
  });
}

/** A member has one message under way, so its requests can all have this number. */
const submitRequest = 1_000_000;
/** Send ids from here on are four bytes long each, so that a message can be patched in place. */
const firstSendId = 2 ** 21;

/** Makes message number `n` of a sender by patching a copy. */
export function patched(make: (sendId: number) => Buffer): (n: number) => Buffer {
  const template = make(firstSendId);
  const other = make(firstSendId + 1);
  const at = template.findIndex((byte, index) => byte !== other[index]);
  return (n) => {
    const bytes = Buffer.from(template);
    for (let value = firstSendId + n, i = 0; i < 4; i++, value = Math.floor(value / 128)) {
      bytes[at + i] = i < 3 ? (value & 0x7f) | 0x80 : value & 0x7f;
    }
    return bytes;
  };
}

function providerMember(client: RawClient, make: (sendId: number) => Buffer): Member {
  const bytesOf = patched(make);
  const member: Member = {
    beganMs: 0,
    send: (n) => client.wire.write(bytesOf(n)),
    acked: () => {},
    came: () => {},
  };
  void client.wire.closed.then((code) => {
    throw new Error(`a member was disconnected: ${code}`);
  });
  client.frame = (bytes) => {
    // An answer begins with its number (three bytes here).
    if (isRoomRecords(bytes)) member.came(recordsIn(bytes));
    else if (bytes[0] === 0x08 && bytes[4] === 0x3a) member.acked();
    else if (bytes[0] === 0x08 && bytes[4] === 0x12)
      throw new Error('a message was rejected: the load would never end');
    else return false;
    return true;
  };
  return member;
}

/** The same rooms at the bare relay: an own message that comes back is its acknowledgement. */
export function relayRooms(
  port: number,
  { rooms, members, bytes }: { readonly rooms: number; readonly members: number; readonly bytes: number },
): Promise<Rooms> {
  return inParallel(rooms, 20, (room) =>
    inParallel(members, members, async (at) => {
      const member: Member = { beganMs: 0, send: () => {}, acked: () => {}, came: () => {} };
      const wire = new Wire({ port, path: `/${room}` }, (payload) => {
        if (payload[0] === at) member.acked();
        member.came(1);
      });
      await wire.opened;
      const payload = randomBytes(bytes);
      payload[0] = at;
      const whole = message(payload);
      member.send = () => wire.write(Buffer.from(whole));
      return member;
    }),
  );
}

/** Bytes of a Submit frame with such a body: what the relay is given to carry. */
export function submitBytes(bodyBytes: number): number {
  const room = `!g${'a'.repeat(32)}:localhost`;
  const control = { number: 19, hash: randomBytes(32) };
  const place = { room, member: 1, device: 1, sendId: firstSendId, body: randomBytes(bodyBytes), control };
  return submitFrame(submitRequest, place).length;
}

function randomBytes(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}

/** p50 and p99; zeros where nothing was measured. */
export function quantiles(values: number[]): [number, number] {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => Math.round(sorted[Math.floor(share * sorted.length)] ?? 0);
  return [at(0.5), at(0.99)];
}
