// A server that lies to a person about the device that they have just confirmed by seven emoji: about its keys, about its number. The lie begins when
// the comparison is over, so that nothing of it could have been seen by the person.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { Alarm } from '#client/alarms.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import type { UserKeys } from '#proto/gen/client.ts';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import { compareEmoji, eventually, ProviderProcess } from './harness.ts';
import { Liar } from './liar.ts';
import { device } from './liar-scene.ts';

let provider: ProviderProcess;
let liar: Liar;
let open: LuxchatClient[] = [];
let alarms: Alarm[] = [];

beforeAll(async () => {
  provider = await ProviderProcess.start();
});

afterEach(async () => {
  await Promise.all(open.map((client) => client.close()));
  liar.close();
});

afterAll(() => provider?.remove());

type Keys = UserKeys['devices'][number];

/** A person with a device behind the liar and a fresh one, which they confirm; afterwards the liar tells `lie` of the fresh one in every
 * answer (or every second one: keys that the engine asks for must be true, or it takes none of them). */
async function confirmedUnder(user: string, lie: (keys: Keys) => Keys, every: 1 | 2 = 1) {
  liar = await Liar.start(provider);
  const first = await device(provider, user, liar.url);
  const fresh = await device(provider, user);
  open = [first, fresh];
  alarms = [];
  for (const client of open) client.on('alarm', (alarm) => alarms.push(alarm));
  let answers = 0;
  first.on('verification', ({ state }) => {
    if (state !== 'done') return;
    liar.down = (told) => {
      if (told.$case !== 'keysAnswer' || ++answers % every !== 0) return told;
      const users = told.value.users.map((keys) => {
        const devices = keys.devices.map((one) => (one.deviceId === fresh.deviceId ? lie(one) : one));
        return { ...keys, devices };
      });
      return { ...told, value: { ...told.value, users } };
    };
  });
  await compareEmoji(fresh, first);
  return { first, fresh };
}

const listOf = (client: LuxchatClient) => client.people.get(client.user)?.manifest.body.devices ?? [];

it('swaps a key of the new device: the list has the one that the device signed', async () => {
  const forged = toBase64(crypto.getRandomValues(new Uint8Array(32)));
  const swapped = (keys: Keys): Keys => {
    const text = new TextDecoder().decode(keys.deviceJson);
    const name = `"curve25519:${keys.deviceId}":"`;
    const at = text.indexOf(name) + name.length;
    const deviceJson = new TextEncoder().encode(text.slice(0, at) + forged + text.slice(at + forged.length));
    return { ...keys, deviceJson };
  };
  const { fresh } = await confirmedUnder('swapped-key', swapped, 2);
  await eventually('the new device is listed', () => fresh.ownDevices.confirmed, 10_000, [fresh]);
  const { ed25519, curve25519 } = await fresh.parts.engine.ownKeys();
  expect(listOf(fresh)[1]).toMatchObject({ signingKey: ed25519, identityKey: curve25519 });
  expect(alarms).toEqual([]);
});

it('gives the new device the number of another: an alarm, and it is listed as soon as the server says its true one', async () => {
  const { first, fresh } = await confirmedUnder('swapped-number', (keys) => ({ ...keys, device: 1 }));
  await eventually('the alarm is raised', () => alarms.length > 0, 10_000, [first]);
  expect(alarms).toEqual([{ code: 'MANIFEST_INVALID', user: first.user }]);
  expect(listOf(first).map(({ id }) => id)).toEqual([first.deviceId]);
  liar.repent();
  liar.cut();
  await eventually('the new device is listed', () => fresh.ownDevices.confirmed, 20_000, [fresh]);
});
