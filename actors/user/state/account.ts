// Everything that a user actor knows, and the one place where it changes: `apply` runs each inbox entry, when it is appended and again after
// a crash. What changes without an entry (cursors, last-seen day) has methods of its own. Nothing here decides whether something may happen.
import type { ManifestRow } from '#proto/gen/account.ts';
import {
  type AccountChanged,
  AccountState,
  type DeviceManifest,
  type InboxEntry,
  ManifestBody,
  type ManifestHead,
  type ObjectSignature,
  type RoomStanding,
} from '#proto/gen/record.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { userLimits } from '../limits.ts';
import { Blocks } from './blocks.ts';
import { Buckets } from './buckets.ts';
import { delivered } from './delivered.ts';
import { DeviceKeys } from './device-keys.ts';
import { Lanes } from './lanes.ts';
import { Senders } from './senders.ts';
import { withSignatures } from './signed-json.ts';
import { Standings } from './standings.ts';

/** One device of the user. */
export interface Device {
  readonly number: number;
  readonly id: string;
  name: string;
  cursor: number;
  needsFullSync: boolean;
  lastSeenDay: number;
  readonly lanes: Lanes;
  readonly keys: DeviceKeys;
}

/** The public cross-signing keys; empty bytes before their upload. */
export interface Identity {
  masterJson: Uint8Array;
  selfSigningJson: Uint8Array;
  userSigningJson: Uint8Array;
}

/** A manifest with its body decoded. */
export interface Published extends ManifestRow {
  readonly manifest: DeviceManifest;
  readonly body: ManifestBody;
}

/** The UTC day of a time, counted from 1970-01-01. */
export function dayOf(ms: number): number {
  return Math.floor(ms / 86_400_000);
}

type Placed = Pick<InboxEntry, 'seq' | 'acceptedMs'>;

/** The state of one user. */
export class Account {
  readonly user: string;
  /** Newest entry applied. */
  seq = 0;
  /** Its time; the next entry's is never earlier. */
  acceptedMs = 0;
  readonly devices = new Map<number, Device>();
  removed: number[] = [];
  readonly identity: Identity = { masterJson: noBytes, selfSigningJson: noBytes, userSigningJson: noBytes };
  /** The newest manifests, oldest first. */
  manifests: readonly Published[] = [];
  /** The Info bot has not confirmed that it heard of this user. */
  newcomer = false;
  /** Rooms that have not confirmed the newest one, or that the account is erased. */
  untold = new Set<string>();
  senders = new Senders();
  readonly rooms = new Standings();
  readonly blocks = new Blocks();
  /** Time of its first entry; 0 = it is older than that this was kept. */
  createdMs = 0;
  state: AccountState = AccountState.ACCOUNT_STATE_UNSPECIFIED;
  /** It was deactivated or erased, and login, backup and directory have not confirmed that they let go of it. */
  lettingGo = false;
  /** Number of the receipt and time of the erasure; empty and 0 for every other account. */
  receipt = '';
  erasedMs = 0;
  /** Those that no sleep and no crash may fill. */
  buckets = new Buckets();
  /** Names of the rows that changed; null where nobody will write them. */
  readonly dirty: Set<string> | null;

  constructor(user: string, { tracked }: { tracked: boolean }) {
    this.user = user;
    this.dirty = tracked ? new Set() : null;
  }

  /** Has a device ever said hello here, and was it not erased since? */
  get exists(): boolean {
    return this.seq > 0 && this.state !== AccountState.ACCOUNT_STATE_ERASED;
  }

  /** In use: neither deactivated nor erased. One that never was is, too. */
  get isOpen(): boolean {
    return this.state === AccountState.ACCOUNT_STATE_UNSPECIFIED;
  }

  /** The newest manifest, undefined before the first. */
  get manifest(): Published | undefined {
    return this.manifests.at(-1);
  }

  /** Can be invited, and the Info bot has not confirmed that it heard of them. */
  get isUnnamed(): boolean {
    return this.newcomer && this.manifest !== undefined;
  }

  /** Head of the newest manifest, {0, empty} before the first. */
  get manifestHead(): ManifestHead {
    return this.manifest?.head ?? { version: 0, hash: noBytes };
  }

  /** Is the device in the newest manifest? */
  isListed(device: number): boolean {
    return this.manifest?.body.devices.some((each) => each.number === device) ?? false;
  }

  /** Runs the next entry. One that is applied already is skipped. */
  apply(entry: InboxEntry): void {
    if (entry.seq <= this.seq) return;
    if (this.seq === 0) this.createdMs = entry.acceptedMs;
    this.seq = entry.seq;
    this.acceptedMs = Math.max(this.acceptedMs, entry.acceptedMs);
    this.#applyKind(entry);
    this.#count(entry);
  }

