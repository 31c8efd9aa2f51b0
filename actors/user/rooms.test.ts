import { beforeEach, describe, expect, it } from 'vitest';
import { type RoomEntry, RoomList } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { MemberStatus, Role, type RoomStanding } from '#proto/gen/record.ts';
import { bytesOf, testPrimitives } from '#proto/golden/cast.ts';
import { limits } from '#proto/rules/limits.ts';
import { roomAddress } from '../kernel/address.ts';
import type { RoomSummary } from '../kernel/messages.ts';
import { userLimits } from './limits.ts';
import { roomOf, stand as standing } from './testing/rooms.ts';
import { Street } from './testing/street.ts';

const user = '@alice:example.org';
const { MEMBER_STATUS_INVITED: invited, MEMBER_STATUS_JOINED: joined, MEMBER_STATUS_LEFT: left } = MemberStatus;

let street: Street;
beforeEach(() => {
  street = new Street(testPrimitives);
  street.tell(user, { kind: 'hello', session: 1, device: 1, deviceId: 'A', deviceName: 'phone' });
});

function stand(room: string, status: MemberStatus, parts: Partial<RoomStanding> = {}, readableFrom = 0): void {
  standing(street, user, { ...parts, room, status, readableFrom });
}

function summary(room: string, nameBytes = 0): void {
  const entry: RoomEntry = {
    ...blank(room),
    headSeq: 9,
    headCount: 4,
    headHash: bytesOf(room),
    control: { number: 3, hash: bytesOf('control') },
    name: nameBytes === 0 ? undefined : { write: new Uint8Array(nameBytes), member: 1, device: 1, seq: 2, sendId: 1 },
  };
  const value: RoomSummary = { room, entry, floor: 5 };
  street.heads.set(room, value);
}

function blank(room: string): RoomEntry {
  return {
    room,
    member: 0,
    role: 0,
    status: 0,
    direct: false,
    headSeq: 0,
    headCount: 0,
    headHash: new Uint8Array(0),
    readableFrom: 0,
    control: undefined,
    invitedBy: '',
    invitedByBot: false,
    invitedMs: 0,
  };
}

const page = (after = '', room = '') =>
  street.ask({ user, device: 1 }, { $case: 'listRooms', value: { after, room } })!.value as RoomList;
function listAll(): RoomEntry[] {
  const rooms: RoomEntry[] = [];
  for (let after = ''; ; ) {
    const { rooms: some, next } = page(after);
    rooms.push(...some);
    if (next === '') return rooms;
    after = next;
  }
}
const kept = () => street.all('send').filter(({ message }) => message.kind === 'standingKept').length;

describe('a standing', () => {
  it('is kept once and confirmed when durable, however often it comes', () => {
    street.log(user).held = true;
    stand(roomOf(1), joined);
    expect(kept()).toBe(0);
    stand(roomOf(1), joined);
    street.flush(user);
    expect(kept()).toBe(2);
    expect(street.log(user).rows).toHaveLength(2);
    street.log(user).held = false;
    street.crash(user);
    stand(roomOf(1), joined);
    expect(kept()).toBe(3);
    expect(street.log(user).rows).toHaveLength(2);
  });

  it('never goes back to an older control entry', () => {
    stand(roomOf(1), joined, { controlNumber: 5 });
    stand(roomOf(1), invited, { controlNumber: 4 });
    expect(listAll()).toMatchObject([{ status: joined }]);
  });

  it('reaches the devices', () => {
    stand(roomOf(1), invited);
    const answer = street.ask({ user, device: 1 }, { $case: 'fetchInbox', value: { after: 1, limit: 0 } });
    expect(answer).toMatchObject({ value: { entries: [{ body: { $case: 'standing', value: { status: invited } } }] } });
  });

  it('of a user who never was is confirmed and leaves no trace', () => {
    const ghost = '@ghost:example.org';
    const standing = { ...({} as RoomStanding), room: roomOf(1), status: invited, controlNumber: 1 };
    street.tell(ghost, { kind: 'standing', replyTo: roomAddress(roomOf(1)), standing, readableFrom: 0 });
    expect(kept()).toBe(1);
    expect(street.log(ghost).exists).toBe(false);
  });
});

