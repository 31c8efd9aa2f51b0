import { describe, expect, it } from 'vitest';
import { Rejection } from '#proto/gen/codes.ts';
import type { DeviceManifest } from '#proto/gen/record.ts';
import { bytesOf, makeActor, signedJson, signManifest, testPrimitives } from '#proto/golden/cast.ts';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import type { Alarm } from '../alarms.ts';
import type { ClientBody } from '../connection/connection.ts';
import { ClientError } from '../errors.ts';
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
    ending: ({ device, endsDay }) => void this.ending.push([device, endsDay]),
  });
  published: DeviceManifest[] = [];
  readonly removed: number[] = [];
  /** Is its number 2 logged out? */
  gone = false;
  readonly ending: (readonly [device: number, day: number])[] = [];
  /** What the server calls its number 2. */
  freshNumber = fresh.number;
  /** Numbers that it lists besides. */
  others: readonly number[] = [];
  /** UTC day on which the server saw its devices last. */
  lastSeenDay = 0;
  /** What this device was told at the login. */
  number = own.number;
  identityKey = own.identityKey;

  async begin(devices: readonly number[] = [own.number], formerKeys: readonly Uint8Array[] = []): Promise<void> {
    const parts = { version: 1, devices: [...devices], formerKeys };
    await this.people.take(bob.user, signManifest(bob, parts, devices[0]));
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
      track: async () => {},
      flush: async () => ({ sent: 0, failed: 0 }),
      confirmed: async () => true,
      holdsIdentity: async () => true,
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
    if (body.$case === 'removeDevice') this.removed.push(body.value.device);
    if (body.$case === 'removeDevice' && this.gone)
      throw new ClientError('REJECTED', 'gone', { rejection: Rejection.REJECTION_NOT_FOUND });
    if (body.$case === 'listDevices')
      return {
        devices: [
          ...(this.gone ? [own] : [own, fresh]),
          ...this.others.map((number) => ({ number, id: `D${number}` })),
        ].map(({ number, id }) => ({
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

  // It stood in a field of `devices()` alone: a person who did not ask was not told.
  it.each([
    [334, 0],
    [335, 1],
  ])('is told by itself, once a session: after %i days', async (days, times) => {
    const stage = new Stage();
    stage.lastSeenDay = today - days;
    await stage.begin();
    const told = Array.from({ length: times }, () => [fresh.number, today - days + 365]);
    await stage.devices.welcome({ manifest: stage.people.get(bob.user)?.row.head } as never);
    await stage.devices.settle();
    expect(stage.ending).toEqual(told);
    await stage.devices.welcome({ manifest: stage.people.get(bob.user)?.row.head } as never);
    expect(stage.ending).toEqual([...told, ...told]);
  });
});

describe('taking devices off', () => {
  // `remove` with one's own number was a log-out that warned of nothing, of the last device as well.
  it('is for other ones: never for this very device, alone or among others, and then nothing is asked for', async () => {
    const stage = new Stage();
    await stage.begin([own.number, fresh.number]);
    for (const numbers of [[own.number], [fresh.number, own.number]])
      await expect(stage.devices.remove(...numbers)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    expect([stage.published, stage.removed]).toEqual([[], []]);
    await stage.devices.remove(fresh.number);
    expect(stage.list()?.map(({ number }) => number)).toEqual([own.number]);
    expect(stage.removed).toEqual([fresh.number]);
  });

  it('knows those that are gone as far as it saw them, and takes them for what they are: off', async () => {
    const stage = new Stage();
    await stage.begin([own.number, fresh.number]);
    expect(await stage.devices.former()).toEqual([]);
    stage.gone = true;
    expect(await stage.devices.former()).toEqual([{ device: fresh.number, name: fresh.id }]);
    await stage.devices.remove(fresh.number);
    await stage.devices.remove(fresh.number);
    await expect(stage.devices.remove(9)).rejects.toMatchObject({ code: 'REJECTED' });
  });
});

describe('devices that were seen', () => {
  const numbers = (from: number, count: number) => Array.from({ length: count }, (_, n) => from + n);

  // Each answer of the server could add rows, for ever.
  it('are the 256 of the highest numbers, and not one more, whatever the server names', async () => {
    const stage = new Stage();
    await stage.begin();
    stage.gone = true;
    const former = async () => {
      stage.others = [];
      return (await stage.devices.former()).map(({ device }) => device).sort((a, b) => a - b);
    };
    stage.others = numbers(10, 255);
    await stage.devices.list();
    // With this device it is 256.
    expect(await former()).toEqual(numbers(10, 255));
    stage.others = [265];
    await stage.devices.list();
    expect(await former()).toEqual(numbers(10, 256));
    stage.others = [1_000];
    await stage.devices.list();
    expect(await former()).toEqual([...numbers(11, 255), 1_000]);
    stage.others = numbers(2, 5_000);
    await stage.devices.list();
    expect(await former()).toEqual(numbers(4_746, 256));
    expect(await stage.store.list('account', { from: 'device ', to: 'device!', limit: 10_000 })).toHaveLength(256);
  });

  // A server that named 256 of higher numbers had a stolen device forgotten, which could then not be logged out as lost.
  it('are those first that stood in a list, also when it says nothing of them any more', async () => {
    const stage = new Stage();
    await stage.begin([own.number, fresh.number]);
    await stage.devices.list();
    stage.gone = true;
    stage.others = numbers(1_000, 300);
    await stage.devices.list();
    const { hash: previousHash } = stage.people.get(bob.user)!.manifest;
    await stage.people.take(bob.user, signManifest(bob, { version: 2, previousHash, devices: [own.number] }));
    expect(stage.list()?.map(({ number }) => number)).toEqual([own.number]);
    stage.others = numbers(2_000, 300);
    await stage.devices.list();
    stage.others = [];
    const former = (await stage.devices.former()).map(({ device }) => device).sort((a, b) => a - b);
    expect(former).toEqual([fresh.number, ...numbers(2_045, 255)]);
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

describe('starting over', () => {
  const reborn = makeActor(bob.user, 2);
  const grant = { token: 'lxg_x', attempt: new Uint8Array(16) };

  /** Bob's device 2, new and unlisted, with an engine that takes what the server took. */
  class NewDevice extends Stage {
    override number = fresh.number;
    /** Master key that the server shows, and that of which the engine holds the private part. */
    shown = bob.master.publicKey;
    held: Uint8Array | undefined;
    live = true;
    /** What becomes of the upload. */
    upload = () => {
      this.shown = reborn.master.publicKey;
    };

    override parts(): Parts {
      const self = reborn.device(2);
      const name = toBase64(reborn.master.publicKey);
      const body = { user_id: bob.user, usage: ['master'], keys: { [`ed25519:${name}`]: name } };
      const refresh = async () => {
        if (this.held && toBase64(this.held) !== toBase64(this.shown)) this.held = undefined;
      };
      const engine = {
        refresh,
        flush: async () => ({ sent: 0, failed: 0 }),
        track: async () => {},
        ownKeys: async () => ({
          ed25519: self.keys.publicKey,
          curve25519: self.identityKey,
          deviceJson: self.deviceJson,
        }),
        holdsIdentity: async () => this.held !== undefined,
        identity: async () => ({ masterKey: this.shown }),
        createIdentity: async () => {},
        confirmed: async () => true,
        replaceIdentity: async () => {
          this.held = reborn.master.publicKey;
          this.upload();
          await refresh();
        },
        certificate: async () => ({
          deviceJson: self.deviceJson,
          masterJson: signedJson(body, '', []),
          selfSigningJson: reborn.selfSigningJson,
        }),
        sign: async (text: string) => self.keys.sign(new TextEncoder().encode(text)),
      };
      const whenLive = async () => this.live;
      return { ...super.parts(), deviceId: self.id, engine: engine as unknown as Parts['engine'], whenLive };
    }

    /** The same device after a crash. */
    async restart(): Promise<void> {
      await this.devices.welcome({ manifest: this.people.get(bob.user)?.row.head } as never);
    }

    outcome() {
      const newest = this.people.get(bob.user);
      return {
        confirmed: this.devices.confirmed,
        listed: newest?.manifest.body.devices.map(({ number }) => number),
        former: newest?.manifest.body.formerKeys.length,
        alarms: this.alarms.length,
      };
    }
  }
  const done = { confirmed: true, listed: [2], former: 1, alarms: 0 };
  const nothing = { confirmed: false, listed: [1], former: 0, alarms: 0 };
  const lost = () => new ClientError('TIMEOUT', 'lost');
  const refusal = (rejection: Rejection) => new ClientError('REJECTED', 'no', { rejection });

  it('lists this device alone, and names the identity of before', async () => {
    const stage = new NewDevice();
    await stage.begin();
    await stage.devices.startOver(grant);
    expect(stage.outcome()).toEqual(done);
    expect(stage.people.get(bob.user)?.manifest.body.formerKeys).toEqual([bob.master.publicKey]);
    expect(stage.people.get(bob.user)?.manifest.body.backup).toBeUndefined();
  });

  it.each([[3], [4], [5]])('names the newest four identities of before: %i stood there', async (count) => {
    const stage = new NewDevice();
    const before = Array.from({ length: count }, (_, n) => new Uint8Array(32).fill(n + 1));
    await stage.begin([own.number], before);
    await stage.devices.startOver(grant);
    const named = stage.people.get(bob.user)?.manifest.body.formerKeys;
    expect(named).toEqual([bob.master.publicKey, ...before].slice(0, 4));
  });

  it('with a grant that does not count changes nothing, now or later', async () => {
    const stage = new NewDevice();
    await stage.begin();
    stage.upload = () => {
      throw refusal(Rejection.REJECTION_FORBIDDEN);
    };
    await expect(stage.devices.startOver(grant)).rejects.toMatchObject({ code: 'STEP_UP_NEEDED' });
    await stage.restart();
    expect(stage.outcome()).toEqual(nothing);
  });

  it.each([
    ['before the server had it', 'nothing', false],
    ['after the server took it', 'done', true],
  ] as const)(
    'that is lost on its way %s comes to %s, whether the connection comes back or the device starts anew',
    async (_, end, took) => {
      for (const live of [true, false]) {
        const stage = new NewDevice();
        await stage.begin();
        stage.live = live;
        stage.upload = () => {
          if (took) stage.shown = reborn.master.publicKey;
          throw lost();
        };
        const tried = stage.devices.startOver(grant);
        if (live && took) await tried;
        else await expect(tried).rejects.toMatchObject({ code: 'TIMEOUT' });
        await stage.restart();
        expect(stage.outcome()).toEqual(end === 'done' ? done : nothing);
      }
    },
  );

  it('whose list could not be published is ended by the next session', async () => {
    const stage = new NewDevice();
    await stage.begin();
    const answer = stage.answer.bind(stage);
    stage.answer = (body) => {
      if (body.$case === 'publishManifest') throw lost();
      return answer(body);
    };
    await expect(stage.devices.startOver(grant)).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(stage.outcome()).toEqual(nothing);
    stage.answer = answer;
    await stage.restart();
    expect(stage.outcome()).toEqual(done);
  });
});
