// The user's own devices: identity at the first one, confirmation of further ones by emoji, and the signed manifest that says which there are.
// A device that no manifest lists gets no keys and may not write. Only a listed device signs the next manifest. The server gives out the numbers of
// devices, and nothing else of what it says is believed: keys come from the engine, which checked whose they are, and each device looks whether
// the list speaks of it as it is.

import type { Grant, Welcome } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import type { ManifestDevice } from '#proto/gen/record.ts';
import { toHex } from '#proto/rules/bytes/base.ts';
import { contradicts, isSameDevice } from '#proto/rules/identity/manifest.ts';
import { limits } from '#proto/rules/limits.ts';
import { grantRefused } from '../connection/granted.ts';
import { pause, reconnectMs } from '../connection/requests.ts';
import type { Verification } from '../crypto/engine.ts';
import { ClientError, isRejection, unlessBug, wasLost } from '../errors.ts';
import { Lock } from '../lock.ts';
import type { Parts } from '../parts.ts';
import type { DeviceInfo, FormerDevice, VerificationInfo } from '../shown.ts';
import { orderedNumber, prefixRange } from '../store/store.ts';
import { type ListChange, type ManifestChange, publishManifest } from './manifest-author.ts';

const dayMs = 86_400_000;
const listTries = 6;
const listAgainMs = 200;
/** While an identity is begun here in place of another. */
const startingOver = { table: 'account', key: 'starting over' } as const;
/** Rows of devices that were confirmed and are still to be listed. */
const pendingPrefix = 'confirm ';

/** Rows of names of own devices that were there once: one that was logged out may turn out to be lost. */
const seenPrefix = 'device ';
/** Own devices that are remembered when they are gone: more than a person logs in within years. */
const seenMax = 256;

/** One of them. */
interface Seen {
  readonly name: string;
  /** It stood in a signed list. */
  readonly listed: boolean;
}

/** What follows from a change of own devices. */
export interface DevicesPorts {
  readonly parts: () => Parts;
  /** This device became listed, or was taken off: what it could not read or send may be tried again. */
  readonly confirmed: (listed: boolean) => Promise<void>;
  /** Another device was listed by this one: it is told what own devices know. Rejects as requests do; then it is called again. */
  readonly listed: (deviceId: string) => Promise<void>;
  /** The newest own manifest was looked at. */
  readonly settled: () => void;
  /** Another own device is logged out soon, since nobody uses it. */
  readonly ending: (device: DeviceInfo) => void;
}

/** What the next list says of the backup. */
export interface NamedBackup extends Pick<ManifestChange, 'backup' | 'listingSeed'> {
  /** Numbers of devices that are to leave it. */
  readonly lost?: readonly number[];
}

/** Own devices. */
export class Devices {
  #ports: DevicesPorts;
  #wasConfirmed = false;
  readonly #settling = new Lock();
  #self: ManifestDevice | undefined;
  /** Devices that were told to end soon, in this session. */
  #ending = new Set<number>();
  /** What was told as an alarm: once a run each. */
  #told = new Set<string>();
  /** Self-signing key that own devices were asked for. */
  #askedFor = '';

  constructor(ports: DevicesPorts) {
    this.#ports = ports;
  }

  /** Learns this device's own keys. To be called before anything else. */
  async load(): Promise<void> {
    const { engine, device, deviceId } = this.#ports.parts();
    const { ed25519, curve25519 } = await engine.ownKeys();
    this.#self = { number: device, id: deviceId, signingKey: ed25519, identityKey: curve25519 };
  }

  /** Is this device listed in the newest own manifest that is known, under its own number and with its own keys? */
  get confirmed(): boolean {
    const self = this.#self;
    return self !== undefined && this.#listed().some((listed) => isSameDevice(listed, self));
  }

  /** Ids of the other devices in the newest manifest. */
  get others(): string[] {
    const { device } = this.#ports.parts();
    return this.#listed().flatMap(({ id, number }) => (number === device ? [] : [id]));
  }

  /** After each welcome: keys go up, the first device makes the identity and the first manifest. Rejects as requests do. */
  async welcome(welcome: Welcome): Promise<void> {
    const { engine, people, user } = this.#ports.parts();
    this.#ending.clear();
    await people.refresh([user], '');
    await engine.track([user]);
    await engine.flush();
    const known = people.get(user);
    if (!known && (welcome.manifest?.version ?? 0) === 0) await this.#begin();
    else await engine.refresh([user]);
    await this.#finishStartingOver();
    await this.settle();
  }

  /** Own manifest or devices may have moved: fetch, and finish what a crash left half done. Rejects as requests do. */
  async refresh(): Promise<void> {
    const { engine, people, user } = this.#ports.parts();
    await people.refresh([user], '');
    await engine.refresh([user]);
    await this.settle();
  }

