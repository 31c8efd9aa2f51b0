// The list of lies: what a lying server does to Alice, the alarm that her SDK raises, whether sending freezes, and the defences without which she
// would have believed it. liar.test.ts runs each line twice: with them, and without them.
import { expect } from 'vitest';
import type { AlarmCode, TroubleCause } from '#client/alarms.ts';
import { controlBytes, describePerson } from '#client/chain/control-author.ts';
import type { Known } from '#client/devices/people.ts';
import { ClientError } from '#client/errors.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { portablePrimitives as primitives } from '#client/primitives.ts';
import { slotVersion } from '#client/room/room-slots.ts';
import { Rejection } from '#proto/gen/codes.ts';
import {
  Algorithm,
  ControlBody,
  type ControlEntry,
  ControlKind,
  type Credential,
  type DeviceManifest,
  type Event,
  EventHeader,
  type Person,
  Role,
  SlotWrite,
} from '#proto/gen/record.ts';
import { personCommitment } from '#proto/rules/bytes/hash.ts';
import { eventually } from './harness.ts';
import { changed } from './liar.ts';
import { type Defence, forgedPersons, off } from './liar-doubles.ts';
import { forgedIdentity, signManifest } from './liar-forger.ts';
import {
  controlEvent,
  hasManifest,
  join,
  newRoom,
  numberOf,
  reads,
  recordOf,
  type Scene,
  says,
  sharesWith,
  signedEntry,
  stranger,
  texts,
} from './liar-scene.ts';

/** A lie. */
export interface Lie {
  readonly lie: string;
  /** What tells Alice: an alarm, or for a single message the cause for which it is not shown. */
  readonly noticed: AlarmCode | TroubleCause;
  /** Sending in the room ends. */
  readonly freezes: boolean;
  /** Off in the control run. */
  readonly without: readonly Defence[];
  /** Off in both runs: a defence in front of the one that is shown. */
  readonly given?: readonly Defence[];
  /** The room is one of a person whom nobody has met, with one device or two. */
  readonly devices?: 1 | 2;
  /** Alice is not in the room yet. */
  readonly absent?: true;
  /** Tells it. */
  tell(scene: Scene): Promise<void>;
  /** Does Alice believe it? */
  believed(scene: Scene): Promise<boolean>;
}

const mallory = '@mallory0000:localhost';
const knowsMallory = async ({ alice, room }: Scene) => alice.members(room).some(({ user }) => user === mallory);
const goesOn = async ({ alice, room }: Scene) => alice.room(room).frozen === '';
const shows =
  (text: string, times = 1) =>
  async ({ alice, room }: Scene) =>
    (await texts(alice, room)).filter((line) => line.text === text).length >= times;

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

/** Breaks the connection, and the list that Alice gets then names another head. */
async function otherHead(
  scene: Scene,
  change: (entry: {
    headSeq: number;
    headHash: Uint8Array;
    control: { number: number; hash: Uint8Array } | undefined;
  }) => object,
): Promise<void> {
  scene.liar.down = (told) => {
    if (told.$case !== 'roomList' && told.$case !== 'subscribed') return told;
    const rooms = told.value.rooms.map((entry) => (entry.room === scene.room ? { ...entry, ...change(entry) } : entry));
    return { ...told, value: { ...told.value, rooms } } as typeof told;
  };
  const again = scene.alice.once('synced');
  scene.liar.cut();
  await again;
}

