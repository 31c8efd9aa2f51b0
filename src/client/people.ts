// Other people (and oneself) as this device knows them: fingerprint and newest device manifest, each manifest checked against the one before.
// Keys go to no device that is not in here. A server that brings a removed device back, hides a manifest or swaps an identity is noticed here.

import type { UserKeys } from '#proto/gen/client.ts';
import { LocalPerson } from '#proto/gen/local.ts';
import type { DeviceManifest, ManifestHead } from '#proto/gen/record.ts';
import { equalBytes } from '#proto/rules/bytes.ts';
import {
  checkManifest,
  followManifest,
  type KnownManifest,
  type ManifestFault,
  manifestHead,
} from '#proto/rules/manifest.ts';
import type { Primitives } from '#proto/rules/primitives.ts';
import type { AlarmCode } from './api.ts';
import type { Recipient } from './crypto/engine.ts';
import { ClientError } from './errors.ts';
import type { Parts } from './parts.ts';
import { prefixRange } from './store.ts';

/** A person as kept here. */
export interface Known {
  readonly user: string;
  /** Master key that is trusted: first seen, or approved since. */
  readonly fingerprint: Uint8Array;
  readonly manifest: KnownManifest;
  /** Another master key that the newest manifest names and nobody approved; empty = none. */
  readonly changedTo: Uint8Array;
  readonly bot: boolean;
  readonly row: LocalPerson;
}

/** What a message says about its author's device, and when it came. */
export interface DeviceClaim {
  readonly room: string;
  readonly acceptedMs: number;
  readonly named: ManifestHead | undefined;
}

// How long after a manifest without it a device's last messages may still be stamped: clocks of device and hub differ.
const removalGraceMs = 5 * 60_000;
const usersPerQuery = 50;
const alarmOfFault: Partial<Record<ManifestFault, AlarmCode>> = {
  STALE: 'MANIFEST_ROLLED_BACK',
  FORK: 'MANIFEST_ROLLED_BACK',
};

/** Everyone this device knows. */
export class People {
  #parts: () => Parts;
  #known = new Map<string, Known>();
  #refreshing = new Map<string, Promise<boolean>>();
  /** Grows with every change: what was derived from it (receivers of keys) is out of date. */
  version = 0;

  constructor(parts: () => Parts) {
    this.#parts = parts;
  }

  /** Reads what is kept. */
  async load(): Promise<void> {
    const { store, primitives } = this.#parts();
    for (const { value } of await store.list('people', { ...prefixRange('@'), limit: 100_000 })) {
      const known = restore(LocalPerson.decode(value), primitives);
      if (known) this.#known.set(known.user, known);
    }
  }

  /** The person, if known. */
  get(user: string): Known | undefined {
    return this.#known.get(user);
  }

