// Other people (and oneself) as the server shows them: asked for by room or by exact id. Keys go to no device that is not in here.
import type { UserKeys } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import type { DeviceManifest, ManifestHead } from '#proto/gen/record.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { manifestHead } from '#proto/rules/identity/manifest.ts';
import type { AlarmCode } from '../alarms.ts';
import { pause } from '../connection/requests.ts';
import type { Recipient } from '../crypto/engine.ts';
import type { DeviceParts } from '../device-parts.ts';
import { ClientError, countLater } from '../errors.ts';
import { Approvals } from './approvals.ts';
import type { Known } from './known.ts';
import { KnownPeople } from './known-people.ts';
import { type Asked, ManifestFollower } from './manifest-follower.ts';
import { type Came, cameTooLate, isKnownLate } from './taken-off.ts';

/** What a message says about its author's device, and when it came. */
export interface DeviceClaim extends Came {
  readonly room: string;
  readonly named: ManifestHead | undefined;
}

const usersPerQuery = 50;
const deferredTries = 8;
// So long nobody is asked for again whom the server said it has not: each message of an erased author would ask, and who asks for strangers has few questions.
const goneMs = 10 * 60_000;

/** A sender's device: its number (0 = it can't be said any more), and whether it was taken off before the message came. */
export interface DeviceStanding {
  readonly number: number;
  readonly removed: boolean;
  /** Master key of the newest list, where the device stands in it. */
  readonly listedAs?: Uint8Array;
}

/** What came of asking for somebody: they are as the server has them, it has nobody of that id, or it could not be asked now. */
type Fetched = 'here' | 'missing' | 'later';

/** Everyone this device knows. */
export class People {
  #parts: () => DeviceParts;
  #known: KnownPeople;
  #follower: ManifestFollower;
  #refreshing = new Map<string, Promise<Fetched>>();
  /** Whom the server has not, and when it said so. */
  #gone = new Map<string, number>();
  /** Of whom there was news that could not be had, and a room that they share. */
  #owed = new Map<string, string>();
  /** Which of a person's identities counts. */
  readonly approvals: Approvals;