  /** Moves a device's cursor to `through`, never backwards, and forgets what waited below. Like all below: did anything change? */
  acknowledge(number: number, through: number): boolean {
    const device = this.devices.get(number);
    if (device === undefined || through <= device.cursor) return false;
    device.cursor = through;
    device.lanes.drop(through);
    this.#touchDevice(number);
    return true;
  }

  /** Takes how the user stands in a room, since `now`. What others change is charged to them once devices are told, which is later where it is `due`. */
  stand(standing: RoomStanding, now: number, { due }: { due: boolean }): boolean {
    const rooms = this.rooms.set(standing, now, { due });
    this.#touch(...rooms.map((room) => `room/${room}`));
    if (standing.byUser !== this.user && !due) this.charge('standing', 1, { now, of: standing.byUser });
    return true;
  }

  /** Is it nothing that the user's devices are to hear of? The 1:1 room with someone whom they block, or a room that such a one asks them into. */
  hides({ room, byUser }: RoomStanding): boolean {
    return this.blocks.hides(room) || (this.blocks.isBlocked(byUser) && this.rooms.get(room)?.joined !== true);
  }

  /** How the user stands where devices are still to hear of it, longest first. */
  due(): RoomStanding[] {
    return this.rooms.due().filter((standing) => !this.hides(standing));
  }

  /** A room has confirmed a manifest, or, with version 0, that the account is erased. */
  told(room: string, version: number): boolean {
    if (version !== this.manifestHead.version || !this.untold.delete(room)) return false;
    this.#touch('untold');
    return true;
  }

  /** The Info bot has heard of this user, or there is none any more. */
  introduced(): boolean {
    if (!this.newcomer) return false;
    this.newcomer = false;
    this.#touch('account');
    return true;
  }

  /** Login, backup and directory have let go of it. */
  letGo(): boolean {
    if (!this.lettingGo) return false;
    this.lettingGo = false;
    if (!this.exists) this.removed = [];
    this.#touch('account');
    return true;
  }

  /** Takes so much out of one of the account's own buckets. */
  charge(...[metered, amount, at]: Parameters<Buckets['charge']>): boolean {
    this.buckets.charge(metered, amount, at);
    this.#touch('buckets');
    return true;
  }

  /** Rows below `floor` are gone: a device that waited for one of them must sync in full. */
  expire(number: number, floor: number): boolean {
    const device = this.devices.get(number);
    if (device === undefined || device.lanes.drop(floor - 1) === 0) return false;
    device.needsFullSync = true;
    this.#touchDevice(number);
    return true;
  }

  /** Sets or clears what a device hears as needs_full_sync. */
  setNeedsFullSync(number: number, needed: boolean): boolean {
    const device = this.devices.get(number);
    if (device === undefined || device.needsFullSync === needed) return false;
    device.needsFullSync = needed;
    this.#touchDevice(number);
    return true;
  }

  /** Notes the UTC day of a hello. */
  setLastSeen(number: number, day: number): boolean {
    const device = this.devices.get(number);
    if (device === undefined || device.lastSeenDay === day) return false;
    device.lastSeenDay = day;
    this.#touchDevice(number);
    return true;
  }

