// A private message for single devices (not for a room), encrypted to each of them.
// Guarantees: only listed devices that their owner's identity signed get one. Does not: send it.
import * as wasm from '@matrix-org/matrix-sdk-crypto-wasm';
import type { DeviceMessage, Recipient } from '../engine.ts';
import { utf8 } from './json.ts';
import type { Machine, Requests } from './requests.ts';
import { judge } from './trust.ts';

/** What to seal for whom. */
export interface SealRequest {
  type: string;
  content: unknown;
  recipients: readonly Recipient[];
}

/** See `CryptoEngine.sealForDevices`. */
export async function seal(machine: Machine, requests: Requests, request: SealRequest): Promise<DeviceMessage[]> {
  const { olm, lock } = machine;
  const users = request.recipients.map(({ user }) => user);
  await lock.run(() => olm.updateTrackedUsers(users.map((user) => new wasm.UserId(user))));
  await requests.flushQueries();
  await requests.claim(users);
  return lock.run(async () => {
    const { allowed } = await judge(olm, request.recipients);
    const sealed: DeviceMessage[] = [];
    for (const { user, devices } of request.recipients) {
      for (const device of devices) {
        if (!allowed.has(`${user} ${device}`)) continue;
        const bytes = await sealOne(olm, { user, device }, request);
        if (bytes) sealed.push({ user, device, type: 'm.room.encrypted', bytes });
      }
    }
    return sealed;
  });
}

async function sealOne(olm: wasm.OlmMachine, to: { user: string; device: string }, { type, content }: SealRequest) {
  const device = await olm.getDevice(new wasm.UserId(to.user), new wasm.DeviceId(to.device));
  const strategy = wasm.CollectStrategy.onlyTrustedDevices();
  try {
    return utf8(String(await device?.encryptToDeviceEvent(type, content, strategy)));
  } catch (cause) {
    // No one-time key was left to begin a session with: this device is left out, as the interface says. The library tells it from the rest by its words alone.
    if (String(cause).includes('does not have a valid Olm session')) return undefined;
    throw cause;
  }
}
