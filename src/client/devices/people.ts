// Other people (and oneself) as this device knows them: fingerprint and newest device manifest, each manifest checked against the one before.
// Keys go to no device that is not in here. A server that brings a removed device back, hides a manifest or swaps an identity is noticed here.

import type { UserKeys } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { LocalPerson } from '#proto/gen/local.ts';
import { type DeviceManifest, ManifestBody, type ManifestHead } from '#proto/gen/record.ts';
import { equalBytes, noBytes } from '#proto/rules/bytes/bytes.ts';
import {
  checkManifest,
  followManifest,
  type KnownManifest,
  type ManifestFault,
  manifestHead,
} from '#proto/rules/identity/manifest.ts';
import type { Primitives } from '#proto/rules/primitives.ts';
import type { AlarmCode } from '../alarms.ts';
import { pause } from '../connection/requests.ts';
import type { Recipient } from '../crypto/engine.ts';
import type { DeviceParts } from '../device-parts.ts';
import { ClientError, countLater } from '../errors.ts';
import { Lock } from '../lock.ts';
import type { IdentityMark } from '../shown.ts';
import { prefixRange } from '../store/store.ts';

/** A person as kept here. */
export interface Known {
  readonly user: string;
  /** Master key that is trusted: first seen, or approved since. */
  readonly fingerprint: Uint8Array;
  readonly manifest: KnownManifest;
  /** Another master key that the newest manifest names and nobody approved; empty = none. */
  readonly changedTo: Uint8Array;
  /** A person said that `fingerprint` is theirs: then it may be signed in. Of one that was seen first, only a server did. */
  readonly approved: boolean;
  /** The person at this device compared `fingerprint` with them, or had it from their contact link. */
  readonly compared: boolean;
  /** A message of theirs names a newer list than `manifest`: it may be the one without a stolen device. */
  readonly withheld: boolean;
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
const deferredTries = 8;
const alarmOfFault: Partial<Record<ManifestFault, AlarmCode>> = {
  STALE: 'MANIFEST_ROLLED_BACK',
  FORK: 'MANIFEST_ROLLED_BACK',
};

/** A sender's device: its number (0 = it can't be said any more), and whether it was taken off before the message came. */
export interface DeviceStanding {
  readonly number: number;
  readonly removed: boolean;
  /** Master key of the newest list, where the device stands in it. */
  readonly listedAs?: Uint8Array;
}

/** What a question for keys was, to judge its answer by. */
interface Asked {
  readonly room: string;
  /** About one user only: then manifests in between were asked for, too. */
  readonly alone: boolean;
  /** Version known of each when the question was asked. */
  readonly versions: ReadonlyMap<string, number>;
  readonly bot?: boolean;
}

/** What came of asking for somebody: they are as the server has them, it has nobody of that id, or it could not be asked now. */
type Fetched = 'here' | 'missing' | 'later';

/** Everyone this device knows. */
export class People {
  #parts: () => DeviceParts;
  #known = new Map<string, Known>();
  #refreshing = new Map<string, Promise<Fetched>>();
  readonly #following = new Lock();
  #changed: (user: string) => void;
  /** Grows with every change: what was derived from it (receivers of keys) is out of date. */
  version = 0;

