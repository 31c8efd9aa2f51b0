// Lies about which devices a person has: manifests that are old, signed by one who may not, or withheld.
import type { LuxchatClient } from '#client/luxchat-client.ts';
import type { Credential, DeviceManifest } from '#proto/gen/record.ts';
import { signManifest } from '../liar-forger.ts';
import { hasManifest, manifestOf, reads, type Scene, says, sharesWith } from '../liar-scene.ts';
import { sharesWithSecond } from './belief.ts';
import type { Lie } from './lie.ts';

/** A device is listed that its person does not have. */
export const devices: readonly Lie[] = [
  {
    lie: 'lists a removed device again by an old manifest',
    noticed: 'MANIFEST_ROLLED_BACK',
    freezes: false,
    devices: 2,
    without: ['manifest succession'],
    tell: async (scene) => {
      const { bob: bea, second, alice, room } = scene;
      const old = manifestOf(scene).row.manifest as DeviceManifest;
      await bea.removeDevice(second?.device ?? 0);
      await hasManifest(scene, bea.user, 3);
      manifestsOf(scene, bea.user, [old]);
      await alice.people.refresh([bea.user], room);
    },
    believed: sharesWithSecond,
  },
  {
    lie: 'lets a removed device list itself again',
    noticed: 'MANIFEST_INVALID',
    freezes: false,
    devices: 2,
    without: ['manifest succession'],
    tell: async (scene) => {
      const { bob: bea, second, alice, room } = scene;
      const before = manifestOf(scene).manifest.body;
      const signs = second as LuxchatClient;
      const credential = { member: 0, device: signs.device, ...(await signs.parts.engine.certificate()) };
      await bea.removeDevice(signs.device);
      await hasManifest(scene, bea.user, 3);
      const { hash } = manifestOf(scene).manifest;
      const body = { ...before, version: 4, previousHash: hash, signer: signs.device };
      manifestsOf(scene, bea.user, [await signManifest(signs.parts.engine, body, credential)]);
      await alice.people.refresh([bea.user], room);
    },
    believed: sharesWithSecond,
  },
  {
    lie: 'adds a device to a manifest',
    noticed: 'MANIFEST_INVALID',
    freezes: false,
    devices: 1,
    without: ['signatures'],
    tell: async (scene) => {
      const { bob: bea, eve, alice, room } = scene;
      const { manifest, row } = manifestOf(scene);
      const keys = await eve.parts.engine.ownKeys();
      const extra = { number: 7, id: 'EVIL', signingKey: keys.ed25519, identityKey: keys.curve25519 };
      const body = {
        ...manifest.body,
        version: 2,
        previousHash: manifest.hash,
        devices: [...manifest.body.devices, extra],
      };
      const credential = row.manifest?.credential as Credential;
      manifestsOf(scene, bea.user, [await signManifest(eve.parts.engine, body, credential)]);
      await alice.people.refresh([bea.user], room);
    },
    believed: async (scene) => sharesWith(scene, scene.bob.user, 'EVIL'),
  },
  {
    lie: 'withholds the manifest in which a device was removed',
    noticed: 'MANIFEST_WITHHELD',
    freezes: false,
    devices: 2,
    without: ['device standing'],
    tell: async (scene) => {
      const { bob: bea, second, alice, room } = scene;
      manifestsOf(scene, bea.user, [manifestOf(scene).row.manifest as DeviceManifest]);
      await bea.removeDevice(second?.device ?? 0);
      await says(bea, room, 'my other one was stolen');
      await reads(alice, room, 'my other one was stolen');
    },
    believed: sharesWithSecond,
  },
  {
    lie: 'says that there is nobody of that id, to hide the manifest in which a device was removed',
    noticed: 'UNKNOWN_DEVICE',
    freezes: false,
    silent: true,
    devices: 2,
    without: ['device standing'],
    tell: async (scene) => {
      const { bob: bea, second, room, liar } = scene;
      // To those in the room and to who asks by their id, as of an account that was erased.
      liar.down = (told) => {
        if (told.$case !== 'keysAnswer') return told;
        const [hidden, users] = [told.value.users.filter(isOf(bea)), told.value.users.filter((one) => !isOf(bea)(one))];
        return {
          ...told,
          value: { ...told.value, users, missing: [...told.value.missing, ...hidden.map(({ user }) => user)] },
        };
      };
      await bea.removeDevice(second?.device ?? 0);
      await says(bea, room, 'my other one was stolen');
    },
    believed: sharesWithSecond,
  },
];

const isOf =
  (client: LuxchatClient) =>
  ({ user }: { readonly user: string }) =>
    user === client.user;

/** Manifests that the liar hands out in place of those of a user. */
function manifestsOf({ liar }: Scene, user: string, manifests: readonly DeviceManifest[]): void {
  liar.down = (told) => {
    if (told.$case !== 'keysAnswer') return told;
    const users = told.value.users.map((keys) =>
      keys.user === user ? { ...keys, manifest: manifests.at(-1), manifests: [...manifests] } : keys,
    );
    return { ...told, value: { ...told.value, users } };
  };
}
