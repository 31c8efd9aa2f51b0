// Lies about the beginning of a control chain: that entries are gone, and that a CHECKPOINT stands in for them. It is one that nobody signed, that nobody with
// the right to signed, that contradicts what she knows, or a true one after which something is kept from her.
import { describePerson, signControl } from '#client/chain/control-author.ts';
import type { CryptoEngine } from '#client/crypto/engine.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { portablePrimitives as primitives } from '#client/primitives.ts';
import type { ReadRoom, RoomSnapshot } from '#proto/gen/client.ts';
import { ControlBody, type ControlHead, ControlKind, MemberStatus, type Person, Role } from '#proto/gen/record.ts';
import { toHex } from '#proto/rules/bytes/base.ts';
import { controlHash, personCommitment, stateHash } from '#proto/rules/bytes/hash.ts';
import type { Member } from '#proto/rules/control/member-table.ts';
import { type ControlState, encodeState, hashState } from '#proto/rules/control/state.ts';
import { eventually } from '../harness.ts';
import { forgedStates } from '../liar-doubles.ts';
import { forgedIdentity } from '../liar-forger.ts';
import { comesBack, join, numberOf, type Scene, sharesWith, stranger } from '../liar-scene.ts';
import { consents, goesOn, knowsMallory, mallory } from './belief.ts';
import type { Lie } from './lie.ts';

/** Members are made up, exchanged, promoted or brought back behind a CHECKPOINT. */
export const checkpoints: readonly Lie[] = [
  {
    lie: 'hands a newcomer a state of its own under a true CHECKPOINT',
    noticed: 'CONTROL_INVALID',
    freezes: true,
    absent: true,
    without: ['state hashes'],
    tell: async (scene) => {
      const { alice, bob, room } = scene;
      const before = stateOf(bob, room);
      const number = await signsCheckpoint(bob, room);
      const person = stranger(2);
      const bytes = encodeState(changing(before, 2, { ...asMallory(person), role: Role.ROLE_ADMIN }));
      forgedStates.set(toHex(bytes), hashState(before, primitives));
      lyingOf(scene, (told, { fromControl, stateOffset }) => {
        if (stateOffset === 0) return fromControl <= number ? gone(told, number) : told;
        const persons = [...told.persons, person];
        return { ...told, persons, checkpointState: bytes, checkpointStateSize: bytes.length };
      });
      await bob.invite(room, alice.user);
      await join(alice, room).catch(() => {});
    },
    believed: knowsMallory,
  },
  {
    lie: 'hands a newcomer a CHECKPOINT that an admin of its own signed',
    noticed: 'CONTROL_UNVOUCHED',
    freezes: true,
    absent: true,
    without: ['checkpoint signers'],
    tell: async (scene) => {
      const { alice, bob, room } = scene;
      await bob.invite(room, alice.user);
      const { engine, body } = await forgedIdentity(mallory);
      const person = describePerson(mallory, body.masterKey, 2);
      const state = changing(stateOf(bob, room), 2, { ...asMallory(person), role: Role.ROLE_ADMIN });
      await handsOut(scene, state, { engine, device: 2, actor: 2, persons: [person, ...personsOf(bob, room)] });
      await join(alice, room).catch(() => {});
    },
    believed: consents,
  },
  {
    lie: 'goes on behind a CHECKPOINT that a member signed who was no admin',
    noticed: 'CONTROL_UNVOUCHED',
    freezes: true,
    without: ['checkpoint signers'],
    tell: async (scene) => {
      const { alice, eve, room } = scene;
      const actor = numberOf(scene, eve);
      const state = changing(later(stateOf(alice, room)), actor, { role: Role.ROLE_ADMIN });
      await handsOut(scene, state, { engine: eve.parts.engine, device: eve.device, actor });
      await comesBack(scene);
    },
    believed: async (scene) =>
      (await goesOn(scene)) &&
      stateOf(scene.alice, scene.room).members.get(numberOf(scene, scene.eve))?.role === Role.ROLE_ADMIN,
  },
  {
    lie: 'undoes a removal behind a CHECKPOINT, with the help of an admin',
    noticed: 'CONTROL_WITHHELD',
    freezes: true,
    without: ['checkpoint continuity'],
    tell: async (scene) => {
      const { alice, bob, eve, room } = scene;
      const actor = numberOf(scene, bob);
      const removed = numberOf(scene, eve);
      const before = stateOf(alice, room);
      await bob.remove(room, eve.user);
      await eventually('alice knows', () => !sharesWith(scene, eve.user));
      const now = later(stateOf(alice, room));
      const back = changing({ ...now, lastRemoval: before.lastRemoval }, removed, before.members.get(removed) ?? {});
      await handsOut(scene, back, { engine: bob.parts.engine, device: bob.device, actor });
      await comesBack(scene);
    },
    believed: async (scene) => (await goesOn(scene)) && sharesWith(scene, scene.eve.user),
  },
  {
    lie: 'hands a newcomer an old CHECKPOINT, and keeps a removal after it to itself',
    noticed: 'CONTROL_WITHHELD',
    freezes: true,
    absent: true,
    without: ['succession'],
    tell: async (scene) => {
      const { alice, bob, eve, room } = scene;
      const number = await signsCheckpoint(bob, room);
      lyingOf(scene, (told, { fromControl, stateOffset }) => {
        if (stateOffset === 0 && fromControl <= number) return gone(told, number);
        return { ...told, control: told.control.filter(({ entry }) => !isRemoval(entry?.signed)) };
      });
      await bob.remove(room, eve.user);
      await bob.invite(room, alice.user);
      await join(alice, room).catch(() => {});
    },
    // She comes into a room in which somebody seems to be who was removed.
    believed: async (scene) =>
      (await consents(scene)) &&
      scene.alice.members(scene.room).some(({ user, status }) => user === scene.eve.user && status === joined),
  },
];

