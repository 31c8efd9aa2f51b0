// The user's own devices: identity at the first one, confirmation of further ones by emoji, and the signed manifest that says which there are.
// A device that no manifest lists gets no keys and may not write. Only a listed device signs the next manifest.
import type { Welcome } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { ManifestBody, type ManifestDevice } from '#proto/gen/record.ts';
import { equalBytes, zeroHash } from '#proto/rules/bytes.ts';
import { readCrossSigningJson, readDeviceJson } from '#proto/rules/credential.ts';
import { manifestTextToSign } from '#proto/rules/hash.ts';
import type { DeviceInfo, VerificationInfo } from './api.ts';
import type { Verification } from './crypto/engine.ts';
import { ClientError, isRejection } from './errors.ts';
import type { Parts } from './parts.ts';
import { pause } from './requests.ts';
import { prefixRange } from './store.ts';

const publishTries = 5;
const listTries = 6;
const listAgainMs = 200;
/** Rows of devices that were confirmed and are still to be listed. */
const pendingPrefix = 'confirm ';

/** What follows from a change of own devices. */
export interface DevicesPorts {
  readonly parts: () => Parts;
  /** This device became listed, or was taken off: what it could not read or send may be tried again. */
  readonly confirmed: (listed: boolean) => Promise<void>;
  /** Another device was listed by this one: it is told what own devices know. Rejects as requests do; then it is called again. */
  readonly listed: (deviceId: string) => Promise<void>;
}

/** Own devices. */
export class Devices {
  #ports: DevicesPorts;
  #wasConfirmed = false;
  #settling: Promise<unknown> = Promise.resolve();

  constructor(ports: DevicesPorts) {
    this.#ports = ports;
  }

  /** Is this device listed in the newest own manifest that is known? */
  get confirmed(): boolean {
    const { people, user, device } = this.#ports.parts();
    return people.get(user)?.manifest.body.devices.some((listed) => listed.number === device) ?? false;
  }

