import { expect, it } from 'vitest';
import { ControlKind, type Event, HistoryFrom, type Person, Role } from '#proto/gen/record.ts';
import { makeActor } from '#proto/golden/cast.ts';
import { ClientError } from './errors.ts';
import { createGroupRoom } from './genesis.ts';
import { MemoryStore } from './memory-store.ts';
import type { Parts } from './parts.ts';
import { portablePrimitives } from './primitives.ts';
import { RoomReplica } from './room.ts';

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
function device(lost: number, comesBack = true) {
  const sent: Event[] = [];
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
      return {};
    },
  } as unknown as Parts;
  const hold = (room: string) => new RoomReplica(room, { parts } as never);
  return { sent, create: () => createGroupRoom(parts, actor.person(1) as Person, statement, hold) };
}

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
