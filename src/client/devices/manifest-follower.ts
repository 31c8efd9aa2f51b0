// Each manifest of a person is checked against the one before it. A server that brings a removed device back, hides a manifest or swaps an identity is noticed here.
import { type DeviceManifest, ManifestBody } from '#proto/gen/record.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { followManifest, type ManifestFault } from '#proto/rules/identity/manifest.ts';
import type { AlarmCode } from '../alarms.ts';
import type { DeviceParts } from '../device-parts.ts';
import { Lock } from '../lock.ts';
import { nextRow } from './known.ts';
import type { KnownPeople } from './known-people.ts';

const alarmOfFault: Partial<Record<ManifestFault, AlarmCode>> = {
  STALE: 'MANIFEST_ROLLED_BACK',
  FORK: 'MANIFEST_ROLLED_BACK',
};

/** What a question for keys was, to judge its answer by. */
export interface Asked {
  readonly room: string;
  /** About one user only: then manifests in between were asked for, too. */
  readonly alone: boolean;
  /** Version known of each when the question was asked. */
  readonly versions: ReadonlyMap<string, number>;
  readonly bot?: boolean;
}

/** See above. */
export class ManifestFollower {
  #parts: () => DeviceParts;
  #known: KnownPeople;
  readonly #following = new Lock();

  constructor(parts: () => DeviceParts, known: KnownPeople) {
    this.#parts = parts;
    this.#known = known;
  }

  /** Takes the manifests of a user that an answer held, oldest first. True where some in between are missing. One after the other: two answers on their
   * way together must not both take the place of the same manifest. */
  follow(user: string, manifests: readonly DeviceManifest[], asked: Asked): Promise<boolean> {
    return this.#following.run(() => this.#follow(user, manifests, asked));
  }

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
      const beside = { known: this.#known.get(user), bot: asked.bot ?? false, now: this.#parts().now() };
      const row = nextRow(user, manifest, result.known, beside);
      await this.#known.keep(isOwn ? { ...row, fingerprint: masterKey, changedTo: new Uint8Array() } : row);
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

  #alarm(code: AlarmCode, user: string, room: string): void {
    this.#parts().alarm({ code, user, ...(room ? { room } : {}) });
  }
}

function versionOf(manifest: DeviceManifest): number {
  return ManifestBody.decode(manifest.signed).version;
}
