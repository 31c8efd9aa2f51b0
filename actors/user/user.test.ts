import { describe, expect, it, vi } from 'vitest';
import { Disconnect, Rejection } from '#proto/gen/codes.ts';
import { makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { userAddress } from '../kernel/address.ts';
import type { Effect } from '../kernel/effects.ts';
import type { UserMessage } from '../kernel/messages.ts';
import { Held } from './held.ts';
import { userLimits } from './limits.ts';
import { Street, settingsWith } from './testing/street.ts';
import { UserActor } from './user.ts';

const alice = makeActor('@alice:example.org');
const user = alice.user;

function hello(street: Street, device = 1, session = device): void {
  street.tell(user, {
    kind: 'hello',
    session,
    device,
    deviceId: alice.device(device).id,
    deviceName: `phone ${device}`,
  });
}

describe('the life of a user actor', () => {
  it('creates the account at the first hello and welcomes once that is durable', () => {
    const street = new Street(testPrimitives);
    street.log(user).held = true;
    hello(street);
    street.flush(user);
    const [welcomed] = street.all('send');
    expect(welcomed?.message).toMatchObject({
      kind: 'welcomed',
      mayWrite: false,
      body: { $case: 'welcome', value: { user, device: 1, inboxHead: 1, inboxCursor: 1, heartbeatSeconds: 30 } },
    });
    expect(street.log(user).rows.length).toBe(1);
  });

  // A device that login had ended kept its place, and the eleventh login locked its user out.
  it('drops a device whose tokens login ended, and has room for the next', () => {
    const street = new Street(testPrimitives);
    for (let device = 1; device <= 10; device++) hello(street, device);
    street.tell(user, { kind: 'deviceRevoked', device: 3 });
    hello(street, 11);
    const welcomed = street.all('send').filter(({ message }) => message.kind === 'welcomed');
    expect(welcomed).toHaveLength(11);
    expect(street.all('disconnectDevice').map(({ device }) => device)).toContain(3);
  });

  it('says nothing before the entry is covered', () => {
    const street = new Street(testPrimitives);
    street.log(user).held = true;
    hello(street);
    street.flush(user, 1);
    expect(street.all('send')).toEqual([]);
    expect(street.all('join')).toEqual([]);
  });

  it('answers null for an account that never was and leaves no trace', () => {
    const street = new Street(testPrimitives);
    const bob = '@bob:example.org';
    hello(street);
    street.ask({ user, device: 1 }, { $case: 'queryKeys', value: { room: '', users: [bob], manifestsAbove: 0 } });
    const answer = [...street.answers.values()].at(-1);
    expect(answer).toMatchObject({ $case: 'keysAnswer', value: { users: [], missing: [bob], deferred: [] } });
    expect(street.isAwake(bob)).toBe(false);
    expect(street.log(bob).exists).toBe(false);
    expect(street.log(bob).state.size).toBe(0);
  });

  it('refuses requests of an account that never was, without a trace', () => {
    const street = new Street(testPrimitives);
    const answer = street.ask({ user, device: 1 }, { $case: 'listDevices', value: {} });
    expect(answer).toMatchObject({ $case: 'rejected', value: { code: Rejection.REJECTION_NOT_LOGGED_IN } });
    expect(street.log(user).exists).toBe(false);
  });

  it('comes back from rows alone after a clean close', () => {
    const street = new Street(testPrimitives);
    hello(street);
    hello(street, 2);
    street.passivate(user);
    expect(street.isAwake(user)).toBe(false);
    expect(street.log(user).coveredThrough).toBe(2);
    const answer = street.ask({ user, device: 2 }, { $case: 'listDevices', value: {} });
    expect(answer).toMatchObject({
      $case: 'deviceList',
      value: {
        devices: [
          { device: 1, current: false },
          { device: 2, current: true, name: 'phone 2' },
        ],
      },
    });
  });

  it('comes back from entries alone after a crash, and forgets what was not durable', () => {
    const street = new Street(testPrimitives);
    hello(street);
    street.log(user).held = true;
    hello(street, 2);
    street.crash(user);
    street.log(user).held = false;
    const answer = street.ask({ user, device: 1 }, { $case: 'listDevices', value: {} });
    expect(answer).toMatchObject({ $case: 'deviceList', value: { devices: [{ device: 1 }] } });
  });

  it('stays while something is under way', () => {
    const street = new Street(testPrimitives);
    hello(street);
    street.log(user).held = true;
    hello(street, 2);
    street.passivate(user);
    expect(street.isAwake(user)).toBe(true);
    street.flush(user);
    street.log(user).held = false;
    street.passivate(user);
    expect(street.isAwake(user)).toBe(false);
  });

  it('holds 256 messages while it opens and refuses the next with BUSY', () => {
    const actor = new UserActor(user, 1, settingsWith(testPrimitives));
    const ask = (request: number) =>
      actor.receive(
        {
          kind: 'request',
          from: { session: 1, request, user, device: 1, mayEnter: true, mayInvite: true },
          body: { $case: 'listDevices', value: {} },
        },
        0,
      );
    expect(ask(1)).toMatchObject([{ kind: 'log', command: { kind: 'open', create: false } }]);
    for (let request = 2; request <= userLimits.heldMessagesMax; request++) expect(ask(request)).toEqual([]);
    const [busy] = ask(userLimits.heldMessagesMax + 1);
    expect(busy).toMatchObject({ kind: 'answer', body: { value: { code: Rejection.REJECTION_BUSY } } });
  });

  it('holds a mebibyte of requests, and no frame that they came in', () => {
    const held = new Held();
    const frame = new Uint8Array(60_000);
    const sized = (bytes: number): UserMessage => ({
      kind: 'request',
      from: { session: 1, request: 1, user, device: 1, mayEnter: true, mayInvite: true },
      body: { $case: 'uploadSignatures', value: { signaturesJson: frame.subarray(0, bytes) } },
    });
    // What it weighs anyway, and its tags and lengths.
    const around = 128 + 9;
    const each = userLimits.heldBytesMax / 32 - around;
    for (let n = 0; n < 32; n++) expect(held.add(sized(each))).toBe(true);
    expect(held.add(sized(0))).toBe(false);
    const [first] = held.take();
    if (first?.kind !== 'request' || first.body.$case !== 'uploadSignatures') throw new Error('not what was held');
    expect(first.body.value.signaturesJson).toHaveLength(each);
    expect(first.body.value.signaturesJson.buffer.byteLength).toBeLessThan(each + 100);
    expect(held.add(sized(0))).toBe(true);
  });

  // It was answered with what a full queue answers, which for an order is nothing: the device stayed in the account.
  it('holds an order of login however full it is, and drops answers to an earlier incarnation', () => {
    const street = new Street(testPrimitives);
    hello(street);
    hello(street, 2);
    street.crash(user);
    const log = street.log(user);
    log.held = true;
    for (let n = 0; n < userLimits.heldMessagesMax; n++)
      street.asks({ user, device: 1 }, { $case: 'listDevices', value: {} });
    street.tell(user, { kind: 'claimed', token: 1, user: '@bob:example.org', keys: [] });
    street.tell(user, { kind: 'deviceRevoked', device: 2 });
    const over = street.ask({ user, device: 1 }, { $case: 'listDevices', value: {} });
    expect(over).toMatchObject({ value: { code: Rejection.REJECTION_BUSY } });
    log.held = false;
    street.flush(user);
    expect(street.all('disconnectDevice')).toMatchObject([{}, {}, { device: 2 }]);
  });

  // The order was lost with the actor that held it, and nobody told it again: the device kept its place.
  it('confirms an order once it is carried out, whatever became of its log, and each time that it is told again', () => {
    const street = new Street(testPrimitives);
    hello(street);
    hello(street, 2);
    street.crash(user);
    const log = street.log(user);
    const order: UserMessage = { kind: 'deviceRevoked', device: 2 };
    const confirmed = () => street.all('revokeDevice').length;
    log.held = true;
    street.tell(user, order);
    street.tell(user, { kind: 'log', answer: { kind: 'failed', code: 'UNAVAILABLE' } });
    expect([street.isAwake(user), confirmed()]).toEqual([false, 0]);
    log.waiting.length = 0;
    street.tell(user, order);
    street.tell(user, order);
    street.flush(user, 1);
    expect([log.waiting.map(({ kind }) => kind), confirmed()]).toEqual([['append'], 0]);
    street.crash(user);
    log.held = false;
    street.tell(user, order);
    expect(confirmed()).toBe(1);
    const entries = log.rows.length;
    street.tell(user, order);
    expect([confirmed(), log.rows.length - entries]).toEqual([2, 0]);
    expect(street.ask({ user, device: 1 }, { $case: 'listDevices', value: {} })).toMatchObject({
      value: { devices: [{ device: 1 }] },
    });
  });

  it('is gone as soon as it turns out that there is no such account, with whatever else was asked of it', () => {
    const street = new Street(testPrimitives);
    const ghost = '@ghost:example.org';
    street.log(ghost).held = true;
    const ask = { kind: 'readKeys', replyTo: userAddress(user), devices: true, own: false } as const;
    for (let token = 1; token <= 3; token++) street.tell(ghost, { ...ask, token });
    expect(street.isAwake(ghost)).toBe(true);
    street.flush(ghost);
    expect(street.isAwake(ghost)).toBe(false);
    street.tell(ghost, { kind: 'hello', session: 1, device: 1, deviceId: 'A', deviceName: 'phone' });
    street.flush(ghost, 1);
    expect(street.isAwake(ghost)).toBe(true);
  });

  it('stops when its log fails', () => {
    const actor = new UserActor(user, 1, settingsWith(testPrimitives));
    actor.receive({ kind: 'hello', session: 1, device: 1, deviceId: 'A', deviceName: 'a' }, 0);
    expect(actor.receive({ kind: 'log', answer: { kind: 'failed', code: 'FENCED' } }, 0)).toEqual([{ kind: 'stop' }]);
  });

  it('gives a sealing log only what is covered, while later entries wait', () => {
    const street = new Street(testPrimitives);
    const log = street.log(user);
    hello(street);
    log.held = true;
    hello(street, 2);
    street.tell(user, { kind: 'log', answer: { kind: 'sealing' } });
    const sealed = log.waiting.find((command) => command.kind === 'sealed');
    expect(sealed?.changes.every(({ seq }) => seq === 1)).toBe(true);
    expect(sealed?.changes.map(({ key }) => key)).not.toContain('device/2');
    log.waiting.splice(log.waiting.indexOf(sealed!), 1);
    log.perform(sealed!);
    street.flush(user);
    street.crash(user);
    log.held = false;
    const answer = street.ask({ user, device: 1 }, { $case: 'listDevices', value: {} });
    expect(answer).toMatchObject({ $case: 'deviceList', value: { devices: [{ device: 1 }, { device: 2 }] } });
  });

  it('writes rows one after the other, and several answers wait for one write', () => {
    const street = new Street(testPrimitives);
    const log = street.log(user);
    hello(street);
    hello(street, 2);
    street.ask({ user, device: 1 }, { $case: 'renameDevice', value: { device: 1, name: 'x' } });
    log.held = true;
    const ack = (device: number) =>
      street.asks({ user, device }, { $case: 'ackInbox', value: { through: 3, synced: false } });
    const first = ack(1);
    const second = ack(2);
    const third = street.asks({ user, device: 1 }, { $case: 'listDevices', value: {} });
    expect(log.waiting.map(({ kind }) => kind)).toEqual(['save', 'confirm']);
    street.flush(user, 1);
    expect([first, second, third].map((request) => street.answers.has(request))).toEqual([true, false, false]);
    street.tell(user, { kind: 'log', answer: { kind: 'sealing' } });
    expect(log.waiting.map(({ kind }) => kind)).toEqual(['confirm', 'save', 'sealed']);
    street.flush(user, 2);
    expect([second, third].map((request) => street.answers.has(request))).toEqual([true, true]);
  });

  it('does not take a sealing segment for a write that somebody waits for', () => {
    const street = new Street(testPrimitives);
    const log = street.log(user);
    hello(street);
    hello(street, 2);
    street.ask({ user, device: 1 }, { $case: 'renameDevice', value: { device: 1, name: 'x' } });
    log.held = true;
    street.asks({ user, device: 1 }, { $case: 'ackInbox', value: { through: 2, synced: false } });
    const waits = street.asks({ user, device: 2 }, { $case: 'ackInbox', value: { through: 3, synced: false } });
    street.tell(user, { kind: 'log', answer: { kind: 'sealing' } });
    street.flush(user, 2);
    expect(street.answers.has(waits)).toBe(false);
    expect(log.waiting).toMatchObject([{ kind: 'save' }]);
    street.flush(user, 1);
    expect(street.answers.has(waits)).toBe(true);
  });

  it('writes its rows after 128 entries', () => {
    const street = new Street(testPrimitives);
    hello(street);
    const rename = (n: number) =>
      street.ask({ user, device: 1 }, { $case: 'renameDevice', value: { device: 1, name: `name ${n}` } });
    for (let n = 2; n < userLimits.flushEntries; n++) rename(n);
    expect(street.log(user).state.size).toBe(0);
    rename(userLimits.flushEntries);
    expect(street.log(user).state.get('mark')).toMatchObject({ seq: userLimits.flushEntries });
  });
});

describe('hello', () => {
  it('ends the older session of the same device, and only that', () => {
    const street = new Street(testPrimitives);
    hello(street, 1, 11);
    street.forget();
    hello(street, 1, 12);
    expect(street.all('disconnectDevice')).toEqual([
      { kind: 'disconnectDevice', user, device: 1, code: Disconnect.DISCONNECT_REPLACED, except: 12 },
    ]);
    expect(street.all('join')).toEqual([{ kind: 'join', session: 12, audience: { user } }]);
    expect(street.log(user).rows.length).toBe(1);
  });

  it('takes ten devices and logs the eleventh out', () => {
    const street = new Street(testPrimitives);
    for (let device = 1; device <= 10; device++) hello(street, device);
    expect(street.all('disconnect')).toEqual([]);
    hello(street, 11);
    expect(street.all('revokeDevice')).toEqual([{ kind: 'revokeDevice', user, device: 11 }]);
    expect(street.all('disconnect')).toMatchObject([{ session: 11, code: Disconnect.DISCONNECT_LOGGED_OUT }]);
  });

  it('keeps the day of the last hello, not the time', () => {
    const street = new Street(testPrimitives);
    hello(street);
    street.passivate(user);
    street.now += 86_400_000;
    hello(street);
    street.passivate(user);
    const answer = street.ask({ user, device: 1 }, { $case: 'listDevices', value: {} });
    const lastSeenDay = Math.floor(street.now / 86_400_000);
    expect(answer).toMatchObject({ value: { devices: [{ lastSeenDay }] } });
  });
});

describe('own devices', () => {
  it('renames with 1 to 64 characters, none of which steers a terminal', () => {
    const street = new Street(testPrimitives);
    hello(street);
    const rename = (name: string, device = 1) =>
      street.ask({ user, device: 1 }, { $case: 'renameDevice', value: { device, name } });
    expect(rename('')).toMatchObject({ value: { code: Rejection.REJECTION_BAD_REQUEST } });
    expect(rename('é'.repeat(64))).toMatchObject({ $case: 'done' });
    expect(rename('é'.repeat(65))).toMatchObject({ value: { code: Rejection.REJECTION_BAD_REQUEST } });
    for (const steering of ['a\nb', '\u001b[2J', '\u009b2J', 'a\u0000', '\u007f'])
      expect(rename(steering)).toMatchObject({ value: { code: Rejection.REJECTION_BAD_REQUEST } });
    expect(rename('tablet', 7)).toMatchObject({ value: { code: Rejection.REJECTION_NOT_FOUND } });
  });

  it('removes a device: tokens and session end, its keys go, its number never comes back', () => {
    const street = new Street(testPrimitives);
    hello(street);
    hello(street, 2);
    const upload = { deviceJson: alice.device(2).deviceJson, oneTimeKeys: [], fallbackKeys: [] };
    expect(street.ask({ user, device: 2 }, { $case: 'uploadKeys', value: upload })).toMatchObject({
      $case: 'keyCounts',
    });
    street.forget();
    const remove = () => street.ask({ user, device: 1 }, { $case: 'removeDevice', value: { device: 2 } });
    expect(remove()).toMatchObject({ $case: 'done' });
    expect(street.all('revokeDevice')).toEqual([{ kind: 'revokeDevice', user, device: 2 }]);
    expect(street.all('disconnectDevice')).toMatchObject([{ device: 2, code: Disconnect.DISCONNECT_LOGGED_OUT }]);
    expect(remove()).toMatchObject({ $case: 'done' });
    street.passivate(user);
    expect([...street.log(user).state.keys()].filter((key) => key.endsWith('/2'))).toEqual([]);
    street.forget();
    hello(street, 2);
    expect(street.all('disconnect')).toMatchObject([{ session: 2, code: Disconnect.DISCONNECT_LOGGED_OUT }]);
    const answer = street.ask({ user, device: 2 }, { $case: 'listDevices', value: {} });
    expect(answer).toMatchObject({ value: { code: Rejection.REJECTION_NOT_LOGGED_IN } });
  });

  // A second is promised from the order to the cut: here nothing takes time but the log. What carries the cut on takes no timer either.
  it('is cut in the very turn in which its removal is durable and answered, and no timer is waited for', () => {
    const street = new Street(testPrimitives);
    hello(street);
    hello(street, 2);
    street.forget();
    street.log(user).held = true;
    const request = street.asks({ user, device: 1 }, { $case: 'removeDevice', value: { device: 2 } });
    expect(street.all('disconnectDevice')).toEqual([]);
    const receive = vi.spyOn(UserActor.prototype, 'receive');
    street.flush(user);
    const turns = receive.mock.results.map(({ value }) => (value as Effect[]).map(({ kind }) => kind));
    receive.mockRestore();
    expect(street.answers.get(request)).toMatchObject({ $case: 'done' });
    expect(turns.filter((kinds) => kinds.includes('disconnectDevice'))).toEqual([
      expect.arrayContaining(['answer', 'revokeDevice', 'disconnectDevice']),
    ]);
    expect(street.all('startTimer').filter(({ name }) => name !== 'passivate')).toEqual([]);
  });

  it('logs itself out by removing itself', () => {
    const street = new Street(testPrimitives);
    hello(street);
    const answer = street.ask({ user, device: 1 }, { $case: 'removeDevice', value: { device: 1 } });
    expect(answer).toMatchObject({ $case: 'done' });
    expect(street.all('revokeDevice')).toHaveLength(1);
  });
});
