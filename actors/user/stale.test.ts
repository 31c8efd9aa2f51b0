// An actor whose process was fenced a moment ago, and does not know: the account goes on elsewhere. What it says no to may be long true there.
import { beforeEach, describe, expect, it } from 'vitest';
import { Rejection } from '#proto/gen/codes.ts';
import { bytesOf, makeActor, signManifest, testPrimitives } from '#proto/golden/cast.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { userAddress } from '../kernel/address.ts';
import { samples } from '../kernel/samples.ts';
import { closingTimer } from './closing.ts';
import { Street } from './testing/street.ts';

const alice = makeActor('@alice:example.org');
const user = alice.user;
const asker = { user, device: 1 };
const rename = (device: number) => ({ $case: 'renameDevice', value: { device, name: 'x' } }) as const;

let street: Street;
beforeEach(() => {
  street = new Street(testPrimitives);
  street.tell(user, { kind: 'hello', session: 1, device: 1, deviceId: alice.device(1).id, deviceName: 'phone' });
  street.log(user).held = true;
  street.log(user).fenced = true;
  street.forget();
});

/** The log answers; nothing may have been said before, nor be said now. */
function expectSilence(request?: number): void {
  expect(street.log(user).waiting.map(({ kind }) => kind)).toContain('confirm');
  expect(street.seen).toEqual([]);
  street.flush(user);
  expect(street.seen).toEqual([]);
  if (request !== undefined) expect(street.answers.has(request)).toBe(false);
  expect(street.isAwake(user)).toBe(false);
}

describe('a user actor that is one no more', () => {
  // Seed 245 of the simulator: a device that came in at the successor was not in the manifest's account, said the one before it.
  it('does not say that a device is unknown', () => expectSilence(street.asks(asker, rename(2))));

  // The simulator, with processes that are taken over from all the time: the device had acknowledged more at the successor.
  it('welcomes nobody', () => {
    street.tell(user, { kind: 'hello', session: 2, device: 1, deviceId: alice.device(1).id, deviceName: 'phone' });
    expectSilence();
  });

  it('does not refuse a manifest', () => {
    const manifest = signManifest(alice, { version: 1, devices: [1, 2] });
    expectSilence(street.asks(asker, { $case: 'publishManifest', value: { manifest } }));
  });

  it('logs out no device that has come in since', () => {
    const hello = { kind: 'hello', deviceId: 'X', deviceName: 'new' } as const;
    street.log(user).held = false;
    street.log(user).fenced = false;
    for (let device = 2; device <= 10; device++) street.tell(user, { ...hello, session: device, device });
    street.log(user).held = true;
    street.log(user).fenced = true;
    street.forget();
    street.tell(user, { ...hello, session: 11, device: 11 });
    expectSilence();
  });

  it('does not say that a device is gone of which it never heard', () => {
    street.tell(user, { kind: 'deviceRevoked', device: 2 });
    expectSilence();
  });

  it('has nobody let go of an account that was deactivated: its person may be back', () => {
    street.log(user).held = false;
    street.log(user).fenced = false;
    street.grantsCount = true;
    const grant = { token: 'lxg_', attempt: bytesOf('attempt', 16) };
    street.ask(asker, { $case: 'deactivateAccount', value: { grant } });
    expect(street.all('closeAccount')).toHaveLength(1);
    street.log(user).held = true;
    street.log(user).fenced = true;
    street.forget();
    street.tell(user, { kind: 'timer', name: closingTimer });
    expectSilence();
  });

  it('gives nobody the keys and manifests of before', () => {
    street.tell(user, { ...samples.readKeys, replyTo: userAddress('@bob:example.org') } as never);
    expectSilence();
  });

  it('lists no devices', () => expectSilence(street.asks(asker, { $case: 'listDevices', value: {} })));

  it('lists no rooms', () => expectSilence(street.asks(asker, { $case: 'listRooms', value: { after: '', room: '' } })));

  it('does not say that a device message has no receiver', () => {
    const message = { user, device: 2, type: 't', content: noBytes, id: bytesOf('1', 8) };
    const sending = { sender: '@bob:example.org', senderDevice: 1, messages: [{ index: 0, message }] };
    street.tell(user, { kind: 'deposit', replyTo: userAddress('@bob:example.org'), token: 1, ...sending });
    expectSilence();
  });
});

it('says no once the log confirms that it may', () => {
  street.log(user).fenced = false;
  const request = street.asks(asker, rename(2));
  expect(street.answers.has(request)).toBe(false);
  street.flush(user);
  expect(street.answers.get(request)).toMatchObject({ value: { code: Rejection.REJECTION_NOT_FOUND } });
});

it('says at once what a request is by itself', () => {
  const request = street.asks(asker, { $case: 'renameDevice', value: { device: 1, name: '' } });
  expect(street.answers.get(request)).toMatchObject({ value: { code: Rejection.REJECTION_BAD_REQUEST } });
  expect(street.log(user).waiting).toEqual([]);
});