  /** Fetches identity and manifests of users who share `room` (empty: one user by exact id). Rejects as requests do. */
  async refresh(users: readonly string[], room: string): Promise<void> {
    const parts = this.#parts();
    for (let at = 0; at < users.length; at += usersPerQuery) {
      const some = users.slice(at, at + usersPerQuery);
      const manifestsAbove = some.length === 1 ? (this.#known.get(some[0] as string)?.manifest.body.version ?? 0) : 0;
      const answer = await parts.request(
        { $case: 'queryKeys', value: { room, users: some, manifestsAbove } },
        'keysAnswer',
      );
      for (const keys of answer.users) await this.#learn(keys, room);
    }
  }

  /** Refreshes one user and their keys in the engine. False when that was not possible now. */
  tryRefresh(user: string, room: string): Promise<boolean> {
    const under = this.#refreshing.get(user);
    if (under) return under;
    const refreshing = this.refresh([user], room)
      .then(() => this.#parts().engine.refresh([user], room))
      .then(() => true)
      .catch((error) => {
        if (!(error instanceof ClientError)) throw error;
        return false;
      })
      .finally(() => this.#refreshing.delete(user));
    this.#refreshing.set(user, refreshing);
    return refreshing;
  }

  /** Takes a manifest that came by another way (own device published it). */
  async take(user: string, manifest: DeviceManifest): Promise<void> {
    await this.#follow(user, [manifest], '', false);
  }

  /** The devices of a user that may get keys: of the newest manifest, and only while the identity is the committed, unchanged one. */
  recipient(user: string, committed: Uint8Array): Recipient | undefined {
    const known = this.#known.get(user);
    if (!known || known.changedTo.length > 0 || !equalBytes(known.fingerprint, committed)) return undefined;
    return { user, devices: known.manifest.body.devices.map((device) => device.id) };
  }

  /** Accepts the identity that the newest manifest names. Throws UNKNOWN where nothing changed. */
  async approve(user: string): Promise<void> {
    const known = this.#known.get(user);
    if (!known || known.changedTo.length === 0) throw new ClientError('UNKNOWN', 'This identity did not change.');
    await this.#parts().engine.approveIdentity(user);
    await this.#keep({ ...known.row, fingerprint: known.changedTo, changedTo: new Uint8Array() });
  }

  /** Number of a sender's device by its id, and whether it was taken off before the message came. Fetches newer manifests that are named. */
  async deviceStanding(
    user: string,
    deviceId: string,
    claim: DeviceClaim,
  ): Promise<{ number: number; removed: boolean }> {
    const named = claim.named ?? { version: 0, hash: new Uint8Array() };
    if ((this.#known.get(user)?.manifest.body.version ?? 0) < named.version) await this.tryRefresh(user, claim.room);
    const known = this.#known.get(user);
    if (!known) return { number: 0, removed: true };
    this.#compare(known, named, claim.room);
    const listed = known.manifest.body.devices.find((device) => device.id === deviceId);
    if (listed) return { number: listed.number, removed: false };
    const retired = known.row.retired.find((device) => device.id === deviceId);
    const after = claim.acceptedMs > known.manifest.body.signedMs + removalGraceMs;
    // A device taken off before this one first saw a manifest is not listed anywhere: its number can't be compared (0).
    return { number: retired?.number ?? 0, removed: after };
  }

  #compare(known: Known, named: ManifestHead, room: string): void {
    const head = manifestHead(known.manifest);
    if (named.version > head.version) this.#alarm('MANIFEST_WITHHELD', known.user, room);
    else if (named.version === head.version && !equalBytes(named.hash, head.hash))
      this.#alarm('MANIFEST_ROLLED_BACK', known.user, room);
  }

  async #learn(keys: UserKeys, room: string): Promise<void> {
    const manifests = keys.manifests.length > 0 ? keys.manifests : keys.manifest ? [keys.manifest] : [];
    await this.#follow(keys.user, manifests, room, keys.bot);
  }

  async #follow(user: string, manifests: readonly DeviceManifest[], room: string, bot: boolean): Promise<void> {
    const { primitives } = this.#parts();
    for (const manifest of manifests) {
      const known = this.#known.get(user);
      const result = followManifest(known?.manifest ?? null, manifest, { user, primitives });
      if (result.invalid === 'GAP') return this.refresh([user], room);
      if (result.invalid) return this.#alarm(alarmOfFault[result.invalid] ?? 'MANIFEST_INVALID', user, room);
      if (known && known.manifest.body.version === result.known.body.version) continue;
      await this.#keep(nextRow(user, manifest, result.known, known, bot));
      if (result.identityChanged) this.#parts().count('identity.changed');
    }
  }

  async #keep(row: LocalPerson): Promise<void> {
    const { store, primitives } = this.#parts();
    const known = restore(row, primitives);
    if (!known) return;
    this.#known.set(row.user, known);
    this.version++;
    await store.write([{ table: 'people', key: row.user, value: LocalPerson.encode(row).finish() }]);
  }

  #alarm(code: AlarmCode, user: string, room: string): void {
    this.#parts().alarm({ code, user, ...(room ? { room } : {}) });
  }
}

function nextRow(
  user: string,
  manifest: DeviceManifest,
  next: KnownManifest,
  known: Known | undefined,
  bot: boolean,
): LocalPerson {
  const { masterKey } = next.body;
  const listed = new Set(next.body.devices.map((device) => device.id));
  const dropped = known?.manifest.body.devices.filter((device) => !listed.has(device.id)) ?? [];
  const fingerprint = known?.fingerprint ?? masterKey;
  return {
    user,
    fingerprint,
    manifest,
    head: manifestHead(next),
    bot: bot || (known?.bot ?? false),
    profile: known?.row.profile,
    changedTo: equalBytes(fingerprint, masterKey) ? new Uint8Array() : masterKey,
    retired: [...(known?.row.retired ?? []), ...dropped].slice(-32),
  };
}

function restore(row: LocalPerson, primitives: Primitives): Known | undefined {
  if (!row.manifest) return undefined;
  // Checked when it came; it lies sealed.
  const manifest = checkManifest(row.manifest, row.user, { ...primitives, verify: () => true });
  if (typeof manifest === 'string') return undefined;
  return { user: row.user, fingerprint: row.fingerprint, manifest, changedTo: row.changedTo, bot: row.bot, row };
}
