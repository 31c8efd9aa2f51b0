import { describe, expect, it } from 'vitest';
import { roomAddress, sessionAddress } from '#actors/kernel/address.ts';
import type { RequestBody } from '#actors/kernel/messages.ts';
import type { RoomEntry } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { MemberStatus, Role } from '#proto/gen/record.ts';
import { botRates } from './limits.ts';
import { ann, bytesOf, otherRoom, rejection, room, Stage } from './stage.ts';

const subscribe = (...rooms: string[]): RequestBody => ({ $case: 'subscribe', value: { rooms } });
const roomNumber = (n: number) => `!g${n.toString(2).padStart(32, 'a').replaceAll('0', 'b').replaceAll('1', 'c')}:lux`;
const rooms = (count: number, from = 0) => Array.from({ length: count }, (_, n) => roomNumber(from + n));
const entryOf = (id: string, nameBytes = 0): RoomEntry => ({
  room: id,
  member: 65_535,
  role: Role.ROLE_OWNER,
  status: MemberStatus.MEMBER_STATUS_JOINED,
  direct: true,
  headSeq: 2 ** 53 - 1,
  headCount: 2 ** 53 - 1,
  headHash: new Uint8Array(32),
  readableFrom: 2 ** 53 - 1,
  control: { number: 2 ** 53 - 1, hash: new Uint8Array(32) },
  name: nameBytes === 0 ? undefined : { write: new Uint8Array(nameBytes), member: 1, device: 1, seq: 1, sendId: 1 },
  invitedBy: '',
  invitedByBot: false,
  invitedMs: 0,
});
const part = (id: string, entry: RoomEntry | null, token = 1) =>
  ({ kind: 'subscribedPart', token, room: id, entry }) as const;
const busyPart = (id: string) => ({ ...part(id, null), busy: true }) as const;

