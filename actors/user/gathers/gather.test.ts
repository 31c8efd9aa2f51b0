import { beforeEach, describe, expect, it } from 'vitest';
import type { ClaimsAnswer, DeliveryReport, KeysAnswer } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { utf8Bytes } from '#proto/rules/bytes/bytes.ts';
import { roomAddress, userAddress } from '../../kernel/address.ts';
import { userLimits } from '../limits.ts';
import { Street } from '../testing/street.ts';

const names = Array.from({ length: 110 }, (_, index) => `@u${index}:example.org`);
const [alice, bob, carol] = names as [string, string, string];
const foreign = '@dora:elsewhere.org';
const room = `!g${'a'.repeat(32)}:example.org`;
const asker = { user: alice, device: 1 };

let street: Street;
beforeEach(() => {
  street = new Street(testPrimitives);
  for (const user of [alice, bob, carol]) join(user);
  street.rooms.set(room, [alice, bob, carol, foreign]);
});

function join(user: string): void {
  const device = makeActor(user).device(1);
  street.tell(user, { kind: 'hello', session: 1, device: 1, deviceId: device.id, deviceName: 'phone' });
  const oneTimeKeys = [{ keyId: 'signed_curve25519:A', key: utf8Bytes(`key of ${user}`) }];
  const value = { deviceJson: device.deviceJson, oneTimeKeys, fallbackKeys: [] };
  street.ask({ user, device: 1 }, { $case: 'uploadKeys', value });
}

const queryIn = (where: string, users: string[]) =>
  street.asks(asker, { $case: 'queryKeys', value: { room: where, users, manifestsAbove: 0 } });
const query = (users: string[], where = room) => street.answers.get(queryIn(where, users))!.value as KeysAnswer;
const message = (user: string, id = 1) => ({
  user,
  device: 1,
  type: 't',
  content: utf8Bytes('c'),
  id: utf8Bytes(`${id}`),
});
const sending = (users: string[], where = room) =>
  street.asks(asker, {
    $case: 'sendDeviceMessages',
    value: { room: where, messages: users.map((user, index) => message(user, index)) },
  });
const report = (request: number) => (street.answers.get(request)!.value as DeliveryReport).undelivered;
const claiming = (users: string[], where = room) =>
  street.asks(asker, {
    $case: 'claimKeys',
    value: { room: where, targets: users.map((user) => ({ user, device: 1 })) },
  });
const claimed = (request: number) => (street.answers.get(request)!.value as ClaimsAnswer).keys.map(({ user }) => user);
const timeUp = () => {
  const timers = street.all('startTimer').map(({ name }) => name);
  for (const name of timers) street.tell(alice, { kind: 'timer', name });
};
const code = (rejection: Rejection) => ({ $case: 'rejected', value: { code: rejection } });

describe('a key query', () => {
  it('gives members of a shared room with devices, without the user-signing key', () => {
    const answer = query([bob, carol, alice]);
    expect(answer.users.map(({ user, devices }) => [user, devices.length])).toEqual([
      [bob, 1],
      [carol, 1],
      [alice, 1],
    ]);
    expect(answer.missing).toEqual([]);
  });

  it('does not tell unknown, foreign and forbidden apart', () => {
    street.rooms.set(room, [alice, bob, names[9]!, foreign]);
    expect(query([carol, names[9]!, foreign, 'nonsense', bob])).toMatchObject({
      users: [{ user: bob }],
      missing: [carol, names[9], foreign, 'nonsense'],
      deferred: [],
    });
    expect(query([bob], 'no room')).toMatchObject({ users: [], missing: [bob] });
    expect(query([bob], `!g${'b'.repeat(32)}:example.org`)).toMatchObject({ users: [], missing: [bob] });
  });

  it('gives one stranger by exact id, without devices, 20 at once', () => {
    expect(query([bob], '').users).toMatchObject([{ user: bob, devices: [] }]);
    expect(street.answers.get(queryIn('', [bob, carol]))).toMatchObject(code(Rejection.REJECTION_BAD_REQUEST));
    for (let n = 1; n < userLimits.strangerBurst; n++) query([names[50]!], '');
    expect(street.answers.get(queryIn('', [carol]))).toMatchObject(code(Rejection.REJECTION_RATE_LIMITED));
    expect(query([alice], '').users).toMatchObject([{ user: alice, devices: [{ device: 1 }] }]);
    street.now += userLimits.strangerEveryMs;
    expect(query([carol], '').users).toHaveLength(1);
  });

  it('says who is a bot, by the provider', () => {
    const bot = '@bot:example.org';
    join(bot);
    expect(query([bot], '').users).toMatchObject([{ user: bot, bot: true }]);
    expect(query([bob], '').users).toMatchObject([{ user: bob, bot: false }]);
  });

  it('takes 1 to 100 users', () => {
    expect(query(names.slice(0, 100)).missing).toHaveLength(97);
    expect(street.answers.get(queryIn(room, names.slice(0, 101)))).toMatchObject(code(Rejection.REJECTION_BAD_REQUEST));
    expect(street.answers.get(queryIn(room, []))).toMatchObject(code(Rejection.REJECTION_BAD_REQUEST));
  });

  it('defers whom nothing is known about: silent after ten seconds, busy, or beyond the frame', () => {
    street.silent.add(userAddress(carol));
    const request = queryIn(room, [bob, carol]);
    expect(street.answers.get(request)).toBeUndefined();
    timeUp();
    expect(street.answers.get(request)).toMatchObject({
      value: { users: [{ user: bob }], missing: [], deferred: [carol] },
    });
    street.silent.delete(userAddress(carol));
    street.silent.add(roomAddress(room));
    const other = queryIn(room, [alice, bob, foreign]);
    timeUp();
    expect(street.answers.get(other)).toMatchObject({
      value: { users: [{ user: alice }], missing: [foreign], deferred: [bob] },
    });
    street.silent.clear();
    for (const user of names.slice(3, 100)) join(user);
    street.rooms.set(room, names);
    const full = query(names.slice(0, 100));
    expect(full.users.length + full.deferred.length).toBe(100);
    expect(full.deferred.length).toBeGreaterThan(0);
  });

  it('ignores an answer that comes late or twice', () => {
    street.silent.add(userAddress(carol));
    const request = queryIn(room, [carol]);
    timeUp();
    const token = Number(street.all('startTimer').at(-1)!.name.split('/')[1]);
    street.tell(alice, { kind: 'keysRead', token, user: carol, keys: null });
    expect(street.answers.get(request)).toMatchObject({ value: { deferred: [carol] } });
  });
});

