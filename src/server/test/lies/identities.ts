// Lies about who a person is: another identity under the same name.
import { describePerson } from '#client/chain/control-author.ts';
import {
  ControlBody,
  ControlEntry,
  ControlKind,
  EventHeader,
  EventKind,
  type ManifestBody,
  Role,
} from '#proto/gen/record.ts';
import { eventually } from '../harness.ts';
import { off } from '../liar-doubles.ts';
import { forgedIdentity, signManifest } from '../liar-forger.ts';
import { comesBack, join, manifestOf, newPerson, type Scene, says, sharesWith } from '../liar-scene.ts';
import { consents } from './belief.ts';
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
    believed: consents,
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
      await shown(scene, bea.user, { version: 2, previousHash: manifest.hash });
      await alice.people.refresh([bea.user], room);
    },
    believed: async (scene) => sharesWith(scene, scene.bob.user, 'EVIL'),
  },
  {
    lie: 'says that a contact started over',
    noticed: 'IDENTITY_SWAPPED',
    freezes: false,
    devices: 1,
    without: ['fingerprints', 'approvals'],
    tell: async (scene) => {
      const { bob: bea, alice, room } = scene;
      await promoted(scene);
      const { manifest } = manifestOf(scene);
      const formerKeys = [manifest.body.masterKey];
      await shown(scene, bea.user, { version: 2, previousHash: manifest.hash, formerKeys });
      await alice.people.refresh([bea.user], room);
      await comesBack(scene);
    },
    believed: signsIn,
  },
  {
    lie: 'says that somebody started over whom Alice never met',
    noticed: 'IDENTITY_SWAPPED',
    freezes: false,
    without: ['approvals'],
    tell: async (scene) => {
      const { bob, alice, room } = scene;
      await promoted(scene);
      const met = await newPerson(scene);
      try {
        const formerKeys = [met.people.get(met.user)?.manifest.body.masterKey ?? new Uint8Array()];
        await shown(scene, met.user, { formerKeys });
        await bob.invite(room, met.user);
        await join(met, room);
        await eventually('alice knows', () =>
          alice.members(room).some(({ user, status }) => user === met.user && status === 2),
        );
        await alice.people.refresh([met.user], room);
        await comesBack(scene);
        // Where they are believed to be approved nothing needs to be written.
        if (!off.has('approvals')) await says(alice, room, 'welcome to you, too');
      } finally {
        await met.close();
      }
    },
    believed: signsIn,
  },
];

/** Alice's own device signs an identity in, which nobody approved: from then on it is that person for all in the room. */
async function signsIn({ liar, room }: Scene): Promise<boolean> {
  return liar.asked.some((asked) => {
    if (asked.$case !== 'submit' || asked.value.room !== room || !asked.value.event) return false;
    const { header, body } = asked.value.event;
    if (EventHeader.decode(header).kind !== EventKind.EVENT_KIND_CONTROL) return false;
    return ControlBody.decode(ControlEntry.decode(body).signed).kind === ControlKind.CONTROL_KIND_IDENTITY;
  });
}

/** From here on Alice is shown another identity under this name, in a list that says `more` of itself. */
async function shown({ liar }: Scene, user: string, more: Partial<ManifestBody>): Promise<void> {
  const evil = await forgedIdentity(user);
  const forged = await signManifest(evil.engine, { ...evil.body, ...more }, evil.credential);
  liar.down = (told) => {
    if (told.$case !== 'keysAnswer') return told;
    const users = told.value.users.map((keys) =>
      keys.user === user ? { ...keys, ...evil.keys, manifest: forged, manifests: [forged] } : keys,
    );
    return { ...told, value: { ...told.value, users } };
  };
}

/** Alice becomes an admin: she may sign new identities in. */
async function promoted({ alice, bob, room }: Scene): Promise<void> {
  await bob.setRole(room, alice.user, Role.ROLE_ADMIN);
  const isAdmin = () => alice.members(room).some(({ user, role }) => user === alice.user && role === Role.ROLE_ADMIN);
  await eventually('alice leads', isAdmin);
}