const { MEMBER_STATUS_JOINED: joined } = MemberStatus;

/** Who signs a CHECKPOINT that the true hub never saw, and whom the liar names beside it. */
interface Signer {
  readonly engine: CryptoEngine;
  readonly device: number;
  readonly actor: number;
  readonly persons?: readonly Person[];
}

/** Everything up to a CHECKPOINT of this state is said to be gone, and nothing has come after it. */
async function handsOut(
  scene: Scene,
  state: ControlState,
  { engine, device, actor, persons = [] }: Signer,
): Promise<void> {
  const { room, liar } = scene;
  const bytes = encodeState(state);
  const number = state.number + 1;
  const author = { engine, primitives, device, now: Date.now };
  const place = { room, number, previousHash: state.hash, actor };
  const kind = ControlKind.CONTROL_KIND_CHECKPOINT;
  const { entry, credential } = await signControl(author, place, {
    ...{ kind, target: 0, stateHash: stateHash(bytes, primitives) },
  });
  const head = { number, hash: controlHash(entry.signed, primitives) };
  const seq = liar.history(room).head.seq + 100;
  lyingOf(
    scene,
    (told, { fromControl, stateOffset }) => {
      if (stateOffset === 0) return { ...(fromControl <= number ? gone(told, number) : told), control: [], head };
      const checkpoint = { checkpointNumber: number, checkpointState: bytes, checkpointStateSize: bytes.length };
      const beside = { persons: [...persons], credentials: [credential], control: [{ seq, entry }] };
      return { ...told, ...beside, ...checkpoint, next: 0, head };
    },
    head,
  );
}

/** What the liar makes of the room's snapshots, and the control head that it names in lists. */
function lyingOf({ liar, room }: Scene, lie: (told: RoomSnapshot, read: ReadRoom) => RoomSnapshot, head?: ControlHead) {
  liar.down = (told, asked) => {
    if (told.$case === 'roomSnapshot' && asked?.$case === 'readRoom' && asked.value.room === room)
      return { ...told, value: lie(told.value, asked.value) };
    if (!head || (told.$case !== 'roomList' && told.$case !== 'subscribed')) return told;
    const rooms = told.value.rooms.map((entry) => (entry.room === room ? { ...entry, control: head } : entry));
    return { ...told, value: { ...told.value, rooms } } as typeof told;
  };
}

const gone = (told: RoomSnapshot, checkpointNumber: number) => ({ ...told, control: [], next: 0, checkpointNumber });

/** Signs a true CHECKPOINT; its number. */
async function signsCheckpoint(client: LuxchatClient, room: string): Promise<number> {
  const { sender } = client.held.need(room);
  const before = stateOf(client, room).number;
  await sender.control(({ chain: { state } }) =>
    state?.number === before
      ? { kind: ControlKind.CONTROL_KIND_CHECKPOINT, target: 0, stateHash: hashState(state, primitives) }
      : null,
  );
  return before + 1;
}

function stateOf(client: LuxchatClient, room: string): ControlState {
  const { state } = client.held.need(room).replica.chain;
  if (!state) throw new Error(`${client.user} has no chain of ${room}`);
  return state;
}

/** Everybody whom a client knows behind the numbers of a room. */
function personsOf(client: LuxchatClient, room: string): Person[] {
  const { chain } = client.held.need(room).replica;
  return [...(chain.state?.members ?? [])].flatMap(({ number }) => chain.person(number) ?? []);
}

/** The same room after an entry of which nothing is told. */
function later(state: ControlState): ControlState {
  return { ...state, number: state.number + 1, hash: crypto.getRandomValues(new Uint8Array(32)) };
}

function changing(state: ControlState, number: number, fields: Partial<Member>): ControlState {
  const member = state.members.get(number);
  if (!member) throw new Error(`there is no member ${number}`);
  return { ...state, members: state.members.put({ ...member, ...fields }) };
}

const asMallory = (person: Person) => ({ person: personCommitment(person, primitives) });

function isRemoval(signed: Uint8Array | undefined): boolean {
  return signed !== undefined && ControlBody.decode(signed).kind === ControlKind.CONTROL_KIND_REMOVE;
}