  /** `changed`: somebody is given keys again, or no more, or counts otherwise. `takenOff`: a device of theirs was. */
  constructor(
    parts: () => DeviceParts,
    changed: (user: string) => void = () => {},
    takenOff: (user: string) => void = () => {},
  ) {
    this.#parts = parts;
    this.#known = new KnownPeople(parts, changed, takenOff);
    this.#follower = new ManifestFollower(parts, this.#known);
    this.approvals = new Approvals(parts, this.#known);
  }

  /** Reads what is kept. */
  load(): Promise<void> {
    return this.#known.load();
  }

  /** See KnownPeople.version. */
  get version(): number {
    return this.#known.version;
  }

  /** The person, if known. */
  get(user: string): Known | undefined {
    return this.#known.get(user);
  }

  /** See KnownPeople.startedOver. */
  startedOver(): Known[] {
    return this.#known.startedOver();
  }

  /** See KnownPeople.recipient. */
  recipient(user: string, committed: Uint8Array): Recipient | undefined {
    return this.#known.recipient(user, committed);
  }

  /** See KnownPeople.forget. */
  forget(user: string): Promise<void> {
    return this.#known.forget(user);
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
    if (!this.#known.get(user)) await this.refresh([user], '');
    const known = this.#known.get(user);
    if (!known)
      throw new ClientError('UNKNOWN', 'There is nobody with this Luxchat-ID, or they have not set up their app yet.');
    return known;
  }

  /** Does the server know somebody with this exact id, or among those who are in `room`? What it shows of them is learnt. Rejects as `refresh` does: who asks for
   * strangers has few questions, who asks for members of a room has not. */
  async isThere(user: string, room = ''): Promise<boolean> {
    const missing = new Set<string>();
    await this.refresh([user], room, missing);
    return !missing.has(user);
  }

  async #query(users: readonly string[], room: string, missing: Set<string>): Promise<readonly string[]> {
    const manifestsAbove = users.length === 1 ? this.#known.manifestVersion(users[0] as string) : 0;
    const value = { room, users: [...users], manifestsAbove };
    const asked = {
      room,
      alone: users.length === 1,
      versions: new Map(users.map((user) => [user, this.#known.manifestVersion(user)])),
    };
    const answer = await this.#parts().request({ $case: 'queryKeys', value }, 'keysAnswer');
    for (const keys of answer.users) await this.#learn(keys, asked);
    for (const user of answer.missing) missing.add(user);
    return answer.deferred;
  }

  /** Refreshes one user and their keys in the engine. False when that was not possible now, or the server knew nobody of that id, less than ten minutes ago. */
  async tryRefresh(user: string, room: string): Promise<boolean> {
    return (await this.#fetched(user, room)) === 'here';
  }

  /** There is news of somebody: so they are there, whatever the server said before. What can't be had now `catchUp` asks for, in this run of the program. */
  async moved(user: string, room: string): Promise<void> {
    // What is being asked just now may have been answered before.
    await this.#refreshing.get(user);
    this.#gone.delete(user);
    if ((await this.#fetched(user, room)) === 'later') this.#owed.set(user, room);
    else this.#owed.delete(user);
  }

  /** Asks for those of whom there was news that could not be had. To be called when a session is in step. */
  async catchUp(): Promise<void> {
    for (const [user, room] of [...this.#owed]) await this.moved(user, room);
  }

  #fetched(user: string, room: string): Promise<Fetched> {
    const sinceMs = this.#parts().now() - (this.#gone.get(user) ?? Number.NEGATIVE_INFINITY);
    // A clock that was set back ends it as well.
    if (sinceMs >= 0 && sinceMs < goneMs) return Promise.resolve('missing');
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
    const isHere = !missing.has(user);
    if (!isHere && (room === '' || !(await this.isThere(user)))) {
      this.#gone.set(user, this.#parts().now());
      return 'missing';
    }
    await this.#parts().engine.refresh([user], isHere ? room : undefined);
    return 'here';
  }

  /** Takes a manifest that came by another way (own device published it). */
  async take(user: string, manifest: DeviceManifest): Promise<void> {
    await this.#follow(user, [manifest], { room: '', alone: false, versions: new Map() });
  }

  /** How the device with this id stands, by manifests as new as the message names: newer ones are fetched. Undefined = that could not be
   * found out now. */
  async deviceStanding(user: string, deviceId: string, claim: DeviceClaim): Promise<DeviceStanding | undefined> {
    const named = claim.named ?? { version: 0, hash: new Uint8Array() };
    // Twice: the first try may join a question that was asked before the manifest was there.
    for (let attempt = 0; attempt < 2 && this.#known.manifestVersion(user) < named.version; attempt++) {
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
    const removed = cameTooLate(known.row, at, { came: claim, listMs: known.manifest.body.signedMs });
    // A device taken off before this one first saw a manifest is not listed anywhere: its number can't be compared (0).
    return { number: known.row.retired[at]?.number ?? 0, removed };
  }

  /** Was the device with this key known here to be taken off before a hub can have taken what it signed? `afterMs`: see Came. */
  wasTakenOff(user: string, signingKey: Uint8Array, afterMs: number): boolean {
    const row = this.#known.get(user)?.row;
    const at = row?.retired.findLastIndex((device) => equalBytes(device.signingKey, signingKey)) ?? -1;
    return row !== undefined && at >= 0 && isKnownLate(row, at, afterMs);
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
    if (row && version > row.namedVersion) await this.#known.keep({ ...row, namedVersion: version });
  }

  async #learn(keys: UserKeys, asked: Asked): Promise<void> {
    this.#gone.delete(keys.user);
    const manifests = keys.manifest ? [...keys.manifests, keys.manifest] : keys.manifests;
    await this.#follow(keys.user, manifests, { ...asked, bot: keys.bot });
  }

  async #follow(user: string, manifests: readonly DeviceManifest[], asked: Asked): Promise<void> {
    const before = this.#known.manifestVersion(user);
    if (!(await this.#follower.follow(user, manifests, asked))) return;
    // Those in between come to one who asks for this user alone; if nothing came of that, they are being kept back.
    if (asked.alone && this.#known.manifestVersion(user) === before) this.#alarm('MANIFEST_INVALID', user, asked.room);
    else await this.refresh([user], asked.room);
  }

  #alarm(code: AlarmCode, user: string, room: string): void {
    this.#parts().alarm({ code, user, ...(room ? { room } : {}) });
  }
}
