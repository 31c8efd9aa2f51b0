import { beforeEach, describe, expect, it } from 'vitest';
import { type RoomEntry, RoomList } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { MemberStatus, Role, type RoomStanding } from '#proto/gen/record.ts';
import { bytesOf, testPrimitives } from '#proto/golden/cast.ts';
import { limits } from '#proto/rules/limits.ts';
import { roomAddress } from '../kernel/address.ts';
import type { RoomSummary } from '../kernel/messages.ts';
import { userLimits } from './limits.ts';
import { Street } from './testing/street.ts';

const user = '@alice:example.org';
/** Room ids in the order of their numbers. */
function roomOf(n: number): string {
  const letters = String(n)
    .padStart(4, '0')
    .replace(/[0-9]/g, (digit) => 'abcdefghij'[Number(digit)]!);
  return `!g${'a'.repeat(28)}${letters}:example.org`;
}
const { MEMBER_STATUS_INVITED: invited, MEMBER_STATUS_JOINED: joined, MEMBER_STATUS_LEFT: left } = MemberStatus;

let street: Street;
beforeEach(() => {
  street = new Street({ primitives: testPrimitives, heartbeatSeconds: 30 });
  street.tell(user, { kind: 'hello', session: 1, device: 1, deviceId: 'A', deviceName: 'phone' });
});

function stand(room: string, status: MemberStatus, parts: Partial<RoomStanding> = {}, readableFrom = 0): void {
  const standing: RoomStanding = {
    room,
    status,
    member: 2,
    role: Role.ROLE_MEMBER,
    controlNumber: 3,
    byUser: '@bob:example.org',
    byBot: true,
    direct: false,
    readableFrom: 0,
    ...parts,
  };
  street.tell(user, { kind: 'standing', replyTo: roomAddress(room), standing, readableFrom });
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
  };
}

const page = (after = '') =>
  street.ask({ user, device: 1 }, { $case: 'listRooms', value: { after } })!.value as RoomList;
function listAll(): RoomEntry[] {
  const rooms: RoomEntry[] = [];
  for (let after = ''; ; ) {
    const { rooms: some, next } = page(after);
    rooms.push(...some);
    if (next === '') return rooms;
    after = next;
  }
}
const welcomed = () => {
  street.tell(user, { kind: 'hello', session: 1, device: 1, deviceId: 'A', deviceName: 'phone' });
  return street.all('send').findLast(({ message }) => message.kind === 'welcomed')?.message;
};
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

