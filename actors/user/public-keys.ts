// What may be seen of an account's keys: by the user everything public, by others no user-signing key, by a stranger no devices.
import { UserKeys } from '#proto/gen/client.ts';
import { DeviceManifest } from '#proto/gen/record.ts';
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { limits } from '#proto/rules/limits.ts';
import { userLimits } from './limits.ts';
import type { Account } from './state/account.ts';
import type { Turn } from './turn.ts';

/** How much is shown. */
export interface Sight {
  readonly devices: boolean;
  /** The user's own: with the user-signing key. */
  readonly own: boolean;
  /** Manifests above this version too; 0 = only the newest. */
  readonly manifestsAbove: number;
}

/** The keys of an account as they may be seen, at most 60 KiB; null where there is no account. */
export function keysOf({ account, desk }: Turn, { devices, own, manifestsAbove }: Sight): UserKeys | null {
  if (!account.exists) return null;
  const listed = devices ? [...account.devices.values()].filter(({ keys }) => keys.deviceJson.length > 0) : [];
  const shown: UserKeys = {
    user: account.user,
    devices: listed
      .sort((a, b) => a.number - b.number)
      .map(({ number, id, keys }) => ({ device: number, deviceId: id, deviceJson: keys.deviceJson })),
    masterJson: account.identity.masterJson,
    selfSigningJson: account.identity.selfSigningJson,
    userSigningJson: own ? account.identity.userSigningJson : noBytes,
    manifest: account.manifest?.manifest,
    bot: desk.settings.isBot(account.user),
    manifests: [],
  };
  if (manifestsAbove > 0) addManifests(account, manifestsAbove, shown);
  return shown;
}

// As many as the page and the frame hold: who asked goes on from the last one.
function addManifests(account: Account, above: number, shown: UserKeys): void {
  let bytes = UserKeys.encode(shown).finish().length;
  for (const { body, manifest } of account.manifests) {
    if (body.version <= above) continue;
    bytes += DeviceManifest.encode(manifest).finish().length + 8;
    if (bytes > userLimits.pageBytesMax || shown.manifests.length === limits.manifestPageMax) return;
    shown.manifests.push(manifest);
  }
}
