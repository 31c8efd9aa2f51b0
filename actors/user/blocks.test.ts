// What reaches a user from someone whom they block: nothing. And what that someone gets to see of it: what a device that is switched off would show.
import { beforeEach, describe, expect, it } from 'vitest';
import type { BlockList, DeliveryReport, InboxPage, RoomList } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { MemberStatus } from '#proto/gen/record.ts';
import { bytesOf, testPrimitives } from '#proto/golden/cast.ts';
import { utf8Bytes } from '#proto/rules/bytes/bytes.ts';
import { directRoomId } from '#proto/rules/ids.ts';
import { limits } from '#proto/rules/limits.ts';
import { userLimits } from './limits.ts';
import { Blocks } from './state/blocks.ts';
import { confirmed, roomOf, stand } from './testing/rooms.ts';
import { Street } from './testing/street.ts';

const [user, bob, carol] = ['@alice:example.org', '@bob:example.org', '@carol:example.org'];
const asker = { user, device: 1 };
const direct = directRoomId(user, bob, testPrimitives);
const { MEMBER_STATUS_INVITED: invited, MEMBER_STATUS_JOINED: joined, MEMBER_STATUS_REMOVED: removed } = MemberStatus;

let street: Street;
beforeEach(() => {
  street = new Street(testPrimitives);
  for (const who of [user, bob]) hello(street, who);
});

function hello(on: Street, who: string, device = 1) {
  on.tell(who, { kind: 'hello', session: device, device, deviceId: `D${device}`, deviceName: 'phone' });
  return on.all('send').findLast(({ message }) => message.kind === 'welcomed')?.message;
}
const block = (other: string, blocked = true, on = street) =>
  on.ask(asker, { $case: 'setBlock', value: { user: other, blocked } });
const blocks = (after = '') => street.ask(asker, { $case: 'listBlocks', value: { after } })!.value as BlockList;
const rooms = () =>
  (street.ask(asker, { $case: 'listRooms', value: { after: '', room: '' } })!.value as RoomList).rooms.map(
    ({ room }) => room,
  );
const inbox = () => {
  const page = street.ask(asker, { $case: 'fetchInbox', value: { after: 0, limit: 200 } })!.value as InboxPage;
  return page.entries.map(({ body }) => body!);
};
const heard = () => inbox().flatMap((body) => (body.$case === 'standing' ? [body.value.room] : []));
const message = (n: number) => ({ user, device: 1, type: 't', content: utf8Bytes(`${n}`), id: bytesOf(`${n}`, 8) });
const sendAs = (on: Street, n: number) =>
  on.ask({ user: bob, device: 1 }, { $case: 'sendDeviceMessages', value: { room: direct, messages: [message(n)] } });