  #applyKind({ seq, acceptedMs, device, body }: InboxEntry): void {
    switch (body?.$case) {
      case 'deviceMessage':
        this.#touch(`sender/${this.senders.add(body.value, { device, id: body.value.id, seq })}`);
        return;
      case 'standing':
        this.stand(body.value, acceptedMs, { due: false });
        return;
      case 'keyClaimed':
        this.#withKeys(body.value.device, (keys) => keys.claim(body.value));
        return;
      case 'keysUploaded':
        this.#withKeys(body.value.device, (keys) => keys.upload(body.value));
        return;
      case 'signaturesAdded':
        this.#applySignatures(body.value.signatures);
        return;
      case 'manifestPublished':
        this.#applyManifest(body.value);
        return;
      case 'crossSigningUploaded': {
        const { masterJson, selfSigningJson, userSigningJson } = body.value;
        Object.assign(this.identity, { masterJson, selfSigningJson, userSigningJson });
        this.#touch('account');
        return;
      }
      case 'blockChanged': {
        const changed = this.blocks.set(body.value.user, body.value, acceptedMs);
        this.#touch(...changed.map((user) => `block/${user}`));
        return;
      }
      case 'deviceChanged':
        this.#applyDevice({ seq, acceptedMs }, body.value);
        return;
      case 'accountChanged':
        this.#applyState(body.value, acceptedMs);
        return;
      default:
        return;
    }
  }

  #applyDevice(
    { seq, acceptedMs }: Placed,
    change: { device: number; id: string; name: string; removed: boolean; newcomer: boolean },
  ): void {
    const { device: number, id, name, removed, newcomer } = change;
    this.newcomer ||= newcomer;
    const known = this.devices.get(number);
    this.#touch('account');
    if (known !== undefined && !removed) {
      known.name = name;
      return;
    }
    if (removed) {
      this.devices.delete(number);
      this.removed = [...this.removed, number].slice(-userLimits.removedDevicesMax);
    } else {
      const lastSeenDay = dayOf(acceptedMs);
      const fresh = { cursor: seq, needsFullSync: false, lastSeenDay, lanes: new Lanes(), keys: new DeviceKeys() };
      this.devices.set(number, { number, id, name, ...fresh });
    }
    this.#touchDevice(number);
    this.#touch(`keys/${number}`);
  }

  #applyState({ state, receipt }: AccountChanged, acceptedMs: number): void {
    this.state = state;
    this.lettingGo = state !== AccountState.ACCOUNT_STATE_UNSPECIFIED;
    this.#touch('account');
    if (state === AccountState.ACCOUNT_STATE_ERASED) this.#erase(receipt, acceptedMs);
  }

  /** Nothing is left but that it was, which devices are still to be sent away, and which rooms are still to hear of it. */
  #erase(receipt: string, acceptedMs: number): void {
    Object.assign(this, { receipt, erasedMs: acceptedMs, createdMs: 0, newcomer: false });
    this.removed = [...this.devices.keys()];
    for (const number of this.removed) {
      this.#touchDevice(number);
      this.#touch(`keys/${number}`);
    }
    this.devices.clear();
    Object.assign(this.identity, { masterJson: noBytes, selfSigningJson: noBytes, userSigningJson: noBytes });
    this.#touch(...this.manifests.map(({ body }) => `manifest/${body.version}`), 'untold', 'buckets');
    this.manifests = [];
    this.buckets = new Buckets();
    this.#touch(...this.senders.clear().map((slot) => `sender/${slot}`));
    this.untold = new Set(this.rooms.clear());
    this.#touch(...[...this.untold].map((room) => `room/${room}`));
    this.#touch(...this.blocks.clear().map((user) => `block/${user}`));
  }

  #applyManifest({ manifest, head }: ManifestRow): void {
    if (manifest === undefined) return;
    const all = [...this.manifests, { manifest, head, body: ManifestBody.decode(manifest.signed) }];
    const gone = all.slice(0, -userLimits.manifestsKept);
    this.manifests = all.slice(-userLimits.manifestsKept);
    for (const { body } of [...gone, ...this.manifests.slice(-1)]) this.#touch(`manifest/${body.version}`);
    const rooms = this.rooms.current();
    if (rooms.length + this.untold.size > 0) this.#touch('untold');
    this.untold = new Set(rooms);
  }

  #applySignatures(signatures: readonly ObjectSignature[]): void {
    for (const [number, group] of Map.groupBy(signatures, (each) => each.device)) {
      const added = new Map(group.map(({ keyId, signature }) => [keyId, signature]));
      if (number === 0) {
        this.identity.masterJson = withSignatures(this.identity.masterJson, this.user, added);
        this.#touch('account');
      } else {
        this.#withKeys(number, (keys) => {
          keys.deviceJson = withSignatures(keys.deviceJson, this.user, added);
        });
      }
    }
  }

  #withKeys(number: number, change: (keys: DeviceKeys) => void): void {
    const keys = this.devices.get(number)?.keys;
    if (keys === undefined) return;
    change(keys);
    this.#touch(`keys/${number}`);
  }

  // Which devices does the entry wait for, and in which lane? A full lane of the own provider loses nothing by itself, but the device should
  // look at everything anew rather than believe that it heard all.
  #count(entry: InboxEntry): void {
    for (const device of this.devices.values()) {
      if (entry.seq <= device.cursor || delivered(entry, this.user, device.number) === null) continue;
      if (!device.lanes.add(entry.lane, entry.seq)) device.needsFullSync = true;
      this.#touchDevice(device.number);
    }
  }

  #touchDevice(number: number): void {
    this.#touch(`device/${number}`, `waiting/${number}`);
  }

  #touch(...rows: readonly string[]): void {
    for (const row of rows) this.dirty?.add(row);
  }
}