describe('subscribing', () => {
  it('asks each room once and answers when all have', () => {
    const stage = new Stage().live();
    const from = { session: 7, request: 2, user: ann, device: 2, mayEnter: true, mayInvite: true };
    const message = { kind: 'subscribe', from, replyTo: sessionAddress(7), token: 1 };
    expect(stage.send(2, subscribe(room, otherRoom, room))).toEqual([
      { kind: 'send', to: roomAddress(room), message },
      { kind: 'send', to: roomAddress(otherRoom), message },
      { kind: 'startTimer', name: 'subscribe/1', delayMs: 10_000 },
    ]);
    expect(stage.tell(part(otherRoom, null))).toEqual([]);
    expect(stage.tell(part(room, entryOf(room)))).toEqual([
      { kind: 'cancelTimer', name: 'subscribe/1' },
      {
        kind: 'pushed',
        request: 2,
        body: { $case: 'subscribed', value: { rooms: [entryOf(room)], refused: [otherRoom], deferred: [] } },
      },
    ]);
    expect(stage.tell({ kind: 'timer', name: 'subscribe/1' })).toEqual([]);
  });

  it('tells apart who is not in a room and what is not known now', () => {
    const stage = new Stage().live();
    const [busy, silent] = [roomNumber(1), roomNumber(2)];
    stage.send(2, subscribe(room, otherRoom, busy, silent));
    stage.tell(part(room, entryOf(room)));
    stage.tell(part(otherRoom, null));
    stage.tell(busyPart(busy));
    expect(stage.tell({ kind: 'timer', name: 'subscribe/1' })).toMatchObject([
      { request: 2, body: { value: { rooms: [{ room }], refused: [otherRoom], deferred: [busy, silent] } } },
    ]);
  });

  it('puts off the rooms that are silent for ten seconds, and parts from them if they answer after all', () => {
    const stage = new Stage().live();
    stage.send(2, subscribe(room, otherRoom));
    stage.tell(part(room, entryOf(room)));
    expect(stage.tell({ kind: 'timer', name: 'subscribe/1' })).toMatchObject([
      { request: 2, body: { $case: 'subscribed', value: { rooms: [{ room }], refused: [], deferred: [otherRoom] } } },
    ]);
    expect(stage.tell(part(otherRoom, null))).toEqual([]);
    expect(stage.tell(part(otherRoom, entryOf(otherRoom)))).toEqual([
      { kind: 'part', session: 7, audience: { room: otherRoom } },
    ]);
    expect(stage.tell(part(room, entryOf(room)))).toEqual([]);
  });

  it('keeps two requests apart', () => {
    const stage = new Stage().live();
    stage.send(2, subscribe(room));
    stage.send(3, subscribe(room));
    expect(stage.tell(part(room, entryOf(room), 2))[1]).toMatchObject({ request: 3 });
    expect(stage.tell(part(room, null, 1))[1]).toMatchObject({ request: 2 });
  });

  it('takes 1 to 160 well-formed rooms a request', () => {
    const stage = new Stage().live();
    expect(stage.send(2, subscribe(...rooms(160)))).toHaveLength(161);
    for (const bad of [[], rooms(161), ['!nonsense'], [room, '']]) {
      expect(stage.send(3, subscribe(...bad))).toEqual([rejection(3, Rejection.REJECTION_BAD_REQUEST)]);
    }
  });

  it('takes 1,000 rooms in all; refused ones do not count', () => {
    const stage = new Stage().live();
    for (let at = 0; at < 1000; at += 125) stage.send(2 + at, subscribe(...rooms(125, at)));
    expect(stage.send(4, subscribe(roomNumber(1000)))).toEqual([rejection(4, Rejection.REJECTION_LIMIT_REACHED)]);
    expect(stage.send(4, subscribe(roomNumber(999)))).toHaveLength(2);
    stage.tell(part(roomNumber(0), null));
    expect(stage.send(5, subscribe(roomNumber(1000)))).toHaveLength(2);
  });

  it('takes 10,000 rooms of a bot', () => {
    const stage = new Stage({ isBot: true, rates: botRates }).live();
    for (let at = 0; at < 10_000; at += 125) {
      stage.send(2, subscribe(...rooms(125, at)));
      for (const id of rooms(125, at)) stage.tell(part(id, entryOf(id), 1 + at / 125));
    }
    expect(stage.send(4, subscribe(roomNumber(10_000)))).toEqual([rejection(4, Rejection.REJECTION_LIMIT_REACHED)]);
    expect(stage.send(4, subscribe(roomNumber(9_999)))).toHaveLength(2);
  });

  it('counts neither rooms that were put off nor those that the user lost since', () => {
    const stage = new Stage().live();
    for (let at = 0; at < 1000; at += 125) stage.send(2 + at, subscribe(...rooms(125, at)));
    for (const [index, id] of rooms(1000).entries()) stage.tell(part(id, entryOf(id), 1 + Math.floor(index / 125)));
    expect(stage.send(4, subscribe(roomNumber(1000)))).toEqual([rejection(4, Rejection.REJECTION_LIMIT_REACHED)]);
    stage.tell({ kind: 'evicted', room: roomNumber(7) });
    expect(stage.send(4, subscribe(roomNumber(1000)))).toHaveLength(2);
    stage.tell({ ...busyPart(roomNumber(1000)), token: 10 });
    expect(stage.send(5, subscribe(roomNumber(1001)))).toHaveLength(2);
    expect(stage.send(6, subscribe(roomNumber(1002)))).toEqual([rejection(6, Rejection.REJECTION_LIMIT_REACHED)]);
  });

  it('does not part from a room whose late answer comes while it is asked again', () => {
    const stage = new Stage().live();
    stage.send(2, subscribe(room));
    stage.tell({ kind: 'timer', name: 'subscribe/1' });
    stage.send(3, subscribe(room));
    expect(stage.tell(part(room, entryOf(room), 1))).toEqual([]);
    expect(stage.tell(part(room, entryOf(room), 2))[1]).toMatchObject({ request: 3, body: { value: { rooms: [{}] } } });
  });

  it('counts rooms against the rate, not requests', () => {
    const stage = new Stage({ rates: { subscribe: { burst: 10, perSecond: 10 } } }).live();
    expect(stage.send(2, subscribe(...rooms(6)))).toHaveLength(7);
    expect(stage.send(3, subscribe(...rooms(5)))).toEqual([rejection(3, Rejection.REJECTION_RATE_LIMITED, 100)]);
  });

  it('leaves names out of the answer where they would not fit a frame', () => {
    const stage = new Stage().live();
    const many = rooms(100);
    stage.send(2, subscribe(...many));
    const effects = many.flatMap((id) => stage.tell(part(id, entryOf(id, 4000))));
    const pushed = effects.find(({ kind }) => kind === 'pushed') as { body: { value: { rooms: RoomEntry[] } } };
    const named = pushed.body.value.rooms.map(({ name }) => name !== undefined);
    expect(named).toHaveLength(100);
    expect(named.lastIndexOf(true)).toBe(named.indexOf(false) - 1);
    expect(named.filter(Boolean).length).toBeGreaterThan(5);
  });

  it('fits a frame with 160 rooms of the longest ids', () => {
    const stage = new Stage().live();
    const provider = `${'p'.repeat(60)}.lux`;
    const many = rooms(160).map((id) => id.replace('lux', provider));
    stage.send(2, subscribe(...many));
    const invitedBy = `@${'n'.repeat(64)}:${provider}`;
    const effects = many.flatMap((id) => stage.tell(part(id, { ...entryOf(id, 100), invitedBy, invitedByBot: true })));
    expect(effects.at(-1)).toMatchObject({ request: 2, body: { $case: 'subscribed' } });
  });

  it('survives a frame of 64 KiB that names nothing but rooms', () => {
    const bytes = bytesOf(2, subscribe(...Array.from({ length: 32_000 }, () => '')));
    expect(bytes.length).toBeGreaterThan(64_000);
    expect(new Stage().live().tell({ kind: 'frames', frames: [bytes] })).toEqual([
      rejection(2, Rejection.REJECTION_BAD_REQUEST),
    ]);
  });
});
