// A person's security set-up on this device: the backup password, the backup that fills itself, a new device that is opened with the password, and history
// that comes back. Wires `../backup/` to the server, the manifest, own devices and the local store.
// Guarantees: which backup counts is what own devices signed, never what the server says; passwords and grants are not kept; one of these calls at a time.
// Does not: step up (`devices/step-up.ts`), ask anybody anything.

import type { Grant } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import type { Derivation, PasswordCost } from '../backup/header.ts';
import { requireStrong } from '../backup/strength.ts';
import type { StepUpGrant } from '../connection/login.ts';
import type { PrivateMessage } from '../crypto/engine.ts';
import type { RoomKey } from '../crypto/ids.ts';
import type { KeyFileImport } from '../crypto/keeping.ts';
import type { Devices } from '../devices/devices.ts';
import { ClientError, countLater, isRejection } from '../errors.ts';
import { Lock } from '../lock.ts';
import type { Rooms } from '../room/rooms.ts';
import type { SecurityState } from '../shown.ts';
import { checkBackup } from './backup-requests.ts';
import { heldRow, readHeld, restoreOf, restoreRow } from './backup-rows.ts';
import { type Beginning, beginBackup, finishBegun } from './beginning.ts';
import { Filling } from './filling.ts';
import { namedBackup, requireForward } from './in-force.ts';
import { KeySharing, type KeySharingPorts } from './key-sharing.ts';
import { openAsOwner, openWithPassword } from './opening.ts';
import { Restoring } from './restoring.ts';
import { type WaitingRooms, waitingRooms } from './waiting-rooms.ts';

/** What logging this device out would cost: `everything` where it is the last one and no backup can be opened without it, `newest` where some of it is not
 * in the backup yet. */
export type LogOutLoss = 'nothing' | 'newest' | 'everything';

/** What starting over would cost. Besides, always: what was written before can not be read on this device, and contacts are warned. */
export interface StartOverLoss extends WaitingRooms {
  /** Is there a backup that ends with it? Whoever finds the password again before then needs not start over. */
  readonly backup: boolean;
  /** Names of the other devices, which are logged out. One of them that is at hand and confirmed can confirm this one instead, and nothing is lost. */
  readonly devices: readonly string[];
}

/** What it needs of the client. */
export interface SecurityPorts extends Omit<KeySharingPorts, 'came'> {
  readonly devices: Pick<Devices, 'nameBackup' | 'refresh' | 'list' | 'remove' | 'renewSelfSigning' | 'startOver'>;
  readonly rooms: () => Pick<Rooms, 'all' | 'get'>;
  /** Is the list of rooms the server's? */
  readonly inStep: () => boolean;
  /** Sessions came: what waits for them is tried again. */
  readonly keysCame: (keys: readonly RoomKey[]) => Promise<void>;
  /** What is in a room's state can be read now: names. */
  readonly readSlots: (room: string) => void;
  /** Own devices are to say what they know of rooms. */
  readonly askPositions: () => Promise<void>;
  /** What Argon2id costs for new passwords; default 64 MiB and 3 passes. */
  readonly cost?: PasswordCost | undefined;
}

/** The security of one device. Calls that need the server reject as all do; `watch` tells how far the password's derivation is (seconds) and ends it. */
export class Security {
  readonly #ports: SecurityPorts;
  readonly #filling: Filling;
  readonly #restoring: Restoring;
  readonly #sharing: KeySharing;
  readonly #listeners = new Set<() => void>();
  readonly #turn = new Lock();
  #waiting = 0;
  #told = '';
  #closed = false;

