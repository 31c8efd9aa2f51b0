// One user with all devices: what they agree on outside the protocol, such as comparing seven emoji before a device is listed.

import type { DeviceManifest } from '#proto/gen/record.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { type CastUser, hashOfManifest } from '../cast.ts';

export class Household {
  readonly cast: CastUser;
  /** Devices in the newest manifest that was accepted. */
  readonly listed: number[] = [];
  /** Called when a device may be listed. */
  onConfirmed: () => void = () => {};
  #version = 0;
  #hash: Uint8Array = noBytes;
  readonly #wanted: number[] = [];
  /** The person goes for good: the account is being erased, or is. */
  leaves = false;
  /** It is erased: no device comes back. */
  isGone = false;
  readonly #whenGone: (() => void)[] = [];

  constructor(cast: CastUser) {
    this.cast = cast;
  }

  /** Calls it when the account is erased. */
  whenGone(ended: () => void): void {
    this.#whenGone.push(ended);
  }

  /** The account is erased. */
  end(): void {
    this.isGone = true;
    for (const ended of this.#whenGone) ended();
  }

  /** A device's keys are uploaded: it may be listed. */
  confirm(device: number): void {
    if (!this.#wanted.includes(device)) this.#wanted.push(device);
    this.onConfirmed();
  }

  /** The manifest to publish now: the next one, or null. Always the same bytes until it is accepted. */
  next(): { readonly manifest: DeviceManifest; accepted(): void } | null {
    const missing = this.#wanted.find((device) => !this.listed.includes(device));
    if (missing === undefined || !this.#wanted.includes(1)) return null;
    const device = this.listed.includes(1) ? missing : 1;
    const devices = [...this.listed, device].sort((a, b) => a - b);
    const manifest = this.cast.manifest(this.#version + 1, this.#hash, devices);
    return {
      manifest,
      accepted: () => {
        if (this.listed.includes(device)) return;
        this.listed.push(device);
        this.#version++;
        this.#hash = hashOfManifest(manifest);
      },
    };
  }
}
