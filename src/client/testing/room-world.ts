// For tests: a room whose next record is what the test says, whoever wrote it. Engine and chain are stood in for, so that what a device makes of a
// record is at stake, and not its ciphers. The hub is as honest as the test lets it be.
import { Content } from '#proto/gen/content.ts';
import {
  Algorithm,
  EventHeader,
  EventKind,
  type Record as LogRecord,
  MemberStatus,
  Payload,
  PayloadInner,
  Role,
  type RoomPolicy,
  Stamp,
} from '#proto/gen/record.ts';
import { encodeMessage } from '#proto/rules/bytes/encode.ts';
import type { Alarm } from '../alarms.ts';
import type { DecryptRequest } from '../crypto/engine.ts';
import { portablePrimitives as primitives } from '../primitives.ts';
import { RoomReplica } from '../room/room.ts';
import type { RoomPorts } from '../room/room-copy.ts';
import { takeRecord } from '../room/room-intake.ts';
import { textContent } from '../sending/text-content.ts';
import { MemoryStore } from '../store/memory-store.ts';

export const roomId = `!g${'a'.repeat(32)}:localhost`;
const control = { number: 3, hash: new Uint8Array(32).fill(3) };
const noHash = new Uint8Array(32);
const beside = { persons: [], credentials: [] };
const users = ['', '@me:localhost', '@bob:localhost', '@eve:localhost'];

/** What the next record says. */
export interface Wish {
  /** 0 = the hub. */
  readonly member: number;
  readonly kind: EventKind;
  /** Of the author; default 2. This device is 1. */
  readonly device?: number;
  readonly body?: Uint8Array;
  readonly content?: Content;
  /** Seq that the author saw last, and its hash; default: none. */
  readonly seen?: number;
  readonly seenHash?: Uint8Array;
  /** Control entry that the author knew; default: the newest. */
  readonly control?: { readonly number: number; readonly hash: Uint8Array };
  readonly writtenMs?: number;
  readonly expiryDay?: number;
  readonly innerExpiryDay?: number;
  readonly acceptedMs?: number;
  /** The body is taken away by the record there. */
  readonly emptiedBy?: number;
}

/** How Bob stands in the room. */
export interface Standing {
  readonly status: MemberStatus;
  readonly role?: Role;
}

