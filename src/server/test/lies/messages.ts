// Lies about a single message: what it says, who wrote it, where it was written, and how often.
import { portablePrimitives as primitives } from '#client/primitives.ts';
import { EventHeader } from '#proto/gen/record.ts';
import { changed } from '../liar.ts';
import { newRoom, numberOf, reads, recordOf, type Scene, says, texts } from '../liar-scene.ts';
import { goesOn, shows } from './belief.ts';
import type { Lie } from './lie.ts';

/** A message is changed, moved, replayed or emptied. */
export const messages: readonly Lie[] = [
  {
    lie: 'puts another body under a header',
    noticed: 'RECORD_INVALID',
    freezes: true,
    without: ['bodies', 'binding', 'replay table'],
    tell: async (scene) => {
      const { body } = await recordOf(scene, 'welcome');
      await reshaped(scene, 'the true one', (_, { header }) => ({ header, body }));
    },
    believed: shows('welcome', 2),
  },
  {
    lie: 'moves a body to another room',
    noticed: 'NO_KEY',
    freezes: false,
    without: ['library: rooms', 'binding', 'replay table'],
    tell: transplantFromElsewhere,
    believed: shows('only for the other room'),
  },
  {
    lie: 'moves a body to another room, past a library that does not mind',
    noticed: 'BINDING_MISMATCH',
    freezes: false,
    given: ['library: rooms', 'replay table'],
    without: ['binding'],
    tell: transplantFromElsewhere,
    believed: shows('only for the other room'),
  },
  {
    lie: 'gives a message another id',
    noticed: 'MESSAGE_TRANSPLANTED',
    freezes: false,
    without: ['binding'],
    tell: (scene) =>
      reshaped(scene, 'renumbered', ({ sendId }, { header, body }) => ({
        header: changed(header, { sendId: sendId + 7 }),
        body,
      })),
    believed: shows('renumbered'),
  },
  {
    lie: 'gives a message another author',
    noticed: 'MESSAGE_TRANSPLANTED',
    freezes: false,
    without: ['library: senders', 'binding', 'device standing'],
    tell: (scene) => {
      const member = numberOf(scene, scene.eve);
      return reshaped(scene, 're-attributed', (_, { header, body }) => ({
        header: changed(header, { member, device: scene.eve.device }),
        body,
      }));
    },
    believed: async ({ alice, room, eve }) =>
      (await texts(alice, room)).some(({ text, sender }) => text === 're-attributed' && sender === eve.user),
  },
  {
    lie: 'gives a message to another device of its author',
    noticed: 'MESSAGE_TRANSPLANTED',
    freezes: false,
    without: ['binding', 'device standing'],
    tell: (scene) =>
      reshaped(scene, 'from elsewhere', (_, { header, body }) => ({ header: changed(header, { device: 9 }), body })),
    believed: shows('from elsewhere'),
  },
  {
    lie: 'makes a message count that does not',
    noticed: 'MESSAGE_TRANSPLANTED',
    freezes: false,
    without: ['binding'],
    tell: (scene) =>
      reshaped(scene, 'uncounted', (_, { header, body }) => ({ header: changed(header, { counts: false }), body })),
    believed: async ({ alice, room }) => {
      const { store } = alice.parts;
      const rows = await store.list('records', { from: `${room} `, to: `${room}!`, limit: 1_000 });
      return rows.some(({ value }) => new TextDecoder().decode(value).includes('uncounted'));
    },
  },
  {
    lie: 'replays a message under a new id',
    noticed: 'MESSAGE_REPLAYED',
    freezes: false,
    without: ['replay table', 'binding'],
    tell: async (scene) => {
      await says(scene.bob, scene.room, 'pay him 100');
      await reads(scene.alice, scene.room, 'pay him 100');
      const { header, body } = await recordOf(scene, 'pay him 100');
      scene.liar.add(scene.room, { header: changed(header, { sendId: 4_000 }), body });
    },
    believed: shows('pay him 100', 2),
  },
  {
    lie: 'replays a message as it is, at a second place',
    noticed: 'MESSAGE_REPLAYED',
    freezes: false,
    without: ['places'],
    tell: async (scene) => {
      await says(scene.bob, scene.room, 'pay him 200');
      await reads(scene.alice, scene.room, 'pay him 200');
      const { header, body } = await recordOf(scene, 'pay him 200');
      scene.liar.add(scene.room, { header, body });
    },
    believed: shows('pay him 200', 2),
  },
  {
    lie: 'empties a body without an event that may',
    noticed: 'EMPTIED_UNLAWFULLY',
    freezes: true,
    without: ['freezing'],
    tell: async (scene) => {
      const { liar, bob, room } = scene;
      const number = numberOf(scene, bob);
      let first = true;
      liar.rewrite(room, (record, header) => {
        if (header.member !== number || !first) return [record];
        first = false;
        return [{ ...record, body: new Uint8Array(), emptiedBy: liar.history(room).head.seq + 2 }];
      });
      await says(bob, room, 'inconvenient');
      await says(bob, room, 'and then');
      await reads(scene.alice, room, 'and then');
    },
    believed: goesOn,
  },
];

/** Alice hears Bob's next message in another shape. */
async function reshaped(
  scene: Scene,
  text: string,
  shape: (
    header: EventHeader,
    bytes: { header: Uint8Array; body: Uint8Array },
  ) => { header: Uint8Array; body: Uint8Array },
): Promise<void> {
  const bob = numberOf(scene, scene.bob);
  scene.liar.rewrite(scene.room, (record, header) =>
    header.member === bob ? [{ ...record, ...shape(header, record) }] : [record],
  );
  await says(scene.bob, scene.room, text);
}

/** Bob's room key goes to Alice in both rooms, so that only the binding tells them apart. */
async function elsewhere(scene: Scene): Promise<Scene> {
  const other = await newRoom(scene, scene.bob);
  await says(other.bob, other.room, 'only for the other room');
  await reads(scene.alice, other.room, 'only for the other room');
  return other;
}

async function transplantFromElsewhere(scene: Scene): Promise<void> {
  const { body } = await recordOf(await elsewhere(scene), 'only for the other room');
  await reshaped(scene, 'the true one', (header) => ({
    header: EventHeader.encode({ ...header, bodySize: body.length, bodyHash: primitives.sha256(body) }).finish(),
    body,
  }));
}
