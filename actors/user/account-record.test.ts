// What a person is shown of what is kept of them: all of it, in pages that fit a frame.
import { beforeEach, expect, it } from 'vitest';
import { type AccountRecord, ServerFrame } from '#proto/gen/client.ts';
import { MemberStatus } from '#proto/gen/record.ts';
import { bytesOf, testPrimitives } from '#proto/golden/cast.ts';
import { limits } from '#proto/rules/limits.ts';
import { userAddress } from '../kernel/address.ts';
import { userLimits } from './limits.ts';
import { roomOf, stand } from './testing/rooms.ts';
import { Street } from './testing/street.ts';

const [user, bob] = ['@alice:example.org', '@bob:example.org'];

let street: Street;
beforeEach(() => {
  street = new Street(testPrimitives);
  for (const device of [1, 2, 3]) hello(device);
});

function hello(device: number): void {
  street.tell(user, { kind: 'hello', session: device, device, deviceId: `D${device}`, deviceName: 'phone' });
}
function pages(): AccountRecord[] {
  const all: AccountRecord[] = [];
  for (let after = ''; ; ) {
    const body = street.ask({ user, device: 1 }, { $case: 'readAccount', value: { after } });
    if (body?.$case !== 'accountRecord') throw new Error('no page');
    expect(ServerFrame.encode({ request: 2 ** 32 - 1, body }).finish().length).toBeLessThan(limits.frameBytesMax);
    all.push(body.value);
    if (body.value.next === '') return all;
    after = body.value.next;
  }
}

it('is everything that only this request shows', () => {
  const created = street.now;
  street.now += 60_000;
  const message = { user, device: 2, type: 't', content: bytesOf('content'), id: bytesOf('id', 8) };
  const from = { replyTo: userAddress(bob), token: 1, sender: bob, senderDevice: 4 };
  street.tell(user, { kind: 'deposit', ...from, messages: [{ index: 0, message }] });
  stand(street, user, { room: roomOf(1), status: MemberStatus.MEMBER_STATUS_INVITED });
  street.ask({ user, device: 1 }, { $case: 'removeDevice', value: { device: 3 } });
  const [page, ...more] = pages();
  expect(more).toEqual([]);
  expect(page).toMatchObject({
    facts: {
      createdMs: created,
      removedDevices: [3],
      manifest: { version: 0 },
      inboxHead: street.log(user).rows.length,
      inboxFloor: 1,
      cursors: [{ device: 1 }, { device: 2 }],
      senders: [{ user: bob, device: 4 }],
      limits: [{ name: `standing/${bob}` }],
    },
    standings: [{ standing: { room: roomOf(1), byUser: bob }, sinceMs: street.now }],
  });
  // Three notices of devices and an invitation; two of the notices, the message and the invitation.
  expect(page?.facts?.cursors.map(({ waiting }) => waiting)).toEqual([4, 4]);
});

it('comes in pages that fit a frame, each room once, with the rest on the first alone', () => {
  const rooms = Array.from({ length: limits.roomsMax }, (_, n) => roomOf(n));
  for (const room of rooms) stand(street, user, { room, status: MemberStatus.MEMBER_STATUS_JOINED, byUser: user });
  const all = pages();
  expect(all.length).toBeGreaterThan(1);
  expect(all.map(({ facts }) => facts !== undefined)).toEqual(all.map((_, index) => index === 0));
  expect(all.flatMap(({ standings }) => standings.map(({ standing }) => standing?.room))).toEqual(rooms);
});

it('fits a frame with as much of everything as can be', () => {
  const long = (n: number) => `@${String(n).padStart(limits.userNameCharactersMax, 'x')}:example.org`;
  for (let n = 0; n < userLimits.sendersMax; n++) {
    const message = { user, device: 1, type: 't', content: bytesOf('content'), id: bytesOf('id', 8) };
    const from = { replyTo: userAddress(bob), token: 1, sender: long(n), senderDevice: 2 ** 32 - 1 };
    street.tell(user, { kind: 'deposit', ...from, messages: [{ index: 0, message }] });
    stand(street, user, { room: roomOf(n), status: MemberStatus.MEMBER_STATUS_INVITED, byUser: long(n) });
  }
  const all = pages();
  expect(all[0]?.facts).toMatchObject({ senders: { length: userLimits.sendersMax } });
  expect(all.flatMap(({ standings }) => standings)).toHaveLength(userLimits.sendersMax);
});
