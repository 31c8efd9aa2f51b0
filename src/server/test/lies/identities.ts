// Lies about who a person is: another identity under the same name.
import { describePerson } from '#client/chain/control-author.ts';
import { ControlKind, Role } from '#proto/gen/record.ts';
import { forgedIdentity, signManifest } from '../liar-forger.ts';
import { join, manifestOf, sharesWith } from '../liar-scene.ts';
import type { Lie } from './lie.ts';

/** A person is swapped for another. */
export const identities: readonly Lie[] = [
  {
    lie: 'swapped the identity of Alice to who invites her',
    noticed: 'IDENTITY_SWAPPED',
    freezes: true,
    absent: true,
    without: ['freezing'],
    tell: async ({ alice, bob, room }) => {
      // What Bob signs who was shown another identity under her name when he first heard of her.
      const { sender } = bob.held.need(room);
      await sender.control(({ chain }) => {
        if (chain.memberOf(alice.user) > 0) return null;
        const target = (chain.state?.members.size ?? 0) + 1;
        const person = describePerson(alice.user, crypto.getRandomValues(new Uint8Array(32)), target);
        return { kind: ControlKind.CONTROL_KIND_INVITE, target, role: Role.ROLE_MEMBER, person };
      });
      await join(alice, room).catch(() => {});
    },
    // She signs her consent to a room in which another one bears her name.
    believed: async ({ liar, room }) =>
      liar.asked.some((asked) => asked.$case === 'submit' && asked.value.room === room),
  },
  {
    lie: 'swaps the identity of someone in the room',
    noticed: 'IDENTITY_SWAPPED',
    freezes: false,
    devices: 1,
    without: ['fingerprints'],
    tell: async (scene) => {
      const { bob: bea, alice, room } = scene;
      const { manifest } = manifestOf(scene);
      const evil = await forgedIdentity(bea.user);
      const body = { ...evil.body, version: 2, previousHash: manifest.hash };
      const forged = await signManifest(evil.engine, body, evil.credential);
      scene.liar.down = (told) => {
        if (told.$case !== 'keysAnswer') return told;
        const users = told.value.users.map((keys) =>
          keys.user === bea.user ? { ...keys, ...evil.keys, manifest: forged, manifests: [forged] } : keys,
        );
        return { ...told, value: { ...told.value, users } };
      };
      await alice.people.refresh([bea.user], room);
    },
    believed: async (scene) => sharesWith(scene, scene.bob.user, 'EVIL'),
  },
];
