// Filling the backup: every session that this device has and the backup has not goes in, by itself, one request at a time.
// Guarantees: a session counts as backed up once the server has it; what a lost connection or a kill interrupts goes on in the next session; that a backup is
// full is known from then on, after a restart, too, until it takes what waits. Does not: decide which backup is in force.
import { Rejection } from '#proto/gen/codes.ts';
import { backUp } from '../backup/backup.ts';
import { type BackupKeys, backupKeys } from '../backup/sealing.ts';
import { ClientError, isRejection, unlessBug } from '../errors.ts';
import type { Parts } from '../parts.ts';
import { backupServer } from './backup-requests.ts';
import { type HeldBackup, heldRow, readHeld } from './backup-rows.ts';

/** Milliseconds from a sign that there may be new sessions to the look for them: signs come in flocks. */
const lookAfterMs = 1_000;

/** Milliseconds for which a backup that is full is left alone while messages go on: each try carries up to a hundred entries there in vain. */
const fullRestMs = 60 * 60_000;

/** A backup that this device fills. */
export interface FilledBackup {
  readonly version: number;
  readonly keys: BackupKeys;
}

/** What filling needs. */
export interface FillingPorts {
  readonly parts: () => Parts;
  /** The server says that another version is in force. */
  readonly stale: () => void;
  /** How many sessions wait, when that changed. */
  readonly waiting: (count: number) => void;
  /** Another answer of `full`. */
  readonly changed: () => void;
}

/** The filling of one device. */
export class Filling {
  readonly #ports: FillingPorts;
  #into: FilledBackup | undefined;
  #full = false;
  #restsUntilMs = 0;
  #stop = new AbortController();
  #running: Promise<void> | undefined;
  #again = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ports: FillingPorts) {
    this.#ports = ports;
  }

  /** The backup that is being filled. */
  get into(): FilledBackup | undefined {
    return this.#into;
  }

  /** Does the backup that is being filled take no more? */
  get full(): boolean {
    return this.#into !== undefined && this.#full;
  }

  /** Fills this backup from now on. Repeating is harmless. */
  async begin(held: HeldBackup): Promise<void> {
    const { version, backupKey, filling, full = false } = held;
    if (this.#into?.version !== version) {
      const { engine, store } = this.#ports.parts();
      const keys = await backupKeys(backupKey);
      await this.end();
      // What is in an earlier one waits again. Not noted before it is done: a crash repeats it.
      if (!filling) await engine.endBackup();
      await engine.startBackup(version, keys.engine);
      if (!filling) await store.write([heldRow({ ...held, filling: true })]);
      this.#into = { version, keys };
      this.#full = full;
      this.#stop = new AbortController();
    }
    this.kick();
  }

  /** Fills nothing from now on. */
  async end(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#into = undefined;
    this.#stop.abort(new ClientError('CLOSED', 'The backup is not filled any more.'));
    // Whoever began it hears of its failure.
    await this.#running?.catch(() => {});
  }

  /** There may be new sessions. */
  look(): void {
    if (!this.#into || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.full && this.#ports.parts().now() < this.#restsUntilMs)
        this.#ports.parts().background(() => this.#tellWaiting());
      else this.kick();
    }, lookAfterMs);
  }

  /** Brings in what waits, now. */
  kick(): void {
    if (this.#into && this.#ports.parts().live()) this.#ports.parts().background(() => this.fill());
  }

  /** Brings in all that waits. A call meanwhile makes one more round. Rejects as requests do. */
  fill(): Promise<void> {
    this.#again = true;
    this.#running ??= this.#rounds().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #rounds(): Promise<void> {
    while (this.#again && this.#into) {
      this.#again = false;
      await this.#round(this.#into);
    }
  }

  async #round({ version, keys }: FilledBackup): Promise<void> {
    const { waiting, parts, stale } = this.#ports;
    const { engine, user, count } = parts();
    const work = { engine, keys, owner: { user, version }, server: backupServer(parts()), signal: this.#stop.signal };
    try {
      const put = await backUp(work, waiting);
      if (put > 0) count('backup.sessions', put);
      await this.#note(version, false);
      waiting((await engine.backupCounts()).waiting);
    } catch (error) {
      const counts = await engine.backupCounts().catch(unlessBug);
      if ('waiting' in counts) waiting(counts.waiting);
      if (isRejection(error, Rejection.REJECTION_LIMIT_REACHED)) {
        count('backup.full');
        this.#restsUntilMs = parts().now() + fullRestMs;
        await this.#note(version, true);
      }
      if (!isRejection(error, Rejection.REJECTION_STALE_STATE)) throw error;
      stale();
    }
  }

  async #tellWaiting(): Promise<void> {
    const { parts, waiting } = this.#ports;
    waiting((await parts().engine.backupCounts()).waiting);
  }

  /** Keeps whether this version is full, where that is news. */
  async #note(version: number, full: boolean): Promise<void> {
    if (this.#into?.version !== version || this.#full === full) return;
    this.#full = full;
    const { store } = this.#ports.parts();
    const held = await readHeld(store);
    if (held?.version === version) await store.write([heldRow({ ...held, full })]);
    this.#ports.changed();
  }
}