  constructor(ports: SecurityPorts) {
    this.#ports = ports;
    const { parts, rooms, inStep, keysCame, readSlots } = ports;
    const waiting = (count: number) => {
      this.#waiting = count;
      this.#tell();
    };
    this.#filling = new Filling({ parts, stale: () => this.#stale(), waiting, changed: () => this.#tell() });
    this.#restoring = new Restoring({
      parts,
      rooms,
      inStep,
      source: () => this.#filling.into,
      keysCame,
      roomDone: readSlots,
      changed: () => this.#tell(),
    });
    const came = ({ version }: { readonly version: number }) => {
      this.#restoring.begin(version);
      parts().background(() => this.follow());
    };
    this.#sharing = new KeySharing({ ...ports, came });
  }

  /** See SecurityState. Each change is told as event `security`. */
  state(): SecurityState {
    const parts = this.#ports.parts();
    const named = namedBackup(parts);
    const restore = this.#restoring.progress;
    const common = { backup: named !== undefined, waiting: this.#waiting, ...(restore ? { restore } : {}) };
    if (!parts.confirmed()) return { state: 'unconfirmed', ...common };
    if (named === undefined) return { state: 'unprotected', ...common };
    if (this.#filling.into?.version !== named.version) return { state: 'waiting', ...common };
    return { state: 'protected', ...common, ...(this.#filling.full ? { full: true } : {}) };
  }

  /** Makes the backup under this password; from then on it fills itself. `grant` is of purpose `backup`. WEAK_PASSWORD, NOT_CONFIRMED, STEP_UP_NEEDED,
   * UNTRUSTED, OFFLINE; BAD_ARGUMENT where there is one, or the password has over 256 characters; TIMEOUT where another device was quicker. */
  async setUp(grant: Grant, password: string, watch: Derivation = {}): Promise<void> {
    await requireStrong(password);
    await this.#exclusive(async () => {
      await this.#look();
      if (namedBackup(this.#ports.parts()))
        throw new ClientError('BAD_ARGUMENT', 'There is a backup already: its password can be changed.');
      await this.#begin(grant, password, watch);
    });
  }

  /** Makes a new backup under another password; the one before opens nothing any more. What only the old one held is read first. The old password is not
   * asked for: who forgot it and has a confirmed device loses nothing. As `setUp`; OFFLINE also while another own device has yet to give this one the key. */
  async changePassword(grant: Grant, password: string, watch: Derivation = {}): Promise<void> {
    await requireStrong(password);
    await this.#exclusive(async () => {
      await this.#look();
      const named = namedBackup(this.#ports.parts());
      if (named && this.#filling.into?.version !== named.version)
        throw new ClientError('OFFLINE', 'Another own device has yet to give this one the key of the backup.');
      await this.#restoring.readAll();
      await this.#begin(grant, password, watch);
    });
  }

  /** Confirms this new device with the password and begins to read history back. `grant` is of purpose `backup`, and serves the next try as well.
   * WRONG_PASSWORD; UNKNOWN where there is no backup; STEP_UP_NEEDED; REJECTED RATE_LIMITED (five an hour); UNTRUSTED, with an alarm, where the server
   * shows an older backup or another identity; OFFLINE. */
  unlock(grant: Grant, password: string, watch: Derivation = {}): Promise<void> {
    return this.#exclusive(async () => {
      const { version } = await openWithPassword(this.#ports, { grant, password, ...watch });
      this.#restoring.begin(version);
      await this.#follow();
      await this.#ports.askPositions();
    });
  }

  /** Logs own devices out as lost, those among them that are logged out already too: out at once, and with them every device that is not confirmed; then what they knew is worth nothing more: a new backup
   * under the same password, and another self-signing key, which signs the devices that stay. `grant` is of purpose `backup` and serves the next try of the password. WRONG_PASSWORD
   * (nothing was changed yet); UNKNOWN where there is no backup: `Luxchat.removeDevice` is enough then; BAD_ARGUMENT for this very device; else as `changePassword`. */
  async logOutAsLost(
    grant: StepUpGrant,
    password: string,
    { devices, ...watch }: Derivation & { readonly devices: readonly number[] },
  ): Promise<void> {
    if (devices.includes(this.#ports.parts().device))
      throw new ClientError('BAD_ARGUMENT', 'This device can not log itself out as lost.');
    const second = secondOf(grant);
    await this.#exclusive(async () => {
      await this.#look();
      const { backupKey, version } = await openAsOwner(this.#ports, { grant, password, ...watch });
      const unconfirmed = (await this.#ports.devices.list()).filter(({ confirmed }) => !confirmed);
      const lost = [...new Set([...devices, ...unconfirmed.map(({ device }) => device)])];
      await this.#ports.devices.remove(...lost);
      // The one that had its key may have been the lost one.
      if (this.#filling.into?.version !== version) {
        await this.#ports.parts().store.write([heldRow({ version, backupKey }), restoreRow(restoreOf(version))]);
        this.#restoring.begin(version);
      }
      await this.#follow();
      await this.#restoring.readAll();
      const loss = { devices: lost, selfSigningSeed: crypto.getRandomValues(new Uint8Array(32)) };
      await this.#begin(second, password, { ...watch, loss });
    });
  }

  /** What starting over would cost. To be asked, and told to the person, before `startOver`. Rejects as requests do. */
  async lossAtStartOver(): Promise<StartOverLoss> {
    const { parts, rooms, devices } = this.#ports;
    const others = (await devices.list()).filter(({ current }) => !current);
    const replicas = rooms()
      .all()
      .map(({ replica }) => replica);
    return {
      backup: namedBackup(parts()) !== undefined,
      devices: others.map(({ name }) => name),
      ...waitingRooms(replicas),
    };
  }

  /** Begins anew with another identity, on this device alone: for somebody who lost the password and every confirmed device. What `lossAtStartOver` says is lost;
   * contacts are warned, and let one in again. `grant` is of purpose `identity`. Ends with a new backup under this password; where only that fails, `setUp`
   * makes up for it. WEAK_PASSWORD, STEP_UP_NEEDED, OFFLINE; BAD_ARGUMENT on a confirmed device: `changePassword` loses nothing. */
  async startOver(grant: StepUpGrant, password: string, watch: Derivation = {}): Promise<void> {
    await requireStrong(password);
    const second = secondOf(grant);
    await this.#exclusive(async () => {
      if (this.#ports.parts().confirmed())
        throw new ClientError(
          'BAD_ARGUMENT',
          'This device is confirmed: the password can be changed, and nothing is lost by that.',
        );
      await this.#ports.devices.startOver(grant);
      await this.#follow();
      await this.#begin(second, password, watch);
    });
  }

  /** Resolves when all sessions of this device that the backup takes are in it (`SecurityState.full`) and nothing is to be read back. OFFLINE after `timeoutMs`
   * (30,000); it goes on by itself. */
  async flushed(timeoutMs = 30_000): Promise<void> {
    const late = AbortSignal.timeout(timeoutMs);
    if (this.#filling.into) await this.#filling.fill().catch(unlessFull);
    this.#restoring.kick();
    while ((this.#waiting > 0 && !this.#filling.full) || this.#restoring.progress !== undefined) {
      if (late.aborted || !this.#ports.parts().live())
        throw new ClientError('OFFLINE', 'Not everything is in the backup, or read back, yet. It goes on by itself.');
      await this.#nextChange(late);
    }
  }

  /** To be asked, and told to the person, before they log this device out. */
  async lossAtLogOut(): Promise<LogOutLoss> {
    await this.#followed();
    const { state } = this.state();
    if (state === 'unconfirmed' || this.#ports.otherDevices().length > 0) return 'nothing';
    if (state !== 'protected') return 'everything';
    return (await this.#ports.parts().engine.backupCounts()).waiting > 0 ? 'newest' : 'nothing';
  }

  /** All sessions as a key file under a passphrase, in the format that Matrix clients read. WEAK_PASSWORD. */
  async exportKeys(passphrase: string): Promise<string> {
    await requireStrong(passphrase);
    return this.#ports.parts().engine.exportKeys(passphrase);
  }

  /** Takes a key file in. What it opens is shown as `unproven`. WRONG_PASSWORD; BAD_ARGUMENT for what is no key file. */
  async importKeys(file: string, passphrase: string): Promise<KeyFileImport> {
    const imported = await this.#ports.parts().engine.importKeys(file, passphrase);
    this.#filling.look();
    return imported;
  }

  /** Resolves when what the backup holds of this room is here, or can't be had just now. It is read before other rooms. */
  async restored(room: string): Promise<void> {
    await this.#followed();
    return this.#restoring.restored(room);
  }

  /** Reads what is kept. */
  load(): Promise<void> {
    return this.#restoring.load();
  }

  /** Someone looks at this room. */
  want(room: string): void {
    this.#restoring.want(room);
  }

  /** There may be new sessions. */
  look(): void {
    this.#filling.look();
  }

  /** Own devices, the manifest or the session moved: what is in force is filled and read back. Rejects as requests do. */
  follow(): Promise<void> {
    return this.#exclusive(() => this.#follow());
  }

  /** See KeySharing. */
  take(message: PrivateMessage): Promise<void> {
    return this.#sharing.take(message);
  }

  /** Stops; what is noted goes on at the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([this.#filling.end(), this.#restoring.end()]);
    await this.#turn.run(() => {});
  }

  /** What is in force is followed as far as that is possible now. */
  async #followed(): Promise<void> {
    await this.follow().catch((error) => countLater(this.#ports.parts().count, error));
  }

  async #follow(): Promise<void> {
    const parts = this.#ports.parts();
    if (this.#closed) return;
    if (!parts.confirmed()) await this.#filling.end();
    else {
      if (parts.live()) await finishBegun(this.#ports);
      const named = namedBackup(parts);
      const held = await readHeld(parts.store);
      if (named && held?.version === named.version) {
        await this.#filling.begin(held);
        this.#restoring.kick();
      } else {
        await this.#filling.end();
        if (named) await this.#sharing.ask(named.version);
      }
    }
    this.#tell();
  }

  async #begin(grant: Grant, password: string, watch: Derivation & Pick<Beginning, 'loss'>): Promise<void> {
    const { cost, parts } = this.#ports;
    const held = await beginBackup(this.#ports, { grant, password, ...watch, cost });
    await this.#follow();
    // Whom this does not reach asks.
    parts().background(() => this.#sharing.tell({ held }));
  }

  /** The newest manifest, and what follows from it. */
  async #look(): Promise<void> {
    await this.#ports.devices.refresh();
    await this.#follow();
  }

  /** The server refused to take entries of this version. */
  #stale(): void {
    const { parts, devices } = this.#ports;
    parts().background(async () => {
      await devices.refresh();
      requireForward(parts(), await checkBackup(parts()));
      await this.follow();
    });
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    return this.#turn.run(work);
  }

  #nextChange(late: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#listeners.delete(wake);
        late.removeEventListener('abort', wake);
        resolve();
      };
      this.#listeners.add(wake);
      late.addEventListener('abort', wake);
    });
  }

  #tell(): void {
    for (const wake of [...this.#listeners]) wake();
    const state = this.state();
    const said = JSON.stringify(state);
    if (said === this.#told || this.#closed) return;
    this.#told = said;
    this.#ports.parts().emit('security', state);
  }
}

/** A backup that is full is a state, and told as one. */
function unlessFull(error: unknown): void {
  if (!isRejection(error, Rejection.REJECTION_LIMIT_REACHED)) throw error;
}

function secondOf({ second }: StepUpGrant): Grant {
  if (!second) throw new ClientError('STEP_UP_NEEDED', 'This takes a step-up of purpose backup or identity.');
  return second;
}
