// Whom this device knows, in memory and in the store.
import { LocalPerson } from '#proto/gen/local.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import type { Recipient } from '../crypto/engine.ts';
import type { DeviceParts } from '../device-parts.ts';
import { everyPage, prefixRange } from '../store/store.ts';
import { countsOtherwise, hasStartedOver, type Known, restoreKnown } from './known.ts';

/** See above. */
export class KnownPeople {
  #parts: () => DeviceParts;
  #known = new Map<string, Known>();
  #changed: (user: string) => void;
  #takenOff: (user: string) => void;
  /** Grows with every change: what was derived from it (receivers of keys) is out of date. */
  version = 0;

  /** `changed`: somebody is given keys again, or no more, or counts otherwise. `takenOff`: a device of theirs was. */
  constructor(parts: () => DeviceParts, changed: (user: string) => void, takenOff: (user: string) => void) {
    this.#parts = parts;
    this.#changed = changed;
    this.#takenOff = takenOff;
  }

  /** Reads what is kept. */
  async load(): Promise<void> {
    const { store, primitives } = this.#parts();
    // All of them: who is not known is taken as at a first contact, whatever was compared with them.
    for await (const rows of everyPage(store, 'people', prefixRange('@')))
      for (const { value } of rows) {
        const known = restoreKnown(LocalPerson.decode(value), primitives);
        if (known) this.#known.set(known.user, known);
      }
  }

  /** The person, if known. */
  get(user: string): Known | undefined {
    return this.#known.get(user);
  }

  /** Version of the newest manifest of a user; 0 = none is known. */
  manifestVersion(user: string): number {
    return this.#known.get(user)?.manifest.body.version ?? 0;
  }

  /** Those who began another identity, approved or not. */
  startedOver(): Known[] {
    return [...this.#known.values()].filter(hasStartedOver);
  }

  /** The devices of a user that may get keys in a room whose chain commits to this identity: those of the newest manifest, where it is of that very one. So
   * of a new identity once it is signed in there, and not before. None while a manifest is withheld that the user's own messages name: it may be the
   * one without a stolen device. */
  recipient(user: string, committed: Uint8Array): Recipient | undefined {
    const known = this.#known.get(user);
    if (!known || known.withheld || !equalBytes(known.manifest.body.masterKey, committed)) return undefined;
    return { user, devices: known.manifest.body.devices.map((device) => device.id) };
  }

  /** Keeps a person, in place of what was kept of them. */
  async keep(row: LocalPerson): Promise<void> {
    const { store, primitives } = this.#parts();
    const known = restoreKnown(row, primitives);
    if (!known) return;
    const before = this.#known.get(row.user);
    this.#known.set(row.user, known);
    this.version++;
    await store.write([{ table: 'people', key: row.user, value: LocalPerson.encode(row).finish() }]);
    if (before && countsOtherwise(before, known)) this.#changed(row.user);
    if (before && before.row.retired.at(-1)?.id !== row.retired.at(-1)?.id) this.#takenOff(row.user);
  }

  /** Forgets a person of whom a false identity was taken on first sight. */
  async forget(user: string): Promise<void> {
    this.#known.delete(user);
    this.version++;
    await this.#parts().store.write([{ table: 'people', key: user, value: undefined }]);
  }
}
