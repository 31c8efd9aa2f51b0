import { beforeEach, describe, expect, it } from 'vitest';
import { RoomRow } from '#proto/gen/account.ts';
import type { InboxPage, RoomEntry, RoomList } from '#proto/gen/client.ts';
import { MemberStatus, RoomStanding } from '#proto/gen/record.ts';
import { bytesOf, testPrimitives } from '#proto/golden/cast.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { limits } from '#proto/rules/limits.ts';
import { parseAddress } from '../kernel/address.ts';
import { userLimits } from './limits.ts';
import { mayEnter } from './rooms.ts';
import { Account } from './state/account.ts';
import { confirmed, roomOf, stand as standing } from './testing/rooms.ts';
import { Street, settingsWith } from './testing/street.ts';
import type { Turn } from './turn.ts';

const user = '@alice:example.org';
const bob = '@bob:example.org';
const { MEMBER_STATUS_INVITED: invited, MEMBER_STATUS_JOINED: joined, MEMBER_STATUS_LEFT: left } = MemberStatus;
const { MEMBER_STATUS_REMOVED: removed, MEMBER_STATUS_SUSPENDED: suspended } = MemberStatus;

let street: Street;
beforeEach(() => {
  street = new Street(testPrimitives);
  welcomed();
});

function welcomed() {
  street.tell(user, { kind: 'hello', session: 1, device: 1, deviceId: 'A', deviceName: 'phone' });
  return street.all('send').findLast(({ message }) => message.kind === 'welcomed')?.message;
}
function stand(room: string, status: MemberStatus, parts: Partial<RoomStanding> = {}): void {
  standing(street, user, { ...parts, room, status });
}
function listAll(): RoomEntry[] {
  const rooms: RoomEntry[] = [];
  for (let after = ''; ; ) {
    const answer = street.ask({ user, device: 1 }, { $case: 'listRooms', value: { after, room: '' } });
    const { rooms: some, next } = answer!.value as RoomList;
    rooms.push(...some);
    if (next === '') return rooms;
    after = next;
  }
}

