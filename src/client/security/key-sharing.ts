// The backup key between own devices: who begins a backup tells the others, and who lacks the key of the one that the manifest names asks. So a device that
// was confirmed by emoji fills the backup and reads it back as one that knows the password.
// Guarantees: keys go to and are taken from listed own devices alone, and only for the backup that the manifest names. Does not: outlast a lost answer: the next
// start asks again.
import type { DeviceMessage, PrivateMessage } from '../crypto/engine.ts';
import type { Devices } from '../devices/devices.ts';
import type { Parts } from '../parts.ts';
import { type HeldBackup, heldRow, readHeld, restoreOf, restoreRow } from './backup-rows.ts';
import { namedBackup } from './in-force.ts';
import { type BackupMessage, backupContent, backupMessageType, readBackupMessage } from './key-message.ts';

/** What sharing needs. */
export interface KeySharingPorts {
  readonly parts: () => Parts;
  readonly devices: Pick<Devices, 'refresh'>;
  /** Ids of one's other devices in the newest manifest. */
  readonly otherDevices: () => readonly string[];
  readonly send: (messages: readonly DeviceMessage[]) => Promise<void>;
  /** The key of the backup in force is here now, and what it holds is to be read. */
  readonly came: (held: HeldBackup) => void;
}

/** Sharing of one device. */
export class KeySharing {
  readonly #ports: KeySharingPorts;
  #asked = 0;

  constructor(ports: KeySharingPorts) {
    this.#ports = ports;
  }

  /** Tells own devices, or these. Rejects as requests do. */
  async tell(message: BackupMessage, devices = this.#ports.otherDevices()): Promise<void> {
    if (devices.length === 0) return;
    const { engine, user } = this.#ports.parts();
    const sealed = await engine.sealForDevices(backupMessageType, backupContent(message), [{ user, devices }]);
    if (sealed.length > 0) await this.#ports.send(sealed);
  }

  /** Asks own devices for the key of this version, once a run. */
  async ask(version: number): Promise<void> {
    if (this.#asked === version || !this.#ports.parts().live()) return;
    await this.tell({ wanted: version });
    this.#asked = version;
  }

  /** Takes what another own device says of the backup; anything else is left alone. Durable when it resolves. */
  async take({ type, sender, device, content }: PrivateMessage): Promise<void> {
    const { user, count, background } = this.#ports.parts();
    if (type !== backupMessageType || sender !== user) return;
    const said = readBackupMessage(content);
    // Signed by its owner is not enough: a device that was taken off says and hears nothing any more.
    if (!said || device === undefined || !this.#ports.otherDevices().includes(device))
      return count('backup.keyRefused');
    if ('held' in said) await this.#adopt(said.held);
    else background(() => this.#answer(device, said.wanted));
  }

  async #adopt(held: HeldBackup): Promise<void> {
    const { parts, devices, came } = this.#ports;
    const { store } = parts();
    // It may speak of a manifest that is still on its way.
    if (held.version > (namedBackup(parts())?.version ?? 0)) await devices.refresh();
    if (held.version !== namedBackup(parts())?.version || (await readHeld(store))?.version === held.version) return;
    await store.write([heldRow(held), restoreRow(restoreOf(held.version))]);
    came(held);
  }

  async #answer(device: string, wanted: number): Promise<void> {
    const held = await readHeld(this.#ports.parts().store);
    if (held?.version === wanted && wanted === namedBackup(this.#ports.parts())?.version)
      await this.tell({ held }, [device]);
  }
}