describe('limits', () => {
  const invitedTo = (n: number, byUser = '@bob:example.org') => {
    street.now += 1;
    stand(roomOf(n), invited, { byUser });
  };
  const open = () => listAll().flatMap(({ room, status }) => (status === invited ? [room] : []));

  it('keep 20 invitations of one inviter; a further one displaces the oldest of that inviter', () => {
    invitedTo(900, '@carol:example.org');
    for (let n = 0; n < userLimits.invitationsOfOneMax; n++) invitedTo(n);
    expect(open()).toHaveLength(userLimits.invitationsOfOneMax + 1);
    invitedTo(20);
    expect(open()).toHaveLength(userLimits.invitationsOfOneMax + 1);
    expect(open()).not.toContain(roomOf(0));
    expect(open()).toEqual(expect.arrayContaining([roomOf(1), roomOf(20), roomOf(900)]));
    expect(kept()).toBe(22);
  });

  it('keep 200 invitations; a further one displaces the oldest of the inviter who has most', () => {
    const each = userLimits.invitationsOfOneMax;
    const crowd = userLimits.invitationsMax / each;
    invitedTo(900, '@carol:example.org');
    for (let n = 0; n < userLimits.invitationsMax - 1; n++) invitedTo(n, `@s${n % crowd}:example.org`);
    expect(open()).toHaveLength(userLimits.invitationsMax);
    // All but one of the crowd have 20 invitations: the oldest of theirs goes, not Carol's older one.
    invitedTo(901, '@dave:example.org');
    expect(open()).toHaveLength(userLimits.invitationsMax);
    expect(open()).not.toContain(roomOf(0));
    expect(open()).toEqual(expect.arrayContaining([roomOf(1), roomOf(900), roomOf(901)]));
  });

  it('let the same invitations go in whatever order rows come back', () => {
    for (let n = 0; n < userLimits.invitationsMax; n++) stand(roomOf(n), invited, { byUser: `@s${n}:example.org` });
    street.passivate(user);
    stand(roomOf(900), invited, { byUser: '@late:example.org' });
    expect(open()).not.toContain(roomOf(0));
    expect(open()).toContain(roomOf(900));
    street.crash(user);
    expect(open()).not.toContain(roomOf(0));
    expect(open()).toHaveLength(userLimits.invitationsMax);
  });

  it('are not for rooms that the user is in: no invitation keeps one out, and each is listed', () => {
    for (let n = 0; n < userLimits.invitationsMax; n++) invitedTo(n, `@s${n}:example.org`);
    for (let n = 0; n <= limits.roomsMax; n++) stand(roomOf(1000 + n), joined);
    expect(listAll().filter(({ status }) => status === joined)).toHaveLength(limits.roomsMax + 1);
    expect(open()).toHaveLength(userLimits.invitationsMax);
  });

  it('tell the sessions at 1,000 rooms that the user may enter no more, and when they may again', () => {
    const told = () =>
      street.all('tellSessions').flatMap(({ message }) => (message.kind === 'mayEnter' ? message.mayEnter : []));
    for (let n = 0; n < limits.roomsMax - 1; n++)
      stand(roomOf(n), n % 2 === 0 ? joined : MemberStatus.MEMBER_STATUS_SUSPENDED);
    invitedTo(2000);
    expect(told()).toEqual([]);
    expect(welcomed()).toMatchObject({ mayEnter: true });
    stand(roomOf(1000), joined);
    expect(told()).toEqual([false]);
    expect(welcomed()).toMatchObject({ mayEnter: false });
    stand(roomOf(1001), joined);
    expect(told()).toEqual([false]);
    stand(roomOf(5), left, { controlNumber: 4 });
    expect(told()).toEqual([false]);
    stand(roomOf(6), left, { controlNumber: 4 });
    expect(told()).toEqual([false, true]);
  });

  it('are told again where a room repeats a standing: the first word may have been lost with the confirmation', () => {
    for (let n = 0; n < limits.roomsMax; n++) stand(roomOf(n), joined);
    street.crash(user);
    street.forget();
    stand(roomOf(0), joined);
    expect(street.all('tellSessions')).toMatchObject([{ user, message: { kind: 'mayEnter', mayEnter: false } }]);
  });

  it('let rooms that the user never was in go before those they were in', () => {
    stand(roomOf(0), joined);
    stand(roomOf(0), MemberStatus.MEMBER_STATUS_REMOVED, { controlNumber: 4 });
    stand(roomOf(1), left);
    for (let n = 2; n <= userLimits.formerRoomsMax; n++) {
      street.now += 1;
      stand(roomOf(n), MemberStatus.MEMBER_STATUS_REMOVED);
    }
    const listed = listAll().map(({ room }) => room);
    expect(listed).toHaveLength(userLimits.formerRoomsMax);
    expect(listed).toEqual(expect.arrayContaining([roomOf(0), roomOf(1)]));
    expect(listed).not.toContain(roomOf(2));
  });

  it('keep 200 former rooms for 30 days, the oldest goes first', () => {
    for (let n = 0; n <= userLimits.formerRoomsMax; n++) {
      street.now += 1;
      stand(roomOf(n), left);
    }
    const listed = listAll().map(({ room }) => room);
    expect(listed).toHaveLength(userLimits.formerRoomsMax);
    expect(listed).not.toContain(roomOf(0));
    street.now += userLimits.formerRoomMs;
    expect(listAll()).toHaveLength(1);
    street.now += 1;
    expect(listAll()).toHaveLength(0);
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
    stand(roomOf(1), invited, {}, 1);
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
    expect(first.rooms).toHaveLength(userLimits.roomPageMax);
    expect(first.next).toBe(first.rooms.at(-1)!.room);
    for (let n = 0; n < 130; n++) summary(roomOf(n), 4000);
    const fat = page();
    expect(fat.rooms.length).toBeLessThan(userLimits.roomPageMax);
    expect(RoomList.encode(fat).finish().length).toBeLessThan(limits.frameBytesMax - 64);
    const rooms = listAll().map(({ room }) => room);
    expect(rooms).toEqual([...new Set(rooms)].sort());
    expect(rooms).toHaveLength(130);
  });

  it('is unavailable when heads do not come within ten seconds', () => {
    stand(roomOf(1), joined);
    street.silent.add('heads');
    const request = street.asks({ user, device: 1 }, { $case: 'listRooms', value: { after: '' } });
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