/** A room where member 1 is oneself, an owner, member 2 is Bob in the given standing, and member 3 is Eve. */
export function roomWorld(
  bob: Standing = { status: MemberStatus.MEMBER_STATUS_JOINED },
  policy: Partial<RoomPolicy> = {},
  { store = new MemoryStore(), outbox = {} }: { store?: MemoryStore; outbox?: Partial<RoomPorts['outbox']> } = {},
) {
  const alarms: Alarm[] = [];
  const counted: string[] = [];
  let plaintext: Uint8Array = noHash;
  const parts = {
    user: '@me:localhost',
    device: 1,
    deviceId: 'ME',
    store,
    primitives,
    engine: {
      decrypt: async () => ({ ok: true, plaintext, device: 'D2', sender: '@bob:localhost' }),
      rotate: async () => {},
    },
    people: {
      get: () => undefined,
      deviceStanding: async () => ({ number: 0, removed: false }),
      tryRefresh: async () => false,
      approvals: { meetCommitted: async () => false },
    },
    profiles: { info: () => ({ name: '', picture: false }), heard: () => undefined },
    alarm: (alarm: Alarm) => alarms.push(alarm),
    emit() {},
    hides: () => false,
    hidesRoom: () => false,
    count: (name: string) => counted.push(name),
    lacking() {},
    now: () => 10_000,
    random: () => 0,
  };
  const emptyOutbox = { waiting: () => [], stands: () => true, localId: () => undefined, arriving: () => undefined };
  const around = { parts, membersChanged() {}, changed() {}, outbox: { ...emptyOutbox, ...outbox } };
  const room = new RoomReplica(roomId, around as never);
  const member = (number: number, status: MemberStatus, role: Role) => ({ number, role, status, stays: [] });
  const list = [
    member(1, MemberStatus.MEMBER_STATUS_JOINED, Role.ROLE_OWNER),
    member(2, bob.status, bob.role ?? Role.ROLE_MEMBER),
    member(3, MemberStatus.MEMBER_STATUS_JOINED, Role.ROLE_MEMBER),
  ];
  const members = Object.assign(list, { get: (number: number) => list[number - 1], size: list.length });
  const state = {
    members,
    policy: { direct: false, ...policy },
    number: 3,
    joined: 2,
    lastRemoval: 0,
    hash: control.hash,
  };
  const chain = {
    person: (number: number) =>
      users[number] && { member: number, user: users[number], fingerprint: noHash, salt: noHash, bot: false },
    state,
    number: 3,
    hashAt: () => control.hash,
    stateAt: () => state,
    standsAt: () => false,
    isUntold: () => false,
    isSkipped: () => false,
    user: (number: number) => users[number] ?? '',
    memberOf: () => 1,
    mayReadAny: () => true,
  };
  Object.assign(room, { chain });
  const recordFor = (seq: number, wish: Wish): LogRecord => {
    const isContent = wish.kind === EventKind.EVENT_KIND_CONTENT;
    const seen = { seq: wish.seen ?? 0, hash: wish.seenHash ?? noHash.slice().fill(7) };
    const place = {
      room: roomId,
      member: wish.member,
      device: wish.device ?? (wish.member === 0 ? 0 : 2),
      sendId: seq,
      kind: wish.kind,
      counts: isContent,
      control: wish.control ?? control,
    };
    const manifest = { version: 1, hash: noHash };
    const said = Content.encode(wish.content ?? textContent('hi')).finish();
    const { writtenMs = 1000 + seq, expiryDay = 0, acceptedMs = 1000 + seq } = wish;
    const about = { seen, manifest, slot: '', slotVersion: 0, content: said, writtenMs };
    const inner = PayloadInner.encode({ ...place, ...about, expiryDay: wish.innerExpiryDay ?? expiryDay }).finish();
    const frankingKey = new Uint8Array(32).fill(1);
    plaintext = Payload.encode({ frankingKey, inner }).finish();
    const body = wish.body ?? Uint8Array.of(1, 2, 3, seq);
    const sealed = wish.kind !== EventKind.EVENT_KIND_EMPTYING;
    const header = encodeMessage(EventHeader, {
      ...place,
      algorithm: sealed ? Algorithm.ALGORITHM_MEGOLM_V1 : Algorithm.ALGORITHM_NONE,
      bodySize: body.length,
      bodyHash: primitives.sha256(body),
      expiryDay: isContent ? expiryDay : 0,
      commitment: sealed ? primitives.hmacSha256(frankingKey, inner) : new Uint8Array(),
    });
    const before = room.local.head;
    const count = (before?.count ?? 0) + (isContent ? 1 : 0);
    const previousHash = before?.hash ?? noHash.slice().fill(9);
    const stamp = encodeMessage(Stamp, { incarnation: 1, seq, acceptedMs, count, previousHash });
    const { emptiedBy = 0 } = wish;
    return { stamp, header, body: emptiedBy > 0 ? new Uint8Array() : body, emptiedBy };
  };
  /** The next record, taken. */
  const take = (seq: number, wish: Wish) => takeRecord(room, recordFor(seq, wish), beside);
  const codes = () => alarms.map(({ code }) => code);
  return { room, store, alarms, codes, counted, take };
}

/** Has the room's engine know a member no sooner than their keys were fetched and the identity that the chain names was met. What was done, in order. */
export function strangerTo({ ports }: RoomReplica): string[] {
  const { engine, people } = ports.parts;
  const steps: string[] = [];
  const decrypt = engine.decrypt.bind(engine);
  const causes = { 0: 'UNKNOWN_DEVICE', 1: 'IDENTITY_CHANGED' } as const;
  Object.assign(engine, {
    decrypt: async (request: DecryptRequest) => {
      const cause = causes[steps.length as 0 | 1];
      return cause ? { ok: false, cause } : decrypt(request);
    },
  });
  Object.assign(people, {
    tryRefresh: async (user: string) => steps.push(`fetched ${user}`) > 0,
    approvals: {
      meetCommitted: async (user: string, committed: Uint8Array) => steps.push(`met ${user} as ${committed[0]}`) > 0,
    },
  });
  return steps;
}