  /** Lists what was confirmed, drops what was logged out, and tells when this device itself was listed or taken off. One at a time. Rejects as
   * requests do. */
  settle(): Promise<void> {
    return this.#settling.run(async () => {
      this.#compareSelf();
      if (this.confirmed) {
        await this.#listPending();
        await this.#dropGone();
        await this.#askForIdentity();
      }
      if (this.confirmed !== this.#wasConfirmed) {
        this.#wasConfirmed = this.confirmed;
        await this.#ports.confirmed(this.confirmed);
      }
      this.#ports.settled();
    });
  }

  /** Own devices as the server lists them, with what the manifest says. */
  async list(): Promise<DeviceInfo[]> {
    const { devices } = await this.#ports.parts().request({ $case: 'listDevices', value: {} }, 'deviceList');
    const listed = this.#listed();
    await this.#noteSeen(devices);
    const today = Math.floor(this.#ports.parts().now() / dayMs);
    return devices.map(({ device, deviceId, name, lastSeenDay, current }) => {
      const confirmed = listed.some(({ number, id }) => number === device && id === deviceId);
      const endsDay = lastSeenDay + limits.deviceIdleDays;
      const endsSoon = !current && endsDay - today <= limits.deviceWarnDays;
      return { device, deviceId, name, lastSeenDay, endsDay, endsSoon, current, confirmed };
    });
  }

  /** Own devices that were there once, as far as this one saw them, and are logged out. Rejects as `list` does. */
  async former(): Promise<FormerDevice[]> {
    const present = new Set((await this.list()).map(({ device }) => device));
    const seen = await this.#seen();
    return [...seen].flatMap(([device, { name }]) => (present.has(device) ? [] : [{ device, name }]));
  }

  /** Which devices there are is the server's word: of all that it ever named those are kept that stood in an own list, and then the newest. So it can't name so many
   * that a lost one is forgotten. This very device is none of them. */
  async #noteSeen(devices: readonly FormerDevice[]): Promise<void> {
    const seen = await this.#seen();
    const ofLists = this.#everListed();
    const all = new Map(seen);
    for (const { device, name } of devices) all.set(device, { name, listed: seen.get(device)?.listed ?? false });
    all.delete(this.#ports.parts().device);
    for (const [device, one] of all) if (ofLists.has(device)) all.set(device, { ...one, listed: true });
    const inOrder = [...all].sort(([a, one], [b, other]) => Number(other.listed) - Number(one.listed) || b - a);
    const kept = new Map(inOrder.slice(0, seenMax));
    const row = (device: number, value: Uint8Array | undefined) => {
      return { table: 'account' as const, key: `${seenPrefix}${orderedNumber(device)}`, value };
    };
    const isNew = ([device, { name, listed }]: readonly [number, Seen]) =>
      seen.get(device)?.name !== name || seen.get(device)?.listed !== listed;
    const changes = [
      ...[...kept]
        .filter(isNew)
        .map(([device, { name, listed }]) => row(device, new TextEncoder().encode(`${listed ? '+' : '.'}${name}`))),
      ...[...seen.keys()].filter((device) => !kept.has(device)).map((device) => row(device, undefined)),
    ];
    if (changes.length > 0) await this.#ports.parts().store.write(changes);
  }

  /** Numbers of the newest own list, and of those that were taken off, as far as they are kept. */
  #everListed(): ReadonlySet<number> {
    const { people, user } = this.#ports.parts();
    return new Set([...this.#listed(), ...(people.get(user)?.row.retired ?? [])].map(({ number }) => number));
  }

  async #seen(): Promise<ReadonlyMap<number, Seen>> {
    const rows = await this.#ports.parts().store.list('account', { ...prefixRange(seenPrefix), limit: 100_000 });
    const seenIn = (value: Uint8Array) => {
      const text = new TextDecoder().decode(value);
      return { name: text.slice(1), listed: text.startsWith('+') };
    };
    return new Map(rows.map(({ key, value }) => [Number.parseInt(key.slice(seenPrefix.length), 16), seenIn(value)]));
  }

  /** Takes other devices off: a manifest without them, then their tokens and sessions end. BAD_ARGUMENT for this very device, which logs out, where that is warned
   * of; one that was logged out before stays so. NOT_CONFIRMED, OFFLINE, REJECTED. */
  async remove(...devices: readonly number[]): Promise<void> {
    const { device: own, request } = this.#ports.parts();
    if (devices.includes(own))
      throw new ClientError('BAD_ARGUMENT', 'A device does not take itself off: it logs out, which says what is lost.');
    const listed = this.#listed().flatMap(({ number }) => (devices.includes(number) ? [number] : []));
    if (listed.length > 0) {
      if (!this.confirmed) throw new ClientError('NOT_CONFIRMED', 'Only a confirmed device can take another one off.');
      await this.#publish((all) => all.filter(({ number }) => !devices.includes(number)));
    }
    const seen = await this.#seen();
    for (const device of devices) {
      await request({ $case: 'removeDevice', value: { device } }, 'done').catch((error) => {
        // The manifest alone logs a listed device out; then there is nothing left to remove. Nor is there of one that is gone.
        if (!(listed.includes(device) || seen.has(device)) || !isRejection(error, Rejection.REJECTION_NOT_FOUND))
          throw error;
      });
    }
  }

  /** Puts the self-signing key of this seed in force, with which own devices but the lost ones are signed anew. The next list names it. */
  async renewSelfSigning(seed: Uint8Array, lost: readonly number[]): Promise<void> {
    const staying = this.#listed().filter(({ number }) => number !== this.#self?.number && !lost.includes(number));
    const devices = staying.map(({ id, signingKey }) => ({ device: id, ed25519: signingKey }));
    await this.#ports.parts().engine.renewSelfSigning({ seed, devices });
  }

  /** Begins another identity on this device, in whose list nobody else stands: every other device is logged out, every room waits for somebody to sign the new
   * identity in. STEP_UP_NEEDED; OFFLINE and the like, after which the next session ends it or nothing was begun. */
  async startOver(grant: Grant): Promise<void> {
    const { engine, store, whenLive } = this.#ports.parts();
    await store.write([{ ...startingOver, value: Uint8Array.of(1) }]);
    const failure = await engine.replaceIdentity(grant).catch(unlessBug);
    // Whether one that was lost on its way was taken, the server says.
    if (failure && wasLost(failure) && !(await whenLive(reconnectMs))) throw failure;
    await this.#finishStartingOver();
    await this.settle();
    if (this.confirmed) return;
    if (isRejection(failure, Rejection.REJECTION_FORBIDDEN)) throw grantRefused(failure);
    throw failure ?? new ClientError('TIMEOUT', 'Another device started over at the same moment.');
  }

  /** Where the server took the identity that this device began, its first list is published; else there is nothing left of it. */
  async #finishStartingOver(): Promise<void> {
    const { engine, store, user } = this.#ports.parts();
    if (!(await store.get(startingOver.table, startingOver.key))) return;
    await engine.refresh([user]);
    // Of an identity that is not the published one the engine holds nothing after this.
    if (await engine.holdsIdentity()) {
      await engine.createIdentity();
      await engine.flush();
      await this.#publish((devices) => devices);
    }
    await store.write([{ ...startingOver, value: undefined }]);
  }

  /** Another own device renewed the self-signing key: it is asked for it, once a key and run. */
  async #askForIdentity(): Promise<void> {
    const { engine, people, user } = this.#ports.parts();
    const key = people.get(user)?.manifest.body.selfSigningKey;
    if (!key || toHex(key) === this.#askedFor || (await engine.holdsIdentity()) || !(await engine.confirmed())) return;
    this.#askedFor = toHex(key);
    await engine.askForIdentity();
  }

  /** A verification moved on: once done, the confirmed side lists the other device. */
  async verified(verification: Verification): Promise<void> {
    if (verification.state.phase !== 'done' || !verification.otherDevice) return;
    const { store, engine, user } = this.#ports.parts();
    await engine.flush();
    if (!this.confirmed) return;
    // Durable first: a crash here must not leave a confirmed device unlisted.
    await store.write([
      { table: 'account', key: `${pendingPrefix}${verification.otherDevice}`, value: Uint8Array.of(1) },
    ]);
    for (let attempt = 0; attempt < listTries; attempt++) {
      await engine.refresh([user]);
      await this.settle();
      if ((await store.list('account', prefixRange(pendingPrefix))).length === 0) return;
      // The signature over the other device is still on its way to the server.
      await pause(listAgainMs * (attempt + 1));
      await engine.flush();
    }
  }

  async #begin(): Promise<void> {
    const { engine } = this.#ports.parts();
    try {
      await engine.createIdentity();
      await engine.flush();
    } catch (error) {
      // Another device of this user was first: this one has to be confirmed by it.
      if (!isRejection(error, Rejection.REJECTION_FORBIDDEN)) throw error;
      return;
    }
    await this.#publish((devices) => devices);
  }

  async #listPending(): Promise<void> {
    const { store, engine, user } = this.#ports.parts();
    const pending = await store.list('account', prefixRange(pendingPrefix));
    if (pending.length === 0) return;
    const numbers = await this.#numbers();
    for (const { key } of pending) {
      const deviceId = key.slice(pendingPrefix.length);
      const known = (await engine.devices(user)).find((device) => device.device === deviceId);
      if (known) {
        const number = numbers.get(deviceId);
        const { ed25519: signingKey, curve25519: identityKey } = known;
        // Not signed yet, or the server does not say who it is: it stays noted.
        if (!known.crossSigned || !signingKey || !identityKey || number === undefined) continue;
        if (!(await this.#list({ number, id: deviceId, signingKey, identityKey }))) continue;
        await this.#ports.listed(deviceId);
      }
      await store.write([{ table: 'account', key, value: undefined }]);
    }
  }

  /** Lists a device. False where that was not possible. */
  async #list(device: ManifestDevice): Promise<boolean> {
    let contradiction = false;
    await this.#publish((devices) => {
      contradiction = devices.some((listed) => contradicts(listed, device));
      return contradiction || devices.some((listed) => isSameDevice(listed, device)) ? devices : [...devices, device];
    });
    // Numbers are never given twice: whoever names one that another device has would have this one forgotten.
    if (contradiction) this.#tell(`${device.id} ${device.number}`);
    return this.#listed().some((listed) => isSameDevice(listed, device));
  }

  /** Does the list speak of this device as it is? Who confirmed it had the number from the server. */
  #compareSelf(): void {
    const self = this.#self;
    const wrong = self && this.#listed().find((listed) => contradicts(listed, self));
    if (wrong) this.#tell(`${wrong.id} ${wrong.number}`);
  }

  #tell(what: string): void {
    const { alarm, user } = this.#ports.parts();
    if (!this.#told.has(what)) alarm({ code: 'MANIFEST_INVALID', user });
    this.#told.add(what);
  }

  #listed(): readonly ManifestDevice[] {
    const { people, user } = this.#ports.parts();
    return people.get(user)?.manifest.body.devices ?? [];
  }

  /** A device that logged itself out can't sign itself off: another one does. Who is about to be logged out is told on the way. */
  async #dropGone(): Promise<void> {
    const all = await this.list();
    this.#tellEnding(all);
    const present = new Set(all.map((device) => device.device));
    if (this.#listed().some((device) => !present.has(device.number)))
      await this.#publish((devices) => devices.filter((device) => present.has(device.number)));
  }

  #tellEnding(all: readonly DeviceInfo[]): void {
    for (const device of all) {
      if (!device.endsSoon || this.#ending.has(device.device)) continue;
      this.#ending.add(device.device);
      this.#ports.ending(device);
    }
  }

  /** Numbers of own devices by id, as the server says. */
  async #numbers(): Promise<ReadonlyMap<string, number>> {
    const value = { room: '', users: [this.#ports.parts().user], manifestsAbove: 0 };
    const { users } = await this.#ports.parts().request({ $case: 'queryKeys', value }, 'keysAnswer');
    return new Map((users[0]?.devices ?? []).map(({ device, deviceId }) => [deviceId, device]));
  }

  /** Publishes the list with this backup named in it and without those that are lost; with `listingSeed` also this device, which the backup vouches for.
   * Rejects as requests do, and with UNTRUSTED where what the server says of this device's number contradicts the list. */
  async nameBackup({ backup, listingSeed, lost = [] }: NamedBackup): Promise<void> {
    const self = this.#self;
    if (listingSeed && self && this.#listed().some((listed) => contradicts(listed, self))) {
      this.#compareSelf();
      throw new ClientError('UNTRUSTED', 'The number of this device stands for another one in the list.');
    }
    const addSelf: ListChange = (listed) =>
      !self || listed.some((one) => isSameDevice(one, self)) ? listed : [...listed, self];
    const staying: ListChange = (listed) => listed.filter(({ number }) => !lost.includes(number));
    await this.#send({ backup, ...(listingSeed ? { listingSeed, devices: addSelf } : { devices: staying }) });
    await this.settle();
  }

  #publish(devices: ListChange): Promise<void> {
    return this.#send({ devices });
  }

  #send(change: ManifestChange): Promise<void> {
    const present = async () => new Set((await this.list()).map((each) => each.device));
    return publishManifest(this.#ports.parts(), change, present);
  }
}

/** A verification as the app sees it. */
export function describeVerification(user: string, verification: Verification): VerificationInfo {
  const { state, flowId, otherDevice, weStarted } = verification;
  const phase = state.phase === 'confirmed' ? 'emoji' : state.phase;
  return {
    id: flowId,
    user,
    deviceId: otherDevice ?? '',
    state: phase,
    ...(state.phase === 'started' && state.code ? { code: state.code } : {}),
    emoji: state.phase === 'emoji' ? state.emoji : [],
    incoming: !weStarted,
  };
}
