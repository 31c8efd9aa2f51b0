// The list of own devices: read, rename, remove. Removing ends the device's tokens and session at once and drops its keys; what the device
// list shows is a day, never a time. Once a manifest exists, a device outside it may touch only itself: whoever stole nothing but a login
// must not be able to throw the real devices out.
import type { DeviceList, RemoveDevice, RenameDevice } from '#proto/gen/client.ts';
import { Disconnect, Rejection } from '#proto/gen/codes.ts';
import { limits } from '#proto/rules/limits.ts';
import type { Requester } from '../kernel/messages.ts';
import type { Turn } from './turn.ts';

// As login has it, so that no name of a device can steer the terminal that shows it.
const deviceName = new RegExp(`^[^\\p{Cc}\\p{Cs}]{1,${limits.deviceNameCharactersMax}}$`, 'u');

/** Answers with all devices, by number, and the newest manifest. */
export function listDevices(turn: Turn, from: Requester): void {
  const { account } = turn;
  const devices = [...account.devices.values()]
    .sort((a, b) => a.number - b.number)
    .map(({ number, id, name, lastSeenDay }) => ({
      device: number,
      deviceId: id,
      name,
      lastSeenDay,
      current: number === from.device,
    }));
  const value: DeviceList = { devices, manifest: account.manifest?.manifest };
  turn.answer(from, { $case: 'deviceList', value });
}

/** Gives a device a name of 1 to 64 characters, none of them a control character (BAD_REQUEST); NOT_FOUND where there is no such device. */
export function renameDevice(turn: Turn, from: Requester, { device: number, name }: RenameDevice): void {
  const device = turn.account.devices.get(number);
  if (!deviceName.test(name)) {
    turn.reject(from, Rejection.REJECTION_BAD_REQUEST);
  } else if (device === undefined) {
    turn.reject(from, Rejection.REJECTION_NOT_FOUND);
  } else if (!mayTouch(turn, from, number)) {
    turn.reject(from, Rejection.REJECTION_FORBIDDEN);
  } else {
    if (device.name !== name) {
      turn.append({
        $case: 'deviceChanged',
        value: { device: number, id: device.id, name, removed: false, newcomer: false },
      });
    }
    turn.answer(from, { $case: 'done', value: {} });
  }
}

/** Removes a device; one's own = log-out. A number that was removed before is Done again, one that never was NOT_FOUND. */
export function removeDevice(turn: Turn, from: Requester, { device: number }: RemoveDevice): void {
  if (!turn.account.devices.has(number)) {
    if (turn.account.removed.includes(number)) turn.answer(from, { $case: 'done', value: {} });
    else turn.reject(from, Rejection.REJECTION_NOT_FOUND);
  } else if (!mayTouch(turn, from, number)) {
    turn.reject(from, Rejection.REJECTION_FORBIDDEN);
  } else {
    turn.answer(from, { $case: 'done', value: {} });
    dropDevice(turn, number);
  }
}

/** Takes a device out of the account, if it is there, and, once that is covered, ends its tokens and its session (LOGGED_OUT). */
export function dropDevice(turn: Turn, number: number): void {
  const { user } = turn.account;
  const device = turn.account.devices.get(number);
  if (device === undefined) {
    // Whoever orders it repeats it until this says that it is done.
    turn.confirm({ kind: 'revokeDevice', user, device: number });
    return;
  }
  turn.append({
    $case: 'deviceChanged',
    value: { device: number, id: device.id, name: device.name, removed: true, newcomer: false },
  });
  turn.hold(
    { kind: 'revokeDevice', user, device: number },
    { kind: 'disconnectDevice', user, device: number, code: Disconnect.DISCONNECT_LOGGED_OUT },
  );
}

function mayTouch({ account }: Turn, from: Requester, number: number): boolean {
  return account.manifest === undefined || account.isListed(from.device) || number === from.device;
}