describe('someone who is blocked', () => {
  it('is listed with the time, and told to the other devices; twice is once', () => {
    const before = street.now;
    expect(block(bob)).toMatchObject({ $case: 'done' });
    expect(block(bob)).toMatchObject({ $case: 'done' });
    street.now += 5_000;
    expect(block(bob, false)).toMatchObject({ $case: 'done' });
    expect(block(carol, false)).toMatchObject({ $case: 'done' });
    expect(blocks()).toEqual({
      blocks: [{ user: bob, spans: [{ sinceMs: before, untilMs: before + 5_000 }] }],
      next: '',
    });
    expect(inbox().filter(({ $case }) => $case === 'blockChanged')).toHaveLength(2);
  });

  it('is nobody whom one could not be blocked by: oneself, or no user', () => {
    for (const other of [user, 'bob', '']) {
      expect(block(other)).toMatchObject({ value: { code: Rejection.REJECTION_BAD_REQUEST } });
    }
  });

  it('invites nobody here: not told, not listed, and confirmed like any other; later it is there', () => {
    block(bob);
    street.forget();
    stand(street, user, { room: roomOf(1), status: invited, byUser: bob });
    expect(confirmed(street, roomOf(1))).toEqual([3]);
    expect([rooms(), heard()]).toEqual([[], []]);
    expect(street.log(user).restless).toBe(false);
    stand(street, user, { room: roomOf(2), status: invited, byUser: carol });
    expect(rooms()).toEqual([roomOf(2)]);
    block(bob, false);
    expect(rooms()).toEqual([roomOf(1), roomOf(2)]);
    expect(heard()).toContain(roomOf(1));
  });

  it('still takes one out of a group, which one hears', () => {
    stand(street, user, { room: roomOf(1), status: joined });
    block(bob);
    stand(street, user, { room: roomOf(1), status: removed, byUser: bob, controlNumber: 4 });
    expect(heard()).toEqual([roomOf(1), roomOf(1)]);
  });

  it('shares a room in which nothing is heard any more: sessions hear so first, then lose it, then the answer comes', () => {
    stand(street, user, { room: direct, status: joined, direct: true });
    street.forget();
    block(bob);
    const order = street.seen.map(({ effect }) => effect.kind).filter((kind) => kind !== 'deliver');
    expect(order).toEqual(['tellSessions', 'evict']);
    expect(street.all('tellSessions')).toMatchObject([{ message: { kind: 'consent', hidden: [direct] } }]);
    expect(street.all('evict')).toEqual([{ kind: 'evict', user, room: direct }]);
    expect(rooms()).toEqual([]);
    expect(hello(street, user, 2)).toMatchObject({ consent: { hidden: [direct] } });
    stand(street, user, { room: direct, status: removed, byUser: bob, controlNumber: 4 });
    expect(heard()).toEqual([direct]);
    block(bob, false);
    expect(rooms()).toEqual([direct]);
    expect(heard()).toEqual([direct, direct]);
    expect(hello(street, user, 3)).toMatchObject({ consent: { hidden: [] } });
  });

  it('gets the answers that a switched-off device gives, whatever they ask', () => {
    const ask = (on: Street) => {
      on.rooms.set(direct, [user, bob]);
      const value = { room: direct, users: [user], manifestsAbove: 0 };
      const claim = { room: direct, targets: [{ user, device: 1 }] };
      return [
        sendAs(on, 1),
        sendAs(on, 1),
        sendAs(on, 2),
        on.ask(
          { user: bob, device: 1 },
          { $case: 'sendDeviceMessages', value: { room: direct, messages: [{ ...message(3), device: 9 }] } },
        ),
        on.ask({ user: bob, device: 1 }, { $case: 'queryKeys', value }),
        on.ask({ user: bob, device: 1 }, { $case: 'claimKeys', value: claim }),
      ];
    };
    const other = new Street(testPrimitives);
    for (const who of [user, bob]) hello(other, who);
    block(bob);
    const [blocked, off] = [ask(street), ask(other)];
    expect(blocked).toEqual(off);
    expect((blocked[0]!.value as DeliveryReport).undelivered).toEqual([]);
    expect(street.seen.filter(({ user: who }) => who === bob)).toEqual(
      other.seen.filter(({ user: who }) => who === bob),
    );
    expect(inbox().some(({ $case }) => $case === 'deviceMessage')).toBe(false);
    block(bob, false);
    expect(inbox().some(({ $case }) => $case === 'deviceMessage')).toBe(false);
    sendAs(street, 4);
    expect(inbox().some(({ $case }) => $case === 'deviceMessage')).toBe(true);
  });

  it('stays blocked through sleep and crash', () => {
    block(bob);
    street.passivate(user);
    street.crash(user);
    expect(blocks().blocks).toMatchObject([{ user: bob }]);
    stand(street, user, { room: roomOf(1), status: invited, byUser: bob });
    expect(rooms()).toEqual([]);
  });
});

describe('those who are blocked', () => {
  const name = (n: number) => `@u${String(n).padStart(4, '0')}:example.org`;

  it('are 1,000 at most, listed in pages that fit a frame', () => {
    for (let n = 0; n < limits.blockedMax; n++) expect(block(name(n))).toMatchObject({ $case: 'done' });
    expect(block(name(5_000))).toMatchObject({ value: { code: Rejection.REJECTION_LIMIT_REACHED } });
    expect(block(name(1))).toMatchObject({ $case: 'done' });
    const all: string[] = [];
    for (let after = ''; ; ) {
      const page = blocks(after);
      all.push(...page.blocks.map((each) => each.user));
      if (page.next === '') break;
      after = page.next;
    }
    expect(all).toEqual(Array.from({ length: limits.blockedMax }, (_, n) => name(n)));
    block(name(1), false);
    expect(block(name(5_000))).toMatchObject({ $case: 'done' });
  });

  it('remember the newest 16 times of each', () => {
    const kept = new Blocks();
    for (let n = 0; n <= userLimits.blockSpansMax; n++) {
      if (n === userLimits.blockSpansMax) expect(kept.get(bob)?.spans[0]?.sinceMs).toBe(1);
      kept.set(bob, { room: direct, blocked: true }, 10 * n + 1);
      kept.set(bob, { room: direct, blocked: false }, 10 * n + 5);
    }
    expect(kept.get(bob)?.spans).toHaveLength(userLimits.blockSpansMax);
    expect(kept.get(bob)?.spans[0]).toEqual({ sinceMs: 11, untilMs: 15 });
  });

  it('remember 1,000 who were let in again, those of last', () => {
    const kept = new Blocks();
    const pass = (n: number) => {
      kept.set(name(n), { room: `!${n}`, blocked: true }, n + 1);
      return kept.set(name(n), { room: `!${n}`, blocked: false }, n + 2);
    };
    for (let n = 0; n < userLimits.pastBlocksMax; n++) expect(pass(n)).toEqual([name(n)]);
    kept.set(carol, { room: direct, blocked: true }, 1);
    expect(pass(5_000)).toEqual([name(5_000), name(0)]);
    expect(kept.list('')).toHaveLength(userLimits.pastBlocksMax + 1);
  });
});
