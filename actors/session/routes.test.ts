import { describe, expect, it } from 'vitest';
import { roomAddress, userAddress } from '#actors/kernel/address.ts';
import { ListBackup, QueryKeys, ReadRoom, Submit } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { type RoutedBody, rateOf, routeOf } from './routes.ts';
import { ann, room } from './stage.ts';

const from = { session: 7, request: 3, user: ann, device: 2, mayEnter: true, mayInvite: true };
const none = new Uint8Array();
const bob = '@bob:lux.example';
const deviceMessage = { user: bob, device: 1, type: 't', content: none, id: none };
const submit = (id: string, headerBytes = 1, bodyBytes = 1): RoutedBody => ({
  $case: 'submit',
  value: {
    ...Submit.decode(none),
    room: id,
    event: { header: new Uint8Array(headerBytes), body: new Uint8Array(bodyBytes) },
  },
});
const queryKeys = (id: string, users: string[]): RoutedBody => ({
  $case: 'queryKeys',
  value: { ...QueryKeys.decode(none), room: id, users },
});
const claimKeys = (id: string, users: string[]): RoutedBody => ({
  $case: 'claimKeys',
  value: { room: id, targets: users.map((user) => ({ user, device: 1 })) },
});
const sendDeviceMessages = (id: string, users: string[]): RoutedBody => ({
  $case: 'sendDeviceMessages',
  value: { room: id, messages: users.map((user) => ({ ...deviceMessage, user })) },
});
const putReceipt = (id: string, bytes: number): RoutedBody => ({
  $case: 'putReceipt',
  value: { room: id, write: new Uint8Array(bytes) },
});
const fetchRecords = (id: string): RoutedBody => ({
  $case: 'fetchRecords',
  value: { room: id, fromSeq: 1, throughSeq: 0, limit: 0, newestFirst: false },
});
const readRoom = (id: string): RoutedBody => ({
  $case: 'readRoom',
  value: { ...ReadRoom.decode(none), room: id },
});
const badRequest = { refused: Rejection.REJECTION_BAD_REQUEST };
const tooLarge = { refused: Rejection.REJECTION_TOO_LARGE };

describe('a request', () => {
  it.each([
    ['submit', submit(room)],
    ['fetch', fetchRecords(room)],
    ['putReceipt', putReceipt(room, 1)],
    ['readRoom', readRoom(room)],
  ])('%s goes to its room, with who asks', (kind, body) => {
    expect(routeOf(body, from)).toMatchObject({ to: roomAddress(room), message: { kind, from } });
  });

  it.each([
    queryKeys(room, [bob]),
    queryKeys('', [bob]),
    claimKeys(room, [bob]),
    sendDeviceMessages('', [ann]),
    { $case: 'listRooms', value: { after: '', room: '' } } as RoutedBody,
    { $case: 'removeDevice', value: { device: 1 } } as RoutedBody,
  ])('goes to the asker own user actor', (body) => {
    expect(routeOf(body, from)).toEqual({ to: userAddress(ann), message: { kind: 'request', from, body } });
  });

  it.each([
    '',
    '!',
    'room',
    '!x:lux',
    `${room} `,
    room.toUpperCase(),
    `!g${'a'.repeat(33)}:lux`,
    ann,
    '!'.repeat(60_000),
  ])('that names no well-formed room (case %#) is addressed to nobody', (id) => {
    for (const body of [submit(id), fetchRecords(id), putReceipt(id, 1), readRoom(id)]) {
      expect(routeOf(body, from)).toEqual(badRequest);
    }
    if (id === '') return;
    for (const body of [queryKeys(id, [bob]), claimKeys(id, [bob]), sendDeviceMessages(id, [bob])]) {
      expect(routeOf(body, from)).toEqual(badRequest);
    }
  });

  it.each(['', '@', 'bob', '@Bob:lux', '@bob', room, `@${'b'.repeat(65)}:lux`])(
    'that names %j as a user is addressed to nobody',
    (user) => {
      for (const body of [
        queryKeys('', [bob, user]),
        claimKeys('', [bob, user]),
        sendDeviceMessages('', [bob, user]),
      ]) {
        expect(routeOf(body, from)).toEqual(badRequest);
      }
    },
  );

  it('is bounded in how many it names', () => {
    const users = (count: number) => Array.from({ length: count }, () => bob);
    expect(routeOf(queryKeys('', users(100)), from)).toHaveProperty('to');
    expect(routeOf(claimKeys('', users(100)), from)).toHaveProperty('to');
    expect(routeOf(sendDeviceMessages('', users(500)), from)).toHaveProperty('to');
    for (const body of [
      queryKeys('', users(101)),
      claimKeys('', users(101)),
      sendDeviceMessages('', users(501)),
      queryKeys('', []),
      claimKeys('', []),
      sendDeviceMessages('', []),
    ]) {
      expect(routeOf(body, from)).toEqual(badRequest);
    }
  });

  it('is bounded in bytes', () => {
    expect(routeOf(submit(room, 1024, 49_152), from)).toHaveProperty('to');
    expect(routeOf(submit(room, 1025, 1), from)).toEqual(tooLarge);
    expect(routeOf(submit(room, 1, 49_153), from)).toEqual(tooLarge);
    expect(routeOf(putReceipt(room, 4192), from)).toHaveProperty('to');
    expect(routeOf(putReceipt(room, 4193), from)).toEqual(tooLarge);
  });

  it('without an event is no submit', () => {
    const body: RoutedBody = {
      $case: 'submit',
      value: { ...Submit.decode(none), room },
    };
    expect(routeOf(body, from)).toEqual(badRequest);
  });

  it('counts writing per device, and what costs others per user', () => {
    expect(rateOf(submit(room), from.user)).toEqual({ of: 'device', name: 'submit' });
    expect(rateOf(fetchRecords(room), from.user)).toEqual({ of: 'device', name: 'read' });
    expect(rateOf(putReceipt(room, 1), from.user)).toEqual({ of: 'device', name: 'receipt' });
    expect(rateOf(queryKeys('', [bob]), from.user)).toEqual({ of: 'user', name: 'query' });
    expect(rateOf(queryKeys('', [from.user]), from.user)).toEqual({ of: 'device', name: 'read' });
    expect(rateOf(queryKeys('', [from.user, bob]), from.user)).toEqual({ of: 'user', name: 'query' });
    expect(rateOf(claimKeys('', [bob]), from.user)).toEqual({ of: 'user', name: 'claim' });
    expect(rateOf({ $case: 'listBackup', value: ListBackup.decode(none) }, from.user)).toEqual({
      of: 'device',
      name: 'backup',
    });
    expect(rateOf({ $case: 'renameDevice', value: { device: 1, name: 'x' } }, from.user)).toEqual({
      of: 'user',
      name: 'change',
    });
  });
});