/** Bob's first two messages come to Alice the other way round, his third follows. */
async function swapsTwoMessages(scene: Scene): Promise<void> {
  const { liar, bob, alice, room } = scene;
  const number = numberOf(scene, bob);
  const held: Parameters<Parameters<typeof liar.rewrite>[1]>[0][] = [];
  liar.rewrite(room, (record, header) => {
    if (header.member !== number) return [record];
    held.push(record);
    return held.length === 1 ? [] : held.length === 2 ? [record, held[0] as typeof record] : [record];
  });
  for (const text of ['first', 'second', 'third']) {
    await says(bob, room, text);
    await reads(bob, room, text);
  }
  await reads(alice, room, 'third');
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

/** Holds back what this client submits to the room: the event, and how to let it go on to the true hub, or to refuse it for good. */
function heldBack(
  client: LuxchatClient,
  room: string,
): { event: Promise<Event>; release: () => void; refuse: () => void } {
  const { connection } = client;
  const request = connection.request.bind(connection);
  let release = () => {};
  let refuse = () => {};
  const event = new Promise<Event>((resolve) => {
    connection.request = (body, expect) => {
      if (body.$case !== 'submit' || body.value.room !== room || !body.value.event) return request(body, expect);
      connection.request = request;
      resolve(body.value.event);
      return new Promise<void>((go, fail) => {
        release = go;
        const rejection = Rejection.REJECTION_FORBIDDEN;
        refuse = () => fail(new ClientError('REJECTED', 'The test refused it.', { rejection }));
      }).then(() => request(body, expect));
    };
  });
  return { event, release: () => release(), refuse: () => refuse() };
}

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

const manifestOf = ({ alice, bob }: Scene) => alice.people.get(bob.user) as Known;

const roomLies: readonly Lie[] = [
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
  {
    lie: 'rolls back the control chain at the next login',
    noticed: 'CONTROL_ROLLED_BACK',
    freezes: true,
    without: ['freezing'],
    tell: (scene) =>
      otherHead(scene, ({ control }) => {
        const number = (control?.number ?? 1) - 1;
        return { control: { number, hash: scene.alice.held.need(scene.room).replica.chain.hashAt(number) } };
      }),
    believed: goesOn,
  },
  {
    lie: 'tells of another control chain of the same length',
    noticed: 'CONTROL_ROLLED_BACK',
    freezes: true,
    without: ['freezing'],
    tell: (scene) =>
      otherHead(scene, ({ control }) => ({ control: { number: control?.number, hash: new Uint8Array(32).fill(9) } })),
    believed: goesOn,
  },
  {
    lie: 'rolls back the log at the next login',
    noticed: 'HISTORY_FORKED',
    freezes: true,
    without: ['freezing'],
    tell: (scene) => otherHead(scene, ({ headSeq }) => ({ headSeq: headSeq - 1 })),
    believed: goesOn,
  },
  {
    lie: 'tells of another log of the same length',
    noticed: 'HISTORY_FORKED',
    freezes: true,
    without: ['freezing'],
    tell: (scene) => otherHead(scene, () => ({ headHash: new Uint8Array(32).fill(9) })),
    believed: goesOn,
  },
  {
    lie: 'serves two histories: two messages in another order than one other member got them',
    noticed: 'HISTORY_FORKED',
    // One voice alone might lie: it is told and marked, and holds nobody up.
    freezes: false,
    without: ['freezing'],
    tell: swapsTwoMessages,
    believed: async ({ alice, room }) =>
      (await alice.timeline(room)).some(
        ({ content, contradicts }) =>
          content?.body?.$case === 'text' && content.body.value.text === 'third' && !contradicts,
      ),
  },
  {
    lie: 'serves two histories, as two other members show',
    noticed: 'HISTORY_FORKED',
    freezes: true,
    without: ['freezing'],
    tell: async (scene) => {
      await swapsTwoMessages(scene);
      await reads(scene.eve, scene.room, 'third');
      await says(scene.eve, scene.room, 'fourth');
      await reads(scene.alice, scene.room, 'fourth');
    },
    believed: goesOn,
  },
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

const deviceLies: readonly Lie[] = [
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

/** Every lie. */
export const lies: readonly Lie[] = [...roomLies, ...deviceLies];

async function sharesWithSecond(scene: Scene): Promise<boolean> {
  return sharesWith(scene, scene.bob.user, scene.second?.deviceId);
}