describe('the list of rooms', () => {
  const invitedTo = (n: number, byUser = '@bob:example.org') => {
    street.now += 1;
    stand(roomOf(n), invited, { byUser });
  };
  const open = () => listAll().flatMap(({ room, status }) => (status === invited ? [room] : []));

  it('keeps 20 invitations of one inviter; a further one displaces the oldest of that inviter', () => {
    invitedTo(900, '@carol:example.org');
    for (let n = 0; n < userLimits.invitationsOfOneMax; n++) invitedTo(n);
    expect(open()).toHaveLength(userLimits.invitationsOfOneMax + 1);
    street.now += userLimits.standingEveryMs;
    invitedTo(20);
    expect(open()).toHaveLength(userLimits.invitationsOfOneMax + 1);
    expect(open()).not.toContain(roomOf(0));
    expect(open()).toEqual(expect.arrayContaining([roomOf(1), roomOf(20), roomOf(900)]));
    expect(confirmed(street, roomOf(20))).toEqual([3]);
  });

  it('keeps 200 invitations; a further one displaces the oldest of the inviter who has most', () => {
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

  it('lets the same invitations go in whatever order rows come back', () => {
    for (let n = 0; n < userLimits.invitationsMax; n++) stand(roomOf(n), invited, { byUser: `@s${n}:example.org` });
    street.passivate(user);
    stand(roomOf(900), invited, { byUser: '@late:example.org' });
    expect(open()).not.toContain(roomOf(0));
    expect(open()).toContain(roomOf(900));
    street.crash(user);
    expect(open()).not.toContain(roomOf(0));
    expect(open()).toHaveLength(userLimits.invitationsMax);
  });

  it('holds every room that the user is in, whatever invitations there are', () => {
    for (let n = 0; n < userLimits.invitationsMax; n++) invitedTo(n, `@s${n}:example.org`);
    for (let n = 0; n <= limits.roomsMax; n++) stand(roomOf(1000 + n), joined);
    expect(listAll().filter(({ status }) => status === joined)).toHaveLength(limits.roomsMax + 1);
    expect(open()).toHaveLength(userLimits.invitationsMax);
  });

  it('lets a bot be in 10,000 rooms, and in no more', () => {
    const account = new Account('@bot:example.org', { tracked: false });
    const may = () => mayEnter({ account, desk: { settings: settingsWith(testPrimitives) } } as Turn);
    const standing = { ...RoomStanding.decode(new Uint8Array()), status: joined };
    const row = { standing, sinceMs: 1, joined: true, due: false, wasIn: false };
    for (let n = 0; n < limits.botRoomsMax - 1; n++) account.rooms.restore(`!${n}`, row);
    expect(may()).toBe(true);
    account.rooms.restore('!last', row);
    expect(may()).toBe(false);
  });

  it('tells the sessions at 1,000 rooms that the user may enter no more, and when they may again', () => {
    const told = () =>
      street.all('tellSessions').flatMap(({ message }) => (message.kind === 'mayEnter' ? message.mayEnter : []));
    for (let n = 0; n < limits.roomsMax - 1; n++) stand(roomOf(n), n % 2 === 0 ? joined : suspended, { byUser: user });
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

  it('tells them again where a room repeats a standing: the first word may have been lost with the confirmation', () => {
    for (let n = 0; n < limits.roomsMax; n++) stand(roomOf(n), joined);
    street.crash(user);
    street.forget();
    stand(roomOf(0), joined);
    expect(street.all('tellSessions')).toMatchObject([{ user, message: { kind: 'mayEnter', mayEnter: false } }]);
  });

  it('lets rooms that the user never was in go before those they were in', () => {
    stand(roomOf(0), joined);
    stand(roomOf(0), removed, { controlNumber: 4 });
    stand(roomOf(1), left);
    for (let n = 2; n <= userLimits.formerRoomsMax; n++) {
      street.now += 1;
      stand(roomOf(n), removed, { byUser: `@s${n}:example.org` });
    }
    const listed = listAll().map(({ room }) => room);
    expect(listed).toHaveLength(userLimits.formerRoomsMax);
    expect(listed).toEqual(expect.arrayContaining([roomOf(0), roomOf(1)]));
    expect(listed).not.toContain(roomOf(2));
  });

  it('keeps 1,200 former rooms for 30 days, the oldest goes first', () => {
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

  describe('a former room of over 30 days', () => {
    /** State rows of rooms, as they were last saved. */
    const kept = () => {
      street.passivate(user);
      const rows = [...street.log(user).state].filter(([key, { value }]) => key.startsWith('room/') && value !== null);
      welcomed();
      return new Map(rows.map(([key, { value }]) => [key.slice('room/'.length), RoomRow.decode(value as Uint8Array)]));
    };
    const past = () => {
      street.now += userLimits.formerRoomMs + 1;
    };
    const told = () =>
      street
        .all('send')
        .flatMap(({ to, message }) => (message.kind === 'identityMoved' ? [parseAddress(to).id] : []))
        .sort();

    it('is kept by its id where the user was in it, is listed no more, and hears when the account is erased', () => {
      stand(roomOf(0), joined);
      stand(roomOf(0), removed, { controlNumber: 4, byUser: '@bob:example.org' });
      stand(roomOf(1), left, { controlNumber: 5 });
      invitedTo(2);
      stand(roomOf(2), removed, { controlNumber: 4 });
      past();
      stand(roomOf(3), joined);
      expect(listAll().map(({ room }) => room)).toEqual([roomOf(3)]);
      const rows = kept();
      expect([...rows.keys()].sort()).toEqual([0, 1, 3].map(roomOf));
      const row = rows.get(roomOf(1));
      expect(row).toEqual({
        ...RoomRow.decode(noBytes),
        standing: { ...RoomStanding.decode(noBytes), room: roomOf(1), status: left, controlNumber: 5 },
        ...{ sinceMs: row?.sinceMs, wasIn: true },
      });
      expect(rows.get(roomOf(0))?.standing).toMatchObject({ byUser: '', status: left, controlNumber: 4 });
      street.crash(user);
      welcomed();
      street.forget();
      const grant = { token: 'lxg_', attempt: bytesOf('attempt', 16) };
      street.asks({ user, device: 1 }, { $case: 'eraseAccount', value: { grant } });
      street.tell(user, { kind: 'grantChecked', token: street.all('checkGrant').at(-1)!.token, counts: true });
      expect(told()).toEqual([0, 1, 3].map(roomOf));
      expect(kept().size).toBe(0);
    });

    it('is so also after an invitation that came to nothing, and is like any other where they come back', () => {
      for (const n of [0, 1]) stand(roomOf(n), left);
      past();
      stand(roomOf(9), joined);
      for (const n of [0, 1]) stand(roomOf(n), invited, { controlNumber: 4 });
      stand(roomOf(0), removed, { controlNumber: 5 });
      stand(roomOf(1), joined, { controlNumber: 5 });
      expect(listAll().map(({ room, status }) => [room, status])).toEqual([
        [roomOf(0), removed],
        [roomOf(1), joined],
        [roomOf(9), joined],
      ]);
      past();
      stand(roomOf(8), joined);
      expect([...kept().keys()].sort()).toEqual([0, 1, 8, 9].map(roomOf));
      expect(listAll()).toHaveLength(3);
    });

    // Whoever invited somebody back, and then into twenty other rooms, had the first one forgotten: it would have named them for ever.
    it('is kept by its id as well where an invitation back into it is displaced by others', () => {
      stand(roomOf(0), left);
      past();
      stand(roomOf(1), joined);
      stand(roomOf(1), left, { controlNumber: 5 });
      for (const n of [0, 1]) {
        street.now += 1;
        stand(roomOf(n), invited, { byUser: bob, controlNumber: 6 });
      }
      for (let n = 2; n <= userLimits.invitationsOfOneMax + 1; n++) invitedTo(n);
      expect(open()).toHaveLength(userLimits.invitationsOfOneMax);
      expect(open()).not.toContain(roomOf(1));
      const rows = kept();
      for (const n of [0, 1]) expect(rows.get(roomOf(n))?.standing).toMatchObject({ status: left, controlNumber: 6 });
    });

    it('goes after those that the user never was in and before those that are listed, where they are over 1,200', () => {
      for (const n of [0, 1]) {
        street.now += 1;
        stand(roomOf(n), left);
      }
      past();
      for (let n = 2; n <= userLimits.formerRoomsMax; n++) {
        street.now += 1;
        stand(roomOf(n), n === 2 ? removed : left, { byUser: n === 2 ? '@bob:example.org' : user });
      }
      expect([...kept().keys()].filter((room) => room <= roomOf(2)).sort()).toEqual([0, 1].map(roomOf));
      stand(roomOf(2000), left);
      expect([...kept().keys()].filter((room) => room <= roomOf(2))).toEqual([roomOf(1)]);
    });
  });
});

describe('what others change', () => {
  const rows = () => street.log(user).rows.length;
  const fetch = (after: number) => street.ask({ user, device: 1 }, { $case: 'fetchInbox', value: { after, limit: 0 } });

  /** Control numbers that devices heard of by entries after this seq. */
  const heard = (after: number) =>
    (fetch(after)!.value as InboxPage).entries.flatMap(({ body }) =>
      body?.$case === 'standing' ? body.value.controlNumber : [],
    );
  const spend = () => {
    for (let n = 0; n < userLimits.standingBurst; n++) stand(roomOf(n), invited);
  };
  const time = () => street.tell(user, { kind: 'timer', name: 'standings' });

  it('is listed and confirmed at once; devices hear of 20 by one of them, then of one a minute', () => {
    spend();
    const before = rows();
    stand(roomOf(100), invited);
    expect(confirmed(street, roomOf(100))).toEqual([3]);
    expect(listAll().map(({ room }) => room)).toContain(roomOf(100));
    expect(rows()).toBe(before);
    expect(street.all('startTimer').at(-1)).toEqual({
      kind: 'startTimer',
      name: 'standings',
      delayMs: userLimits.standingEveryMs,
    });
    street.now += userLimits.standingEveryMs - 1;
    time();
    expect(rows()).toBe(before);
    street.now += 1;
    time();
    expect(heard(before)).toEqual([3]);
    time();
    expect(rows()).toBe(before + 1);
  });

  it('by another one, or by the user, does not wait for that', () => {
    spend();
    const before = rows();
    stand(roomOf(101), invited, { byUser: '@carol:example.org' });
    stand(roomOf(0), joined, { controlNumber: 4 });
    expect(heard(before)).toEqual([3, 4]);
  });

  it('reaches devices with its last word alone', () => {
    spend();
    const before = rows();
    for (let number = 4; number < 600; number++) {
      stand(roomOf(0), number % 2 === 0 ? removed : invited, { controlNumber: number });
    }
    expect(confirmed(street, roomOf(0)).at(-1)).toBe(599);
    expect(rows()).toBe(before);
    street.now += userLimits.standingEveryMs;
    time();
    expect(heard(before)).toEqual([599]);
  });

  it('is told after sleep and crash, for which this user is woken, and no sooner for them', () => {
    spend();
    const before = rows();
    stand(roomOf(100), invited);
    stand(roomOf(101), invited);
    street.passivate(user);
    expect(street.log(user).restless).toBe(true);
    welcomed();
    expect(rows()).toBe(before);
    street.now += userLimits.standingEveryMs;
    street.crash(user);
    welcomed();
    expect(heard(before)).toEqual([3]);
    street.now += userLimits.standingEveryMs;
    street.crash(user);
    welcomed();
    expect(heard(before)).toEqual([3, 3]);
    street.passivate(user);
    expect(street.log(user).restless).toBe(false);
  });

  it('lies in their lane; where that is full no row is kept, and the device is told to look at everything', () => {
    let number = 3;
    for (; number < 3 + limits.laneEntriesMax; number++) {
      street.now += userLimits.standingEveryMs;
      stand(roomOf(1), number % 2 === 0 ? removed : invited, { controlNumber: number });
    }
    const before = rows();
    expect(fetch(before)).toMatchObject({ value: { needsFullSync: false } });
    expect(fetch(before - 1)).toMatchObject({ value: { entries: [{ lane: bob, body: { $case: 'standing' } }] } });
    street.now += userLimits.standingEveryMs;
    stand(roomOf(1), invited, { controlNumber: number });
    expect(rows()).toBe(before);
    expect(confirmed(street, roomOf(1)).at(-1)).toBe(number);
    street.crash(user);
    expect(listAll()).toMatchObject([{ status: invited }]);
    expect(fetch(before)).toMatchObject({ value: { needsFullSync: true } });
  });
});
