// Lies about what is set and not said: a member's receipt, a room's topic.
import { slotVersion } from '#client/room/room-slots.ts';
import { Algorithm, EventHeader, SlotWrite } from '#proto/gen/record.ts';
import { numberOf, reads, says } from '../liar-scene.ts';
import { heldBack } from './held-back.ts';
import type { Lie } from './lie.ts';

/** A slot is written by another, by one who may not, or out of order. */
export const slots: readonly Lie[] = [
  {
    lie: 'attributes a receipt to another member',
    noticed: 'MESSAGE_TRANSPLANTED',
    freezes: false,
    without: ['library: senders', 'binding', 'device standing'],
    tell: async (scene) => {
      const member = numberOf(scene, scene.eve);
      scene.liar.down = (told) => {
        if (told.$case !== 'slotChanged' || !told.value.slot) return told;
        const write = SlotWrite.encode({
          ...SlotWrite.decode(told.value.slot.write),
          slot: `receipt/${member}`,
        }).finish();
        const slot = { ...told.value.slot, write, member, device: scene.eve.device };
        return { ...told, value: { ...told.value, slot } };
      };
      await says(scene.eve, scene.room, 'have you read this?');
      await reads(scene.bob, scene.room, 'have you read this?');
      await scene.bob.markRead(scene.room);
    },
    believed: async ({ alice, room, eve }) =>
      alice.members(room).some(({ user, readSeq }) => user === eve.user && readSeq > 0),
  },
  {
    lie: 'shows a topic as set by one who was not in the room at that place',
    noticed: 'RECORD_INVALID',
    freezes: true,
    without: ['slot rights'],
    tell: async (scene) => {
      const { room, eve, alice, liar } = scene;
      // So that Alice has the key.
      await says(eve, room, 'hello');
      await reads(alice, room, 'hello');
      const held = heldBack(eve, room);
      await eve.setTopic(room, 'set behind their backs');
      const { header, body } = await held.event;
      const { member, device, sendId } = EventHeader.decode(header);
      const slot = { write: body, member, device, seq: 1, sendId };
      // Nobody but Alice is ever told of it.
      held.refuse();
      liar.push({ $case: 'slotChanged', value: { room, slot } });
    },
    believed: async ({ alice, room }) => alice.room(room).topic === 'set behind their backs',
  },
  {
    lie: 'shows a topic in a version that nobody could follow',
    noticed: 'RECORD_INVALID',
    freezes: true,
    without: ['slot versions'],
    tell: async ({ room, liar, bob, alice }) => {
      const member = alice.held.need(room).replica.chain.memberOf(bob.user);
      const write = SlotWrite.encode({
        slot: 'topic',
        version: Number.MAX_SAFE_INTEGER,
        algorithm: Algorithm.ALGORITHM_MEGOLM_V1,
        value: Uint8Array.of(1),
      }).finish();
      const slot = { write, member, device: bob.device, seq: 1, sendId: 1 };
      liar.push({ $case: 'slotChanged', value: { room, slot } });
    },
    believed: async ({ alice, room }) => slotVersion(alice.held.need(room).replica.local.slots, 'topic') > 1_000_000,
  },
];