  /** `changed`: somebody is given keys again, or no more, or counts otherwise. */
  constructor(parts: () => DeviceParts, changed: (user: string) => void = () => {}) {
    this.#parts = parts;
    this.#changed = changed;
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

  /** Fetches identity and manifests of users who share `room` (empty: one user by exact id). Users that the server does not show stay as
   * they are, and those that it does not know come into `missing`. Rejects as requests do, and with REJECTED BUSY where the server goes on putting someone off. */
  async refresh(users: readonly string[], room: string, missing = new Set<string>()): Promise<void> {
    let waiting = [...users];
    for (let attempt = 0; waiting.length > 0; attempt++) {
      const some = waiting.slice(0, usersPerQuery);
      const deferred = await this.#query(some, room, missing);
      waiting = [...waiting.slice(usersPerQuery), ...deferred];
      if (deferred.length < some.length) continue;
      if (attempt >= deferredTries)
        throw new ClientError('REJECTED', 'The server has no time for keys.', {
          rejection: Rejection.REJECTION_BUSY,
          retryAfterMs: 1_000,
        });
      await pause(100 * (attempt + 1) * (1 + this.#parts().random()));
    }
  }

  /** Someone as this device knows them; fetched where it does not. Rejects with UNKNOWN, and as `refresh` does. */
  async person(user: string): Promise<Known> {
    if (!this.#known.has(user)) await this.refresh([user], '');
    const known = this.#known.get(user);
    if (!known)
      throw new ClientError('UNKNOWN', 'There is nobody with this Luxchat-ID, or they have not set up their app yet.');
    return known;
  }

  /** Does the server know somebody with this exact id? What it shows of them is learnt. Rejects as `refresh` does. */
  async isThere(user: string): Promise<boolean> {
    const missing = new Set<string>();
    await this.refresh([user], '', missing);
    return !missing.has(user);
  }

  async #query(users: readonly string[], room: string, missing: Set<string>): Promise<readonly string[]> {
    const manifestsAbove = users.length === 1 ? (this.#known.get(users[0] as string)?.manifest.body.version ?? 0) : 0;
    const value = { room, users: [...users], manifestsAbove };
    const asked = {
      room,
      alone: users.length === 1,
      versions: new Map(users.map((user) => [user, this.#version(user)])),
    };
    const answer = await this.#parts().request({ $case: 'queryKeys', value }, 'keysAnswer');
    for (const keys of answer.users) await this.#learn(keys, asked);
    for (const user of answer.missing) missing.add(user);
    return answer.deferred;
  }

  /** Refreshes one user and their keys in the engine. False when that was not possible now, or the server knows nobody of that id. */
  async tryRefresh(user: string, room: string): Promise<boolean> {
    return (await this.#fetched(user, room)) === 'here';
  }

  #fetched(user: string, room: string): Promise<Fetched> {
    const under = this.#refreshing.get(user);
    if (under) return under;
    const refreshing = this.#fetch(user, room)
      .catch((error): Fetched => {
        countLater(this.#parts().count, error);
        return 'later';
      })
      .finally(() => this.#refreshing.delete(user));
    this.#refreshing.set(user, refreshing);
    return refreshing;
  }

  /** A room names its members alone. Of who went the list is had by their id: what they wrote before stays, and may name one that is newer than what is here. */
  async #fetch(user: string, room: string): Promise<Fetched> {
    const missing = new Set<string>();
    await this.refresh([user], room, missing);
    if (missing.has(user) && (room === '' || !(await this.isThere(user)))) return 'missing';
    await this.#parts().engine.refresh([user], room);
    return 'here';
  }

  /** Takes a manifest that came by another way (own device published it). */
  async take(user: string, manifest: DeviceManifest): Promise<void> {
    await this.#inTurn(user, [manifest], { room: '', alone: false, versions: new Map() });
  }

  /** Forgets a person of whom a false identity was taken on first sight. */
  async forget(user: string): Promise<void> {
    this.#known.delete(user);
    this.version++;
    await this.#parts().store.write([{ table: 'people', key: user, value: undefined }]);
  }

  /** The devices of a user that may get keys in a room whose chain commits to this identity: those of the newest manifest, where it is of that very one. So
   * of a new identity once it is signed in there, and not before. None while a manifest is withheld that the user's own messages name: it may be the
   * one without a stolen device. */
  recipient(user: string, committed: Uint8Array): Recipient | undefined {
    const known = this.#known.get(user);
    if (!known || known.withheld || !equalBytes(known.manifest.body.masterKey, committed)) return undefined;
    return { user, devices: known.manifest.body.devices.map((device) => device.id) };
  }

  /** Those who began another identity, approved or not. */
  startedOver(): Known[] {
    return [...this.#known.values()].filter(hasStartedOver);
  }

  /** Accepts this identity of a user, the one that a person saw and nothing else, also one that this device never knew otherwise. False where it was accepted
   * before, or the user never had another. Rejects with UNTRUSTED where the user has another one by now, with OFFLINE where the engine can't have it. */
  async approve(user: string, identity: Uint8Array): Promise<boolean> {
    const known = this.#shown(user, identity);
    if (!known || !hasStartedOver(known) || (known.approved && known.changedTo.length === 0)) return false;
    if (!(await this.#pin(user, identity)))
      throw new ClientError('OFFLINE', 'The keys of this identity could not be had now. Try again.');
    // A newer list may have come meanwhile.
    const { row } = this.#shown(user, identity) ?? known;
    await this.#keep({ ...row, fingerprint: identity, changedTo: new Uint8Array(), approved: true });
    return true;
  }

  /** The person at this device compared this identity of a user, or had it from their contact link. True where it is the one that is trusted; elsewhere
   * nothing is noted. */
  async noteCompared(user: string, identity: Uint8Array): Promise<boolean> {
    const known = this.#known.get(user);
    if (!known || known.changedTo.length > 0 || !equalBytes(known.fingerprint, identity)) return false;
    if (!known.compared) await this.#keep({ ...known.row, compared: true });
    return true;
  }

  /** A room's chain commits this user to an identity: where that is the changed one of the newest manifest, the engine is told to work with it. What it may
   * read and write is then decided room by room, and nobody is approved by it anywhere else. True where it works with it. */
  async meetCommitted(user: string, committed: Uint8Array, room: string): Promise<boolean> {
    const changedTo = this.#known.get(user)?.changedTo ?? noBytes;
    if (changedTo.length === 0 || !equalBytes(changedTo, committed)) return false;
    return this.#pin(user, committed, room);
  }

  /** Has the engine work with exactly this identity. False where it has another one, also after a look at the server. */
  async #pin(user: string, identity: Uint8Array, room?: string): Promise<boolean> {
    const { engine } = this.#parts();
    const present = await engine.identity(user);
    const isPresent = present !== undefined && equalBytes(present.masterKey, identity);
    if (isPresent && !present.changed) return true;
    if (!isPresent) await engine.refresh([user], room);
    return (await engine.identity(user)) !== undefined && engine.approveIdentity(user, identity);
  }

  /** The user, if known. Throws UNTRUSTED where they are shown with another identity than this one. */
  #shown(user: string, identity: Uint8Array): Known | undefined {
    const known = this.#known.get(user);
    if (known && !equalBytes(shownIdentity(known), identity))
      throw new ClientError('UNTRUSTED', 'This person has yet another identity by now: compare that one with them.');
    return known;
  }

  /** How the device with this id stands, by manifests as new as the message names: newer ones are fetched. Undefined = that could not be
   * found out now. */
  async deviceStanding(user: string, deviceId: string, claim: DeviceClaim): Promise<DeviceStanding | undefined> {
    const named = claim.named ?? { version: 0, hash: new Uint8Array() };
    // Twice: the first try may join a question that was asked before the manifest was there.
    for (let attempt = 0; attempt < 2 && this.#version(user) < named.version; attempt++) {
      const fetched = await this.#fetched(user, claim.room);
      // An erased account, or a lie: nobody is accused, but no keys are given by the list of before.
      if (fetched === 'missing') await this.#noteNamed(user, named.version);
      if (fetched !== 'here') return undefined;
    }
    const known = this.#known.get(user);
    if (!known) return undefined;
    await this.#compare(known, named, claim.room);
    const listed = known.manifest.body.devices.find((device) => device.id === deviceId);
    if (listed) return { number: listed.number, removed: false, listedAs: known.manifest.body.masterKey };
    const at = known.row.retired.findLastIndex((device) => device.id === deviceId);
    const retired = known.row.retired[at];
    // From the manifest that dropped it, not from the newest: later ones must not give a stolen device its voice back.
    const droppedMs = known.row.retiredMs[at] ?? known.manifest.body.signedMs;
    const after = claim.acceptedMs > droppedMs + removalGraceMs;
    // A device taken off before this one first saw a manifest is not listed anywhere: its number can't be compared (0).
    return { number: retired?.number ?? 0, removed: after };
  }

  #version(user: string): number {
    return this.#known.get(user)?.manifest.body.version ?? 0;
  }

  async #compare({ user, manifest }: Known, named: ManifestHead, room: string): Promise<void> {
    const head = manifestHead(manifest);
    if (named.version > head.version) {
      this.#alarm('MANIFEST_WITHHELD', user, room);
      await this.#noteNamed(user, named.version);
    } else if (named.version === head.version && !equalBytes(named.hash, head.hash))
      this.#alarm('MANIFEST_ROLLED_BACK', user, room);
  }

  /** Kept: the next start must not give keys by the list of before. */
  async #noteNamed(user: string, version: number): Promise<void> {
    const row = this.#known.get(user)?.row;
    if (row && version > row.namedVersion) await this.#keep({ ...row, namedVersion: version });
  }

  async #learn(keys: UserKeys, asked: Asked): Promise<void> {
    const manifests = keys.manifest ? [...keys.manifests, keys.manifest] : keys.manifests;
    await this.#inTurn(keys.user, manifests, { ...asked, bot: keys.bot });
  }

  /** One after the other: two answers on their way together must not both take the place of the same manifest. */
  async #inTurn(user: string, manifests: readonly DeviceManifest[], asked: Asked): Promise<void> {
    const before = this.#version(user);
    if (!(await this.#following.run(() => this.#follow(user, manifests, asked)))) return;
    // Those in between come to one who asks for this user alone; if nothing came of that, they are being kept back.
    if (asked.alone && this.#version(user) === before) this.#alarm('MANIFEST_INVALID', user, asked.room);
    else await this.refresh([user], asked.room);
  }

  /** True where manifests in between are missing. */
  async #follow(user: string, manifests: readonly DeviceManifest[], asked: Asked): Promise<boolean> {
    const { primitives } = this.#parts();
    for (const manifest of manifests) {
      const known = this.#known.get(user);
      const result = followManifest(known?.manifest ?? null, manifest, { user, primitives });
      if (result.invalid === 'GAP') return true;
      // An answer that a newer one overtook is no lie: it was the newest when this device asked.
      if (result.invalid === 'STALE' && versionOf(manifest) >= (asked.versions.get(user) ?? 0)) continue;
      if (result.invalid) {
        this.#alarm(alarmOfFault[result.invalid] ?? 'MANIFEST_INVALID', user, asked.room);
        return false;
      }
      if (known && known.manifest.body.version === result.known.body.version) continue;
      const { masterKey } = result.known.body;
      const isOwn = result.identityChanged && (await this.#isOwnDoing(user, masterKey));
      // Somebody may have been approved meanwhile.
      const row = nextRow(user, manifest, result.known, { known: this.#known.get(user), bot: asked.bot ?? false });
      await this.#keep(isOwn ? { ...row, fingerprint: masterKey, changedTo: new Uint8Array() } : row);
      if (!result.identityChanged || isOwn) continue;
      this.#parts().count('identity.changed');
      this.#alarm('IDENTITY_SWAPPED', user, asked.room);
    }
    return false;
  }

  /** Is it this user's own new identity, whose private part lies here? Then this device began it. */
  async #isOwnDoing(user: string, masterKey: Uint8Array): Promise<boolean> {
    const { engine, user: self } = this.#parts();
    if (user !== self || !(await engine.holdsIdentity())) return false;
    const identity = await engine.identity(user);
    return identity !== undefined && equalBytes(identity.masterKey, masterKey);
  }

  async #keep(row: LocalPerson): Promise<void> {
    const { store, primitives } = this.#parts();
    const known = restore(row, primitives);
    if (!known) return;
    const before = this.#known.get(row.user);
    this.#known.set(row.user, known);
    this.version++;
    await store.write([{ table: 'people', key: row.user, value: LocalPerson.encode(row).finish() }]);
    if (before && countsOtherwise(before, known)) this.#changed(row.user);
  }

  #alarm(code: AlarmCode, user: string, room: string): void {
    this.#parts().alarm({ code, user, ...(room ? { room } : {}) });
  }
}

/** The identity that a person compares: the one that nobody approved yet, where there is one. */
export function shownIdentity({ fingerprint, changedTo }: Known): Uint8Array {
  return changedTo.length > 0 ? changedTo : fingerprint;
}

/** What an app is told of whose identity this is. */
export function identityMark(known: Known | undefined): IdentityMark {
  if (!known) return 'unknown';
  if (known.changedTo.length > 0) return 'changed';
  if (known.compared) return 'compared';
  return known.approved ? 'approved' : 'seen';
}

function hasStartedOver({ changedTo, manifest }: Known): boolean {
  return changedTo.length > 0 || manifest.body.formerKeys.length > 0;
}

function countsOtherwise(before: Known, { withheld, approved, compared, changedTo }: Known): boolean {
  const isSame = before.approved === approved && before.compared === compared && before.withheld === withheld;
  return !isSame || !equalBytes(before.changedTo, changedTo);
}

function nextRow(
  user: string,
  manifest: DeviceManifest,
  next: KnownManifest,
  { known, bot }: { readonly known: Known | undefined; readonly bot: boolean },
): LocalPerson {
  const { masterKey } = next.body;
  const listed = new Set(next.body.devices.map((device) => device.id));
  const dropped = known?.manifest.body.devices.filter((device) => !listed.has(device.id)) ?? [];
  const fingerprint = known?.fingerprint ?? masterKey;
  // What was said of one identity says nothing of the next, nor of one that comes back.
  const isSame = known !== undefined && equalBytes(known.manifest.body.masterKey, masterKey);
  return {
    user,
    fingerprint,
    manifest,
    head: manifestHead(next),
    bot: bot || (known?.bot ?? false),
    profile: known?.row.profile,
    changedTo: equalBytes(fingerprint, masterKey) ? new Uint8Array() : masterKey,
    approved: isSame && known.approved,
    compared: isSame && known.compared,
    namedVersion: known?.row.namedVersion ?? 0,
    retired: [...(known?.row.retired ?? []), ...dropped].slice(-32),
    retiredMs: [...(known?.row.retiredMs ?? []), ...dropped.map(() => next.body.signedMs)].slice(-32),
  };
}

function versionOf(manifest: DeviceManifest): number {
  return ManifestBody.decode(manifest.signed).version;
}

function restore(row: LocalPerson, primitives: Primitives): Known | undefined {
  if (!row.manifest) return undefined;
  // Checked when it came; it lies sealed.
  const manifest = checkManifest(row.manifest, row.user, { ...primitives, verify: () => true });
  if (typeof manifest === 'string') return undefined;
  const { user, fingerprint, changedTo, approved, compared, bot } = row;
  const withheld = row.namedVersion > manifest.body.version;
  return { user, fingerprint, manifest, changedTo, approved, compared, withheld, bot, row };
}