  /** After each welcome: keys go up, the first device makes the identity and the first manifest. Rejects as requests do. */
  async welcome(welcome: Welcome): Promise<void> {
    const { engine, people, user } = this.#ports.parts();
    await people.refresh([user], '');
    await engine.track([user]);
    await engine.flush();
    const known = people.get(user);
    if (!known && (welcome.manifest?.version ?? 0) === 0) await this.#begin();
    else await engine.refresh([user]);
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
    const settled = this.#settling.then(async () => {
      if (this.confirmed) {
        await this.#listPending();
        await this.#dropGone();
      }
      if (this.confirmed === this.#wasConfirmed) return;
      this.#wasConfirmed = this.confirmed;
      await this.#ports.confirmed(this.confirmed);
    });
    this.#settling = settled.catch(() => {});
    return settled;
  }

  /** Own devices as the server lists them, with what the manifest says. */
  async list(): Promise<DeviceInfo[]> {
    const { people, user } = this.#ports.parts();
    const { devices } = await this.#ports.parts().request({ $case: 'listDevices', value: {} }, 'deviceList');
    const listed = new Set(people.get(user)?.manifest.body.devices.map((device) => device.number));
    return devices.map(({ device, deviceId, name, lastSeenDay, current }) => {
      return { device, deviceId, name, lastSeenDay, current, confirmed: listed.has(device) };
    });
  }

  /** Takes a device off: a manifest without it, then its tokens and session end. NOT_CONFIRMED, OFFLINE, REJECTED. */
  async remove(device: number): Promise<void> {
    const { people, user, device: own } = this.#ports.parts();
    const listed = people.get(user)?.manifest.body.devices.some((one) => one.number === device);
    if (listed && device !== own) {
      if (!this.confirmed) throw new ClientError('NOT_CONFIRMED', 'Only a confirmed device can take another one off.');
      await this.#publish((devices) => devices.filter((one) => one.number !== device));
    }
    await this.#ports
      .parts()
      .request({ $case: 'removeDevice', value: { device } }, 'done')
      .catch((error) => {
        // The manifest alone logs a listed device out; then there is nothing left to remove.
        if (!listed || !isRejection(error, Rejection.REJECTION_NOT_FOUND)) throw error;
      });
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
    for (const { key } of pending) {
      const deviceId = key.slice(pendingPrefix.length);
      const known = (await engine.devices(user)).find((device) => device.device === deviceId);
      const keys = (await this.#ownKeys()).find((device) => device.id === deviceId);
      // Listed are the keys that were compared by emoji and signed, whatever the server shows for this id.
      if (known?.crossSigned && known.ed25519 && keys && equalBytes(known.ed25519, keys.signingKey)) {
        await this.#publish((devices) =>
          devices.some((device) => device.number === keys.number) ? devices : [...devices, keys],
        );
        await this.#ports.listed(deviceId);
      } else if (known) continue;
      await store.write([{ table: 'account', key, value: undefined }]);
    }
  }

  /** A device that logged itself out can't sign itself off: another one does. */
  async #dropGone(): Promise<void> {
    const { people, user } = this.#ports.parts();
    const present = new Set((await this.list()).map((device) => device.device));
    const gone = people.get(user)?.manifest.body.devices.filter((device) => !present.has(device.number)) ?? [];
    if (gone.length > 0) await this.#publish((devices) => devices.filter((device) => present.has(device.number)));
  }

  async #ownKeys(): Promise<ManifestDevice[]> {
    const { user } = this.#ports.parts();
    const value = { room: '', users: [user], manifestsAbove: 0 };
    const { users } = await this.#ports.parts().request({ $case: 'queryKeys', value }, 'keysAnswer');
    return (users[0]?.devices ?? []).flatMap(({ device, deviceId, deviceJson }) => {
      const claim = readDeviceJson(deviceJson);
      return claim && claim.user === user && claim.deviceId === deviceId
        ? [{ number: device, id: deviceId, signingKey: claim.signingKey, identityKey: claim.identityKey }]
        : [];
    });
  }

  async #publish(change: (devices: readonly ManifestDevice[]) => readonly ManifestDevice[]): Promise<void> {
    const { engine, people, user, device, deviceId, primitives } = this.#ports.parts();
    for (let attempt = 0; attempt < publishTries; attempt++) {
      const before = people.get(user)?.manifest ?? null;
      const [keys, certificate] = await Promise.all([engine.ownKeys(), engine.certificate()]);
      const self: ManifestDevice = {
        number: device,
        id: deviceId,
        signingKey: keys.ed25519,
        identityKey: keys.curve25519,
      };
      const listed = before?.body.devices ?? [self];
      const devices = [...change(listed)].sort((a, b) => a.number - b.number);
      // Another own device may have said the same meanwhile.
      if (before && sameDevices(devices, listed)) return;
      const signed = ManifestBody.encode({
        user,
        version: (before?.body.version ?? 0) + 1,
        previousHash: before?.hash ?? zeroHash,
        devices,
        signer: device,
        masterKey: readCrossSigningJson(certificate.masterJson, 'master')?.key ?? new Uint8Array(),
        selfSigningKey: readCrossSigningJson(certificate.selfSigningJson, 'self_signing')?.key ?? new Uint8Array(),
        signedMs: this.#ports.parts().now(),
      }).finish();
      const signature = await engine.sign(manifestTextToSign(signed, primitives));
      const credential = {
        member: 0,
        device,
        deviceJson: certificate.deviceJson,
        selfSigningJson: certificate.selfSigningJson,
      };
      const manifest = { signed, signature, credential };
      try {
        await this.#ports.parts().request({ $case: 'publishManifest', value: { manifest } }, 'done');
        await people.take(user, manifest);
        return;
      } catch (error) {
        if (isRejection(error, Rejection.REJECTION_NOT_FOUND)) {
          // One of them was logged out meanwhile: the next try goes without it.
          const present = new Set((await this.list()).map((each) => each.device));
          const wanted = change;
          change = (all) => wanted(all).filter((each) => present.has(each.number));
        } else if (!isRejection(error, Rejection.REJECTION_STALE_MANIFEST)) throw error;
        await people.refresh([user], '');
      }
    }
    throw new ClientError('TIMEOUT', 'The list of devices changes too quickly just now. Try again.');
  }
}

function sameDevices(a: readonly ManifestDevice[], b: readonly ManifestDevice[]): boolean {
  return a.length === b.length && a.every((device, index) => device.number === b[index]?.number);
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
    emoji: state.phase === 'emoji' ? state.emoji : [],
    incoming: !weStarted,
  };
}
