import { expect, it } from 'vitest';
import { Rejection } from '#proto/gen/codes.ts';
import { ControlKind, type Event, EventHeader, HistoryFrom, type Person, Role } from '#proto/gen/record.ts';
import { makeActor } from '#proto/golden/cast.ts';
import { ClientError } from '../errors.ts';
import type { Parts } from '../parts.ts';
import { portablePrimitives } from '../primitives.ts';
import { RoomReplica } from '../room/room.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { createGroupRoom } from './genesis.ts';

const actor = makeActor('@ada:localhost');
const none = { inviteRole: Role.ROLE_UNSPECIFIED, slotRole: Role.ROLE_UNSPECIFIED, postRole: Role.ROLE_UNSPECIFIED };
const statement = {
  kind: ControlKind.CONTROL_KIND_CREATE,
  target: 1,
  role: Role.ROLE_OWNER,
  policy: {
    direct: false,
    history: HistoryFrom.HISTORY_FROM_JOIN,
    ...none,
    membersMax: 0,
  },
  hub: { provider: 'localhost', epoch: 1 },
};

/** A device whose connection is lost `lost` times before an answer comes, and comes back or does not. */
function device(lost: number, comesBack = true, refusal?: Rejection) {
  const sent: Event[] = [];
  const rooms = new Map<string, RoomReplica>();
  const parts = {
    user: actor.user,
    device: 1,
    store: new MemoryStore(),
    primitives: portablePrimitives,
    engine: {
      ownKeys: async () => ({ ed25519: actor.device(1).keys.publicKey }),
      certificate: async () => actor.credential(1, 1),
      sign: async (text: string) => actor.device(1).keys.sign(new TextEncoder().encode(text)),
    },
    now: () => 1_000,
    whenLive: async () => comesBack,
    request: async ({ value }: { value: { event: Event } }) => {
      sent.push(value.event);
      if (sent.length <= lost) throw new ClientError('DISCONNECTED', 'lost');
      if (sent.length === lost + 1 && refusal) throw new ClientError('REJECTED', 'no', { rejection: refusal });
      return {};
    },
  } as unknown as Parts;
  const hold = (room: string) => {
    const held = rooms.get(room) ?? new RoomReplica(room, { parts } as never);
    rooms.set(room, held);
    return held;
  };
  const create = (history: HistoryFrom = HistoryFrom.HISTORY_FROM_JOIN) =>
    createGroupRoom(parts, actor.person(1) as Person, { ...statement, policy: { ...statement.policy, history } }, hold);
  /** Others are in the room by now, as the server's list told. */
  const use = (room: string) => Object.assign(hold(room), { chain: { number: 2 } });
  return { sent, create, use };
}

const roomOf = (event: Event | undefined) => EventHeader.decode(event?.header ?? new Uint8Array()).room;

it('makes one group though the answer is lost: the same event goes out again', async () => {
  const { sent, create } = device(3);
  expect(await create()).toMatch(/^!g/);
  expect(sent).toHaveLength(4);
  expect(new Set(sent.map((event) => JSON.stringify(event)))).toHaveLength(1);
});

it.each([
  ['the answer is lost a fourth time', 4, true, 4],
  ['the connection stays away', 1, false, 1],
])('says that nothing is known where %s', async (_, lost, comesBack, tries) => {
  const { sent, create } = device(lost, comesBack);
  await expect(create()).rejects.toMatchObject({ code: 'DISCONNECTED' });
  expect(sent).toHaveLength(tries);
});

it('takes up at the next call what was not answered, whether it got through or not', async () => {
  for (const refusal of [undefined, Rejection.REJECTION_ROOM_EXISTS]) {
    const { sent, create } = device(4, true, refusal);
    await expect(create()).rejects.toMatchObject({ code: 'DISCONNECTED' });
    const room = await create();
    expect(room).toBe(roomOf(sent[0]));
    const [first, last] = [sent[0], sent.at(-1)];
    expect([last?.header, last?.body]).toEqual([first?.header, first?.body]);
    // Answered: the next one is another group.
    expect(await create()).not.toBe(room);
  }
});

it('begins anew where what was not answered is no such group, is used by now, or is refused', async () => {
  const other = device(4);
  await expect(other.create()).rejects.toMatchObject({ code: 'DISCONNECTED' });
  expect(await other.create(HistoryFrom.HISTORY_FROM_START)).not.toBe(roomOf(other.sent[0]));
  const used = device(4);
  await expect(used.create()).rejects.toMatchObject({ code: 'DISCONNECTED' });
  used.use(roomOf(used.sent[0]));
  expect(await used.create()).not.toBe(roomOf(used.sent[0]));
  const refused = device(4, true, Rejection.REJECTION_LIMIT_REACHED);
  await expect(refused.create()).rejects.toMatchObject({ code: 'DISCONNECTED' });
  await expect(refused.create()).rejects.toMatchObject({ rejection: Rejection.REJECTION_LIMIT_REACHED });
  expect(await refused.create()).not.toBe(roomOf(refused.sent[0]));
});
