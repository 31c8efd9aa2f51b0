// Accounts that are switched off and erased: what its devices, others, rooms and the store see of it, whatever dies between the steps, and twice.
import { beforeEach, describe, expect, it } from 'vitest';
import { AccountRow } from '#proto/gen/account.ts';
import { ErasedKind, type ErasureReceipt, type UserKeys, type Welcome } from '#proto/gen/client.ts';
import { Disconnect, Rejection } from '#proto/gen/codes.ts';
import { AccountState, MemberStatus } from '#proto/gen/record.ts';
import { bytesOf, makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { utf8Bytes } from '#proto/rules/bytes/bytes.ts';
import { receiptNumber } from '#proto/rules/bytes/hash.ts';
import { parseAddress, roomAddress } from '../kernel/address.ts';
import type { UserMessage } from '../kernel/messages.ts';
import { closingTimer } from './closing.ts';
import { userLimits } from './limits.ts';
import { dayOf } from './state/account.ts';
import { confirmed, roomOf, stand } from './testing/rooms.ts';
import { Street } from './testing/street.ts';

const alice = makeActor('@alice:example.org');
const { user } = alice;
const bob = '@bob:example.org';
const attempt = bytesOf('attempt', 16);
const grant = { token: 'lxg_', attempt };
/** Where answers to other actors can be seen. */
const replyTo = roomAddress(roomOf(9));

let street: Street;
beforeEach(() => {
  street = new Street(testPrimitives);
  for (const device of [1, 2]) hello(device);
  ask(1, { $case: 'uploadKeys', value: { deviceJson: alice.device(1).deviceJson, oneTimeKeys: [], fallbackKeys: [] } });
  stand(street, user, { room: roomOf(1), status: MemberStatus.MEMBER_STATUS_JOINED });
  ask(1, { $case: 'setBlock', value: { user: bob, blocked: true } });
  deposit(1);
  street.forget();
});

const ask = (device: number, body: Parameters<Street['ask']>[1]) => street.ask({ user, device }, body);
function hello(device: number): void {
  const { id: deviceId } = alice.device(device);
  street.tell(user, { kind: 'hello', session: device, device, deviceId, deviceName: `secret name ${device}` });
}
function deposit(id: number, sender = '@carol:example.org'): void {
  const message = { user, device: 1, type: 't', content: utf8Bytes('hi'), id: bytesOf(`${id}`, 8) };
  const from = { replyTo, token: id, sender, senderDevice: 1 };
  street.tell(user, { kind: 'deposit', ...from, messages: [{ index: 0, message }] });
}
/** A device asks; the number of its request. */
const asks = ($case: 'deactivateAccount' | 'eraseAccount', device = 1) =>
  street.asks({ user, device }, { $case, value: { grant } });
/** Login has looked at the grant. */
function judged(counts: boolean | null): void {
  const { token } = street.all('checkGrant').at(-1)!;
  street.tell(user, { kind: 'grantChecked', token, counts });
}
const letGo = () => street.tell(user, { kind: 'accountClosed' });
const closes = () => street.all('closeAccount').map(({ purpose }) => purpose);
const welcomes = () =>
  street.all('send').flatMap(({ message }) => (message.kind === 'welcomed' ? [message.body.value as Welcome] : []));
const keys = (): UserKeys | null => {
  street.tell(user, { kind: 'readKeys', replyTo, token: 9, devices: true, own: false });
  return answered('keysRead').keys;
};
/** The newest answer of this kind to another actor. */
function answered<K extends 'keysRead' | 'deposited'>(kind: K) {
  const found = street.all('send').findLast(({ message }) => message.kind === kind)?.message;
  return found as Extract<UserMessage, { kind: K }>;
}
const row = () => AccountRow.decode(street.log(user).state.get('account')!.value);
function deactivate(): void {
  asks('deactivateAccount');
  judged(true);
}
function erase(): number {
  const request = asks('eraseAccount');
  judged(true);
  return request;
}

describe('closing an account', () => {
  it.each(['deactivateAccount', 'eraseAccount'] as const)('%s takes a grant that counts', ($case) => {
    const refused = asks($case);
    expect(street.answers.has(refused)).toBe(false);
    const [purpose] = $case.split('Account');
    expect(street.all('checkGrant')).toMatchObject([{ user, device: 1, purpose, grant }]);
    judged(false);
    expect(street.answers.get(refused)).toMatchObject({ value: { code: Rejection.REJECTION_FORBIDDEN } });
    const unknown = asks($case);
    judged(null);
    expect(street.answers.get(unknown)).toMatchObject({ value: { code: Rejection.REJECTION_UNAVAILABLE } });
    expect(ask(1, { $case: 'listDevices', value: {} })).toMatchObject({ $case: 'deviceList' });
    expect(closes()).toEqual([]);
  });

  it('is done once, whoever else asks meanwhile', () => {
    const first = asks('eraseAccount', 1);
    const second = asks('deactivateAccount', 2);
    for (const { token } of street.all('checkGrant')) street.tell(user, { kind: 'grantChecked', token, counts: true });
    expect(street.answers.get(first)).toMatchObject({ $case: 'erasureReceipt' });
    expect(street.answers.get(second)).toMatchObject({ value: { code: Rejection.REJECTION_NOT_LOGGED_IN } });
    expect(closes()).toEqual(['erase']);
  });

  it('comes too late from a device that was removed meanwhile', () => {
    const request = asks('eraseAccount', 2);
    ask(1, { $case: 'removeDevice', value: { device: 2 } });
    judged(true);
    expect(street.answers.get(request)).toMatchObject({ value: { code: Rejection.REJECTION_NOT_LOGGED_IN } });
    expect(closes()).toEqual([]);
  });

  it('is answered, and login told, when it is durable and not before', () => {
    const request = asks('eraseAccount');
    street.log(user).held = true;
    judged(true);
    expect([street.answers.has(request), closes()]).toEqual([false, []]);
    street.flush(user);
    expect(street.answers.get(request)).toMatchObject({ $case: 'erasureReceipt' });
    expect(closes()).toEqual(['erase']);
  });

  it('that a crash takes back never was', () => {
    asks('eraseAccount');
    street.log(user).held = true;
    judged(true);
    street.crash(user);
    street.log(user).held = false;
    expect(ask(1, { $case: 'listDevices', value: {} })).toMatchObject({ $case: 'deviceList' });
  });

  it.each(['deactivate', 'erase'] as const)(
    '%s: login is told until it has let go, whatever dies, and by nobody asking',
    (how) => {
      if (how === 'erase') erase();
      else deactivate();
      street.tell(user, { kind: 'timer', name: closingTimer });
      street.crash(user);
      expect(street.log(user).restless).toBe(true);
      deposit(2);
      expect(closes()).toEqual([how, how, how]);
      street.passivate(user);
      expect(street.log(user).restless).toBe(true);
      deposit(3);
      letGo();
      street.tell(user, { kind: 'timer', name: closingTimer });
      street.passivate(user);
      expect(street.log(user).restless).toBe(false);
      deposit(4);
      expect(closes()).toEqual([how, how, how, how]);
    },
  );

  it('asks login again after a wait, until it has let go', () => {
    deactivate();
    const waits = street.all('startTimer').filter(({ name }) => name === closingTimer);
    expect(waits).toMatchObject([{ delayMs: userLimits.closingAgainMs }]);
  });

  it.each(['deactivate', 'erase'] as const)('%s: every session ends once login has let go, and not before', (how) => {
    if (how === 'erase') erase();
    else deactivate();
    expect(street.all('disconnectDevice')).toEqual([]);
    letGo();
    letGo();
    const ended = street.all('disconnectDevice');
    expect(ended.map(({ device }) => device)).toEqual([1, 2]);
    expect(ended.every(({ code }) => code === Disconnect.DISCONNECT_LOGGED_OUT)).toBe(true);
  });
});

describe('an account that is deactivated', () => {
  beforeEach(deactivate);

  it('serves none of its devices, and confirms to login each that it ended', () => {
    expect(ask(2, { $case: 'listDevices', value: {} })).toMatchObject({
      value: { code: Rejection.REJECTION_NOT_LOGGED_IN },
    });
    street.tell(user, { kind: 'deviceRevoked', device: 2 });
    expect(street.all('revokeDevice')).toMatchObject([{ user, device: 2 }]);
    expect(street.all('disconnectDevice')).toMatchObject([{ user, device: 2 }]);
  });

  it('is to others one whose devices are switched off', () => {
    letGo();
    street.tell(user, { kind: 'deviceRevoked', device: 1 });
    expect(keys()?.devices).toHaveLength(1);
    deposit(5);
    expect(answered('deposited')).toMatchObject({ undelivered: [] });
    stand(street, user, { room: roomOf(2), status: MemberStatus.MEMBER_STATUS_INVITED });
    expect(confirmed(street, roomOf(2))).toEqual([3]);
  });

  it('lets a new device wait until login has let go, and none of those before in', () => {
    hello(3);
    expect(street.all('disconnect')).toMatchObject([{ session: 3, code: Disconnect.DISCONNECT_BUSY }]);
    letGo();
    hello(1);
    expect(street.all('disconnect')).toMatchObject([{}, { session: 1, code: Disconnect.DISCONNECT_LOGGED_OUT }]);
    expect(welcomes()).toEqual([]);
  });

  it('is active again with the next device of its person, who is told once', () => {
    letGo();
    street.forget();
    hello(3);
    hello(3);
    hello(4);
    expect(welcomes().map(({ reactivated }) => reactivated)).toEqual([true, false, false]);
    expect(street.all('revokeDevice').map(({ device }) => device)).toEqual([1, 2]);
    const list = ask(3, { $case: 'listDevices', value: {} });
    expect(list).toMatchObject({ value: { devices: [{ device: 3 }, { device: 4 }] } });
    expect(ask(3, { $case: 'listBlocks', value: { after: '' } })).toMatchObject({ value: { blocks: [{ user: bob }] } });
    hello(2);
    expect(welcomes()).toHaveLength(3);
  });

  it('is still deactivated after a sleep and a crash', () => {
    letGo();
    street.passivate(user);
    street.crash(user);
    expect(ask(1, { $case: 'listDevices', value: {} })).toMatchObject({
      value: { code: Rejection.REJECTION_NOT_LOGGED_IN },
    });
    hello(3);
    expect(welcomes()).toMatchObject([{ reactivated: true }]);
  });
});

describe('an account that is erased', () => {
  it('is promised what goes when, under a number of its own', () => {
    const { value } = street.answers.get(erase()) as { value: ErasureReceipt };
    const day = dayOf(street.now);
    expect(value).toMatchObject({ number: receiptNumber(attempt, testPrimitives), day });
    expect(value.parts).toEqual([
      { kind: ErasedKind.ERASED_KIND_LOGIN, lastDay: day },
      { kind: ErasedKind.ERASED_KIND_ACCOUNT, lastDay: day },
      { kind: ErasedKind.ERASED_KIND_BACKUP, lastDay: day },
      { kind: ErasedKind.ERASED_KIND_LISTING, lastDay: day },
      { kind: ErasedKind.ERASED_KIND_INBOX, lastDay: day + 38 },
      { kind: ErasedKind.ERASED_KIND_MESSAGES, lastDay: day + 730 },
      { kind: ErasedKind.ERASED_KIND_FILES, lastDay: day + 365 },
      { kind: ErasedKind.ERASED_KIND_REPORTS, lastDay: day + 38 },
      { kind: ErasedKind.ERASED_KIND_MEMBERSHIPS, lastDay: 0 },
      { kind: ErasedKind.ERASED_KIND_ID, lastDay: 0 },
    ]);
    // None is promised nothing.
    expect(value.parts.map(({ kind }) => kind)).toEqual(Object.values(ErasedKind).filter((kind) => kind !== 0));
  });

  it('leaves nothing in the rows but that it was, and its receipt', () => {
    erase();
    street.passivate(user);
    expect([...street.log(user).state.keys()].sort()).toEqual(['account', 'mark']);
    expect(row()).toMatchObject({ removed: [1, 2], lettingGo: true, state: AccountState.ACCOUNT_STATE_ERASED });
    deposit(7);
    letGo();
    street.passivate(user);
    const nothing = AccountRow.decode(new Uint8Array());
    const receipt = receiptNumber(attempt, testPrimitives);
    expect(row()).toEqual({ ...nothing, state: AccountState.ACCOUNT_STATE_ERASED, receipt, erasedMs: street.now });
  });

  it('is told of in each room that it was in, until that confirms, whatever dies meanwhile; then nothing says where it was', () => {
    const rooms = [1, 2, 3].map(roomOf);
    const { MEMBER_STATUS_JOINED: joined, MEMBER_STATUS_LEFT: left } = MemberStatus;
    for (const room of rooms) stand(street, user, { room, status: room === rooms[2] ? left : joined });
    for (const room of rooms.slice(1)) street.deaf.add(room);
    street.forget();
    erase();
    const told = () => {
      const said = street
        .all('send')
        .flatMap(({ to, message }) => (message.kind === 'identityMoved' ? [{ to, ...message }] : []));
      street.forget();
      for (const { fingerprint, head } of said) expect([fingerprint.length, head.version]).toEqual([0, 0]);
      return said.map(({ to }) => parseAddress(to).id);
    };
    expect(told()).toEqual(rooms);
    street.tell(user, { kind: 'timer', name: 'rooms' });
    expect(told()).toEqual(rooms.slice(1));
    letGo();
    street.crash(user);
    street.deaf.delete(rooms[1]!);
    hello(3);
    // That the first one confirmed was not durable: it is told once more.
    expect(told()).toEqual(rooms);
    street.passivate(user);
    expect(street.log(user).restless).toBe(true);
    expect(
      [...street.log(user).state]
        .filter(([, { value }]) => value !== null)
        .map(([key]) => key)
        .sort(),
    ).toEqual(['account', 'mark', 'untold']);
    street.deaf.clear();
    hello(4);
    expect(told()).toEqual(rooms.slice(2));
    letGo();
    street.passivate(user);
    expect(street.log(user).restless).toBe(false);
    expect([...street.log(user).state.keys()]).not.toContain('untold');
  });

  it('is to others one that never was, and keeps nothing that rooms say', () => {
    erase();
    expect(keys()).toBeNull();
    deposit(6);
    expect(answered('deposited')).toMatchObject({ undelivered: [{ code: Rejection.REJECTION_NOT_FOUND }] });
    stand(street, user, { room: roomOf(3), status: MemberStatus.MEMBER_STATUS_INVITED });
    expect(confirmed(street, roomOf(3))).toEqual([3]);
    const { length } = street.log(user).rows;
    street.tell(user, { kind: 'manifestMoved', user: bob, head: { version: 2, hash: bytesOf('hash', 32) } });
    expect(street.log(user).rows).toHaveLength(length);
  });

  it('lets no device in, of before or of later', () => {
    erase();
    for (const device of [1, 3]) hello(device);
    letGo();
    street.passivate(user);
    for (const device of [2, 4]) hello(device);
    expect(welcomes()).toEqual([]);
    expect(street.all('disconnect').map(({ code }) => code)).toEqual(
      Array.from({ length: 4 }, () => Disconnect.DISCONNECT_LOGGED_OUT),
    );
  });

  it('is not erased twice', () => {
    erase();
    const { length } = street.log(user).rows;
    expect(ask(2, { $case: 'eraseAccount', value: { grant } })).toMatchObject({
      value: { code: Rejection.REJECTION_NOT_LOGGED_IN },
    });
    street.tell(user, { kind: 'grantChecked', token: street.all('checkGrant')[0]!.token, counts: true });
    expect(street.log(user).rows).toHaveLength(length);
  });

  it('wakes in whatever state a sealed segment left its rows', () => {
    erase();
    street.tell(user, { kind: 'log', answer: { kind: 'sealing' } });
    street.crash(user);
    street.forget();
    deposit(8);
    expect(closes()).toEqual(['erase']);
    letGo();
    street.passivate(user);
    expect([...street.log(user).state.keys()].sort()).toEqual(['account', 'mark']);
  });
});
