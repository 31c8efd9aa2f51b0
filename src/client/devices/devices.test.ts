import { describe, expect, it } from 'vitest';
import type { DeviceManifest } from '#proto/gen/record.ts';
import { bytesOf, makeActor, signedJson, signManifest, testPrimitives } from '#proto/golden/cast.ts';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import type { Alarm } from '../alarms.ts';
import type { ClientBody } from '../connection/connection.ts';
import type { Parts } from '../parts.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { Devices } from './devices.ts';
import { People } from './people.ts';

const bob = makeActor('@bob:localhost');
const [own, fresh] = [bob.device(1), bob.device(2)];
const master = toBase64(bob.master.publicKey);
const masterJson = signedJson(
  { user_id: bob.user, usage: ['master'], keys: { [`ed25519:${master}`]: master } },
  '',
  [],
);
const confirmRow = { table: 'account' as const, key: `confirm ${fresh.id}` };

/** Bob's device 1 and a server that gives out the numbers that the test wants. */
class Stage {
  readonly alarms: Alarm[] = [];
  readonly store = new MemoryStore();
  readonly people = new People(() => this.parts());
  readonly told: string[] = [];
  readonly devices = new Devices({
    parts: () => this.parts(),
    confirmed: async () => {},
    listed: async (device) => void this.told.push(device),
    settled: () => {},
  });
  published: DeviceManifest[] = [];
  /** What the server calls its number 2. */
  freshNumber = fresh.number;
  /** UTC day on which the server saw its devices last. */
  lastSeenDay = 0;
  /** What this device was told at the login. */
  number = own.number;
  identityKey = own.identityKey;

  async begin(devices: readonly number[] = [own.number]): Promise<void> {
    await this.people.take(bob.user, signManifest(bob, { version: 1, devices: [...devices] }, devices[0]));
    await this.devices.load();
  }

  /** The newest list as number and keys. */
  list() {
    return this.people.get(bob.user)?.manifest.body.devices;
  }

  async pending(): Promise<boolean> {
    return (await this.store.get(confirmRow.table, confirmRow.key)) !== undefined;
  }

  parts(): Parts {
    const { deviceJson } = own;
    const engine = {
      refresh: async () => {},
      ownKeys: async () => ({ ed25519: own.keys.publicKey, curve25519: this.identityKey, deviceJson }),
      devices: async () => [
        {
          device: fresh.id,
          ed25519: fresh.keys.publicKey,
          curve25519: fresh.identityKey,
          crossSigned: true,
        },
      ],
      certificate: async () => ({ deviceJson, masterJson, selfSigningJson: bob.selfSigningJson }),
      sign: async (text: string) => own.keys.sign(new TextEncoder().encode(text)),
    };
    const parts: Partial<Parts> = {
      user: bob.user,
      device: this.number,
      deviceId: own.id,
      store: this.store,
      people: this.people,
      primitives: testPrimitives,
      engine: engine as unknown as Parts['engine'],
      request: (async (body: ClientBody) => this.answer(body)) as unknown as Parts['request'],
      alarm: (alarm) => this.alarms.push(alarm),
      count: () => {},
      now: () => 1_700_000_000_000,
      random: () => 0,
    };
    return parts as Parts;
  }

  answer(body: ClientBody): unknown {
    if (body.$case === 'publishManifest' && body.value.manifest) this.published.push(body.value.manifest);
    if (body.$case === 'listDevices')
      return {
        devices: [own, fresh].map(({ number, id }) => ({
          device: number,
          deviceId: id,
          name: id,
          lastSeenDay: this.lastSeenDay,
          current: number === own.number,
        })),
      };
    if (body.$case !== 'queryKeys') return {};
    const devices = [
      { device: own.number, deviceId: own.id, deviceJson: own.deviceJson },
      // Keys of nobody: whatever stands here, none of it goes into the list.
      { device: this.freshNumber, deviceId: fresh.id, deviceJson: forgedJson() },
    ];
    return { users: [{ user: bob.user, devices, manifests: [] }], missing: [], deferred: [] };
  }
}

describe('the end of a device that stays away', () => {
  const today = Math.floor(1_700_000_000_000 / 86_400_000);

  it.each([
    [334, false],
    [335, true],
    [400, true],
  ])('is said thirty days before, and not earlier: after %i days', async (days, endsSoon) => {
    const stage = new Stage();
    stage.lastSeenDay = today - days;
    await stage.begin();
    const [current, other] = await stage.devices.list();
    expect(other).toMatchObject({ endsDay: today - days + 365, endsSoon });
    expect(current?.endsSoon).toBe(false);
  });
});

describe('a device that was confirmed', () => {
  it('is listed with the keys that it signed, whatever the server shows', async () => {
    const stage = new Stage();
    await stage.begin();
    await stage.store.write([{ ...confirmRow, value: Uint8Array.of(1) }]);
    await stage.devices.settle();
    expect(stage.list()?.[1]).toMatchObject({
      number: 2,
      id: fresh.id,
      signingKey: fresh.keys.publicKey,
      identityKey: fresh.identityKey,
    });
    expect(stage.told).toEqual([fresh.id]);
    expect(stage.alarms).toEqual([]);
    expect(await stage.pending()).toBe(false);
  });

  // The server named the number of a device that was listed: the new one was forgotten without a word and never listed.
  it('is not forgotten when the server gives it the number of another: an alarm, and it stays noted', async () => {
    const stage = new Stage();
    await stage.begin();
    await stage.store.write([{ ...confirmRow, value: Uint8Array.of(1) }]);
    stage.freshNumber = own.number;
    await stage.devices.settle();
    await stage.devices.settle();
    expect(stage.alarms).toEqual([{ code: 'MANIFEST_INVALID', user: bob.user }]);
    expect([stage.published, stage.told]).toEqual([[], []]);
    expect(await stage.pending()).toBe(true);
    stage.freshNumber = fresh.number;
    await stage.devices.settle();
    expect(stage.list()?.map(({ id }) => id)).toEqual([own.id, fresh.id]);
    expect(await stage.pending()).toBe(false);
  });
});

describe('a device that sees itself listed', () => {
  it('is confirmed where number, id and keys are its own', async () => {
    const stage = new Stage();
    await stage.begin();
    await stage.devices.settle();
    expect(stage.devices.confirmed).toBe(true);
    expect(stage.alarms).toEqual([]);
  });

  it.each([
    ['another number', { number: 5 }],
    ['another key', { identityKey: bytesOf('another') }],
  ])('under %s is not, and tells', async (_, truth) => {
    const stage = Object.assign(new Stage(), truth);
    await stage.begin();
    await stage.devices.settle();
    expect(stage.devices.confirmed).toBe(false);
    expect(stage.alarms).toEqual([{ code: 'MANIFEST_INVALID', user: bob.user }]);
  });

  it('is told apart from one that is simply not listed yet', async () => {
    const stage = new Stage();
    await stage.begin([fresh.number]);
    await stage.devices.settle();
    expect(stage.devices.confirmed).toBe(false);
    expect(stage.alarms).toEqual([]);
  });
});

function forgedJson(): Uint8Array {
  const keys = {
    [`curve25519:${fresh.id}`]: toBase64(bytesOf('forged curve')),
    [`ed25519:${fresh.id}`]: toBase64(fresh.keys.publicKey),
  };
  return signedJson({ user_id: bob.user, device_id: fresh.id, algorithms: [], keys }, '', []);
}
