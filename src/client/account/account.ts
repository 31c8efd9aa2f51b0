// What a person can do with their account as a whole, as an app calls it.
import type { StepUpGrant } from '../connection/login.ts';
import type { Parts } from '../parts.ts';
import type { RoomReplica } from '../room/room.ts';
import { AccountCloser, type ClosingPorts, type Erasure, type ErasureLoss, type LeavingProgress } from './closing.ts';
import { type ExportOptions, exportAccount } from './export.ts';
import { accountRecord } from './record.ts';

/** The account. Every method says how it fails. */
export interface AccountApi {
  /** Switches the account off: every device is logged out, this one too, and to everybody else it is one whose devices are switched off. It leaves the
   * directory. Nothing that was sent is deleted sooner or later than it would be. Whoever logs in with the same LuxID makes it active again (event
   * `reactivated`), on a device that is confirmed by the backup password alone: secure the messages before. `grant` is of purpose `deactivate`. Resolves once
   * it is durable. STEP_UP_NEEDED, OFFLINE, REJECTED. */
  deactivate(grant: StepUpGrant): Promise<void>;
  /** What `erase` would do to groups that only this user leads, and which rooms would stay: to be shown before. Asks the server whether whoever would lead them is still there. OFFLINE, REJECTED. */
  lossAtErasure(): Promise<ErasureLoss>;
  /** Erases the account at its provider, for good. First all that the user wrote is emptied at the provider, room by room, those with people who are blocked as well, and the rooms are left, as far as
   * that can be (five minutes at most): `onLeaving` hears how far that is. Where a group has no other owner whose account is still there, the role goes to somebody in it: to whom messages reach before who
   * waits for a new identity to be signed in, then by the highest role, then by the lowest number; never to a bot. Those who have it keep it. Resolves to what the provider promises; show it, and let the person keep it. Local data stays until the caller removes the device. `grant` is of
   * purpose `erase`. Nothing else goes out of this device from then on; where it fails, what waits does. STEP_UP_NEEDED, OFFLINE and REJECTED: nothing was erased, though rooms may have been left; call again. */
  erase(grant: StepUpGrant, options?: { readonly onLeaving?: (progress: LeavingProgress) => void }): Promise<Erasure>;
  /** What the provider keeps of this user, as plain data: `record.json` of an export. OFFLINE, REJECTED. */
  record(): Promise<Readonly<Record<string, unknown>>>;
  /** Everything of this user as the bytes of a zip, made as they are read: what the provider keeps, and every conversation that this device can read, older
   * lines fetched, names and pictures of the people in them; README.txt in it says what is what. Nothing in it is encrypted. Reading may stop at any time. OFFLINE, REJECTED: what was read by then is
   * no zip. */
  export(options?: ExportOptions): AsyncIterable<Uint8Array>;
}

export interface AccountPorts extends ClosingPorts {
  readonly parts: () => Pick<Parts, 'request' | 'live' | 'whenLive' | 'now' | 'primitives' | 'user' | 'profiles'>;
  readonly replicas: () => readonly RoomReplica[];
}

/** The account of this device. */
export class Account implements AccountApi {
  readonly #closer: AccountCloser;

  readonly #ports: AccountPorts;

  constructor(ports: AccountPorts) {
    this.#ports = ports;
    this.#closer = new AccountCloser(ports);
  }

  deactivate(grant: StepUpGrant): Promise<void> {
    return this.#closer.deactivate(grant);
  }

  lossAtErasure(): Promise<ErasureLoss> {
    return this.#closer.lossAtErasure();
  }

  erase(grant: StepUpGrant, { onLeaving = () => {} }: Parameters<AccountApi['erase']>[1] = {}): Promise<Erasure> {
    return this.#closer.erase(grant, onLeaving);
  }

  record(): Promise<Readonly<Record<string, unknown>>> {
    return accountRecord(this.#ports.parts());
  }

  export(options: ExportOptions = {}): AsyncIterable<Uint8Array> {
    const { parts, replicas } = this.#ports;
    return exportAccount({ parts, rooms: replicas }, options);
  }
}
