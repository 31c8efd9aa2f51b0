// Lies about who is in a room, and with which role: something is put into the control chain, or something in it is hidden.
import { expect } from 'vitest';
import { controlBytes } from '#client/chain/control-author.ts';
import { portablePrimitives as primitives } from '#client/primitives.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { ControlBody, type ControlEntry, ControlKind, type Person, Role } from '#proto/gen/record.ts';
import { personCommitment } from '#proto/rules/bytes/hash.ts';
import { eventually } from '../harness.ts';
import { forgedPersons, off } from '../liar-doubles.ts';
import { controlEvent, join, numberOf, reads, says, sharesWith, signedEntry, stranger } from '../liar-scene.ts';
import { goesOn, knowsMallory, mallory, shows } from './belief.ts';
import { heldBack } from './held-back.ts';
import type { Lie } from './lie.ts';

/** A stranger is let in, a role or a name is forged, a removal is kept from her. */
export const membership: readonly Lie[] = [
  {
    lie: 'adds a member in the name of the owner',
    noticed: 'CONTROL_INVALID',
    freezes: true,
    without: ['signatures'],
    tell: async (scene) => {
      const { chain } = scene.alice.held.need(scene.room).replica;
      const actor = numberOf(scene, scene.bob);
      const person = stranger((chain.state?.members.size ?? 0) + 1);
      const signed = ControlBody.encode({
        ...ControlBody.decode(new Uint8Array()),
        room: scene.room,
        number: chain.number + 1,
        previousHash: chain.state?.hash ?? new Uint8Array(32),
        kind: ControlKind.CONTROL_KIND_INVITE,
        actor,
        device: scene.bob.device,
        deviceKey: (await scene.bob.parts.engine.ownKeys()).ed25519,
        target: person.member,
        person: personCommitment(person, primitives),
        role: Role.ROLE_MEMBER,
        signedMs: Date.now(),
      }).finish();
      const entry: ControlEntry = { signed, signature: crypto.getRandomValues(new Uint8Array(64)) };
      scene.liar.add(scene.room, controlEvent(scene, actor, scene.bob.device, controlBytes(entry)), {
        persons: [person],
      });
    },
    believed: knowsMallory,
  },
  {
    lie: 'lets a member give herself a role that she may not give',
    noticed: 'CONTROL_INVALID',
    freezes: true,
    without: ['rules'],
    tell: async (scene) => {
      const target = numberOf(scene, scene.eve);
      const statement = { kind: ControlKind.CONTROL_KIND_ROLE, target, role: Role.ROLE_ADMIN };
      const { event, credential } = await signedEntry(scene, scene.eve, statement);
      scene.liar.add(scene.room, event, { credentials: [credential] });
    },
    believed: async ({ alice, room, eve }) =>
      alice.members(room).some(({ user, role }) => user === eve.user && role === Role.ROLE_ADMIN),
  },
  {
    lie: 'takes an invitation from someone who was removed',
    noticed: 'CONTROL_INVALID',
    freezes: true,
    without: ['rules'],
    tell: async (scene) => {
      await scene.bob.remove(scene.room, scene.eve.user);
      await eventually('alice knows', () => !sharesWith(scene, scene.eve.user));
      const person = stranger(scene.alice.members(scene.room).length + 1);
      const statement = {
        kind: ControlKind.CONTROL_KIND_INVITE,
        target: person.member,
        person,
        role: Role.ROLE_MEMBER,
      };
      const { event, credential } = await signedEntry(scene, scene.eve, statement);
      scene.liar.add(scene.room, event, { persons: [person], credentials: [credential] });
    },
    believed: knowsMallory,
  },
  {
    lie: 'passes one person off as another',
    noticed: 'CONTROL_WITHHELD',
    freezes: true,
    without: ['commitments'],
    tell: async (scene) => {
      const { dora } = scene;
      const forge = (person: Person): Person => {
        if (person.user !== dora.user) return person;
        forgedPersons.set(mallory, person);
        return { ...person, user: mallory };
      };
      scene.liar.down = (told) =>
        told.$case === 'roomRecords' || told.$case === 'roomSnapshot'
          ? ({ ...told, value: { ...told.value, persons: told.value.persons.map(forge) } } as typeof told)
          : told;
      await scene.bob.invite(scene.room, dora.user);
      // Where the name is believed nothing more is needed, and what Dora signs now would only give it away.
      if (!off.has('commitments')) await join(dora, scene.room);
    },
    believed: knowsMallory,
  },
  {
    lie: 'hides a removal',
    noticed: 'CONTROL_WITHHELD',
    freezes: true,
    without: ['freezing'],
    tell: async (scene) => {
      const { liar, bob, eve, alice, room } = scene;
      const known = alice.held.need(room).replica.chain.number;
      liar.rewrite(room, (record, header) => (header.kind === 2 ? [] : [record]));
      liar.down = (told, asked) => {
        if (told.$case !== 'roomSnapshot' || told.value.room !== room || asked?.$case !== 'readRoom') return told;
        return {
          ...told,
          value: {
            ...told.value,
            control: [],
            next: 0,
            head: { number: known, hash: alice.held.need(room).replica.chain.hashAt(known) ?? new Uint8Array() },
          },
        };
      };
      await bob.remove(room, eve.user);
      await says(bob, room, 'now that she is gone');
      await reads(alice, room, 'now that she is gone');
    },
    // She goes on writing to one who was removed.
    believed: async (scene) => (await goesOn(scene)) && sharesWith(scene, scene.eve.user),
  },
  {
    lie: 'passes on what was written by someone who was not told of a removal',
    noticed: 'RECORD_INVALID',
    freezes: true,
    without: ['control heads'],
    tell: async (scene) => {
      const { bob, dora, eve, liar, room } = scene;
      await bob.invite(room, dora.user);
      await join(dora, room);
      for (const each of [eve, bob, scene.alice])
        await eventually('dora is in', () =>
          each.members(room).some(({ user, status }) => user === dora.user && status === 2),
        );
      const held = heldBack(eve, room);
      await eve.send(room, 'dora may read this');
      const event = await held.event;
      await bob.remove(room, dora.user);
      await eventually('alice knows', () => !sharesWith(scene, dora.user));
      liar.add(room, event);
      // The true hub refuses it (STALE_STATE): Eve encrypts anew, and only to those who are left.
      held.release();
      await eve.flushed(10_000);
      await reads(bob, room, 'dora may read this');
      expect(eve.counters()[`rejected.${Rejection.REJECTION_STALE_STATE}`]).toBeGreaterThan(0);
    },
    believed: shows('dora may read this'),
  },
];
