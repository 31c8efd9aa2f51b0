// Lies with a device that was taken off, its keys in a thief's hands: the server shows what it writes and takes what it signs as if it still stood in the list.
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { ControlKind, type Event, MemberStatus, Role } from '#proto/gen/record.ts';
import { eventually } from '../harness.ts';
import { comesBack, hasManifest, type Scene, signedEntry, stranger } from '../liar-scene.ts';
import { knowsMallory, shows } from './belief.ts';
import { heldBack } from './held-back.ts';
import type { Lie } from './lie.ts';

const graceMs = 5 * 60_000;
const word = 'send the money to this account';

/** It is heard after it was taken off. */
export const thief: readonly Lie[] = [
  {
    lie: 'shows what a device wrote after it was taken off',
    noticed: 'SENDER_REMOVED',
    freezes: false,
    devices: 2,
    without: ['removal stamps'],
    tell: async (scene) => {
      const event = await written(scene);
      await takenOff(scene);
      scene.liar.add(scene.room, event, {}, Date.now() + 2 * graceMs);
    },
    believed: shows(word),
  },
  {
    lie: 'dates back what a device writes that was taken off long ago',
    noticed: 'SENDER_REMOVED',
    freezes: false,
    devices: 2,
    without: ['own clock'],
    tell: async (scene) => {
      const event = await written(scene);
      await takenOff(scene);
      await later(scene);
      // Stamped as of a moment in which the message might still have been under way.
      scene.liar.add(scene.room, event);
    },
    believed: shows(word),
  },
  {
    lie: 'takes an invitation that a device signed which was taken off long ago',
    noticed: 'CONTROL_INVALID',
    freezes: true,
    devices: 2,
    without: ['own clock'],
    tell: async (scene) => {
      const person = stranger(scene.alice.members(scene.room).length + 1);
      const statement = {
        kind: ControlKind.CONTROL_KIND_INVITE,
        target: person.member,
        person,
        role: Role.ROLE_MEMBER,
      };
      const { event, credential } = await signedEntry(scene, stolen(scene), statement);
      await takenOff(scene);
      await later(scene);
      scene.liar.add(scene.room, event, { persons: [person], credentials: [credential] });
    },
    believed: knowsMallory,
  },
];

const stolen = ({ second }: Scene) => second as LuxchatClient;

/** A message of the device, of which Alice has the key, and that the true hub never gets. */
async function written(scene: Scene): Promise<Event> {
  const [device, { room }] = [stolen(scene), scene];
  const isIn = () =>
    device.rooms().some((one) => one.room === room && one.status === MemberStatus.MEMBER_STATUS_JOINED);
  await eventually('it is in the room', isIn);
  const held = heldBack(device, room);
  await device.send(room, word);
  const event = await held.event;
  held.refuse();
  return event;
}

/** Its owner takes it off, and Alice learns of it. */
async function takenOff(scene: Scene): Promise<void> {
  await scene.bob.removeDevice(stolen(scene).device);
  await hasManifest(scene, scene.bob.user, 3);
}

/** The grace is over by Alice's clock, and she hears from the server where the room stands. */
async function later(scene: Scene): Promise<void> {
  scene.clock.aheadMs += 2 * graceMs;
  await comesBack(scene);
}