describe('the room list', () => {
  it('shows heads where the user may read, and asks for marks before heads', () => {
    stand(roomOf(1), joined, { role: Role.ROLE_ADMIN, direct: true }, 7);
    summary(roomOf(1), 100);
    street.forget();
    expect(page()).toMatchObject({
      rooms: [
        {
          room: roomOf(1),
          member: 2,
          role: Role.ROLE_ADMIN,
          status: joined,
          direct: true,
          headSeq: 9,
          headCount: 4,
          readableFrom: 7,
          control: { number: 3 },
          name: { seq: 2 },
          invitedBy: '',
        },
      ],
      next: '',
    });
    const order = street.seen.map(({ effect }) => effect.kind);
    expect(order).toEqual(['watch', 'summaries', 'startTimer', 'cancelTimer']);
  });

  it('raises the first readable seq to the floor', () => {
    stand(roomOf(1), joined, {}, 2);
    summary(roomOf(1));
    expect(page().rooms[0]).toMatchObject({ readableFrom: 5 });
  });

  it('shows of an invitation only who invites, and of a former room nothing but the standing', () => {
    const invitedMs = street.now;
    stand(roomOf(1), invited, {}, 1);
    street.now += 5;
    stand(roomOf(2), left, {}, 1);
    summary(roomOf(1), 10);
    summary(roomOf(2), 10);
    street.forget();
    expect(page().rooms).toEqual([
      {
        ...blank(roomOf(1)),
        member: 2,
        role: Role.ROLE_MEMBER,
        status: invited,
        invitedBy: '@bob:example.org',
        invitedByBot: true,
        // When this provider heard of it.
        invitedMs,
        name: undefined,
      },
      { ...blank(roomOf(2)), member: 2, role: Role.ROLE_MEMBER, status: left, name: undefined },
    ]);
    expect(street.all('watch')).toEqual([]);
    expect(street.all('summaries')).toEqual([]);
  });

  it('lists a joined room without head where the room could not be had', () => {
    stand(roomOf(1), joined, {}, 3);
    expect(page().rooms).toMatchObject([{ room: roomOf(1), status: joined, headSeq: 0, readableFrom: 3 }]);
  });

  it('comes in pages of 64 rooms that fit a frame, each room once', () => {
    for (let n = 0; n < 130; n++) stand(roomOf(n), joined);
    const first = page();
    expect(first.rooms).toHaveLength(limits.roomPageMax);
    expect(first.next).toBe(first.rooms.at(-1)!.room);
    for (let n = 0; n < 130; n++) summary(roomOf(n), 4000);
    const fat = page();
    expect(fat.rooms.length).toBeLessThan(limits.roomPageMax);
    expect(RoomList.encode(fat).finish().length).toBeLessThan(limits.frameBytesMax - 64);
    const rooms = listAll().map(({ room }) => room);
    expect(rooms).toEqual([...new Set(rooms)].sort());
    expect(rooms).toHaveLength(130);
  });

  // A bot looks at each room that it starts: with a page each time a thousand newcomers cost 64,000 heads several times over.
  it('is asked about one room for the price of one, however many there are', () => {
    for (let n = 0; n < 130; n++) stand(roomOf(n), joined);
    summary(roomOf(77));
    street.forget();
    expect(page(roomOf(9), roomOf(77))).toMatchObject({ rooms: [{ room: roomOf(77), headSeq: 9 }], next: '' });
    expect(street.all('summaries')).toMatchObject([{ rooms: [roomOf(77)] }]);
    expect(street.all('watch')).toHaveLength(1);
  });

  it('says nothing of one room that it does not list: unknown, or left for over 30 days', () => {
    stand(roomOf(1), left);
    expect(page('', roomOf(1)).rooms).toHaveLength(1);
    expect(page('', roomOf(2))).toEqual({ rooms: [], next: '' });
    street.now += userLimits.formerRoomMs + 1;
    expect(page('', roomOf(1))).toEqual({ rooms: [], next: '' });
  });

  it('is unavailable when heads do not come within ten seconds', () => {
    stand(roomOf(1), joined);
    street.silent.add('heads');
    const request = street.asks({ user, device: 1 }, { $case: 'listRooms', value: { after: '', room: '' } });
    street.tell(user, { kind: 'timer', name: street.all('startTimer').at(-1)!.name });
    expect(street.answers.get(request)).toMatchObject({ value: { code: Rejection.REJECTION_UNAVAILABLE } });
  });
});

describe('notices of manifests', () => {
  const bob = '@bob:example.org';
  const moved = (version: number, who = bob) =>
    street.tell(user, { kind: 'manifestMoved', user: who, head: { version, hash: bytesOf(`${version}`) } });

  it('are kept once a version, in the lane of who published', () => {
    moved(1);
    moved(1);
    moved(2);
    expect(street.log(user).rows).toHaveLength(3);
    const answer = street.ask({ user, device: 1 }, { $case: 'fetchInbox', value: { after: 1, limit: 0 } });
    expect(answer).toMatchObject({
      value: {
        entries: [{ lane: bob, body: { $case: 'manifest' } }, { body: { value: { user: bob, head: { version: 2 } } } }],
      },
    });
  });

  it('stop at a full lane, which asks for a full sync', () => {
    for (let version = 1; version <= limits.laneEntriesMax; version++) moved(version);
    const rows = street.log(user).rows.length;
    moved(limits.laneEntriesMax + 1);
    expect(street.log(user).rows).toHaveLength(rows);
    const answer = street.ask({ user, device: 1 }, { $case: 'fetchInbox', value: { after: rows, limit: 0 } });
    expect(answer).toMatchObject({ value: { needsFullSync: true } });
  });
});