describe('a claim', () => {
  it('takes one key each, once, and leaves out who has none or is out of reach', () => {
    expect(claimed(claiming([bob, carol, alice]))).toEqual([alice, bob, carol]);
    expect(claimed(claiming([bob, carol, alice]))).toEqual([]);
    expect(claimed(claiming([foreign, names[50]!]))).toEqual([]);
    expect(claimed(claiming([bob], ''))).toEqual([]);
  });

  it('is answered only once the target has made it durable', () => {
    street.log(bob).held = true;
    const request = claiming([bob, carol]);
    expect(street.answers.get(request)).toBeUndefined();
    street.flush(bob);
    expect(claimed(request)).toEqual([carol, bob]);
  });

  it('takes 1 to 100 targets', () => {
    expect(claimed(claiming(names.slice(0, 100)))).toEqual([alice, bob, carol]);
    expect(street.answers.get(claiming(names.slice(0, 101)))).toMatchObject(code(Rejection.REJECTION_BAD_REQUEST));
    expect(street.answers.get(claiming([]))).toMatchObject(code(Rejection.REJECTION_BAD_REQUEST));
  });

  it('is limited for the asker', () => {
    for (let n = 0; n < userLimits.claimBurst; n += 100) claiming(Array.from({ length: 100 }, () => foreign));
    expect(street.answers.get(claiming([bob]))).toMatchObject(code(Rejection.REJECTION_RATE_LIMITED));
    street.now += userLimits.claimEveryMs;
    expect(claimed(claiming([bob]))).toEqual([bob]);
  });
});

describe('device messages', () => {
  it('reach own devices without a room and others through one', () => {
    expect(report(sending([alice], ''))).toEqual([]);
    expect(report(sending([alice, bob], ''))).toMatchObject([{ index: 1, code: Rejection.REJECTION_NOT_FOUND }]);
    expect(report(sending([bob, carol]))).toEqual([]);
    expect(report(sending([bob, foreign, names[9]!]))).toMatchObject([
      { index: 1, code: Rejection.REJECTION_NOT_FOUND },
      { index: 2, code: Rejection.REJECTION_NOT_FOUND },
    ]);
  });

  it('are reported as unavailable after ten seconds, the others as delivered', () => {
    street.silent.add(userAddress(bob));
    const request = sending([carol, bob]);
    expect(street.answers.get(request)).toBeUndefined();
    timeUp();
    const retryAfterMs = userLimits.retryAfterMs;
    expect(report(request)).toEqual([{ index: 1, code: Rejection.REJECTION_UNAVAILABLE, retryAfterMs }]);
  });

  it('name each position once where the room does not answer', () => {
    street.silent.add(roomAddress(room));
    const request = sending([carol, foreign, alice, bob]);
    timeUp();
    expect(report(request).map(({ index }) => index)).toEqual([0, 1, 3]);
  });

  it('come 1 to 500 at a time', () => {
    expect(report(sending(Array.from({ length: 500 }, () => bob)))).toHaveLength(500 - 256);
    const over = sending(Array.from({ length: 501 }, () => bob));
    expect(street.answers.get(over)).toMatchObject(code(Rejection.REJECTION_BAD_REQUEST));
    expect(street.answers.get(sending([]))).toMatchObject(code(Rejection.REJECTION_BAD_REQUEST));
  });
});

describe('gathers', () => {
  it('are 16 at once; the next is BUSY', () => {
    street.silent.add(roomAddress(room));
    const requests = Array.from({ length: userLimits.gathersMax }, () => queryIn(room, [bob]));
    expect(requests.map((request) => street.answers.get(request))).toEqual(requests.map(() => undefined));
    expect(street.answers.get(queryIn(room, [bob]))).toMatchObject(code(Rejection.REJECTION_BUSY));
    timeUp();
    street.silent.clear();
    expect(query([bob]).users).toHaveLength(1);
  });

  it('keep their actor in memory, and none stays once all are answered', () => {
    street.silent.add(roomAddress(room));
    queryIn(room, [bob]);
    street.passivate(alice);
    expect(street.isAwake(alice)).toBe(true);
    timeUp();
    street.passivate(alice);
    expect(street.isAwake(alice)).toBe(false);
  });
});
