// When a device looks at whom it may sign in: never in the way of its inbox, and not at everybody for the sake of one.
import { afterEach, expect, it, vi } from 'vitest';
import { ControlKind, InboxEntry, MemberStatus } from '#proto/gen/record.ts';
import { DirectHub } from '../testing/direct-hub.ts';
import { enters, invites } from '../testing/others.ts';
import { ScriptedSession, told } from '../testing/scripted-session.ts';

const bob = '@bob:localhost';
let session: ScriptedSession | undefined;
afterEach(() => session?.client.close());

const never = () => new Promise<never>(() => {});

// Each notice of a list had the device walk through all who ever started over and all rooms, and wait for each signature, before it read on.
it('reads its inbox on while somebody whose list moved is signed in, and looks at that one only', async () => {
  let page = told('inboxPage');
  session = new ScriptedSession(({ $case }) => ($case === 'fetchInbox' ? page : undefined));
  const { client, asked } = session;
  const all = vi.spyOn(client.vouching, 'follow');
  await client.start();
  await vi.waitFor(() => expect(all).toHaveBeenCalled());
  all.mockClear();
  const one = vi.spyOn(client.vouching, 'followUser').mockImplementation(never);
  const moved = { user: bob, head: { version: 2, hash: new Uint8Array(32) } };
  const entry = { ...InboxEntry.decode(new Uint8Array()), seq: 1, body: { $case: 'manifest', value: moved } };
  page = told('inboxPage', { entries: [entry], through: 1, head: 1 });
  await client.inbox.read();
  expect(asked.filter(({ $case }) => $case === 'ackInbox')).toHaveLength(1);
  expect([one.mock.calls, all.mock.calls]).toEqual([[[bob]], []]);
});

it('asks, once it is in step, for lists that could not be had when there was news of them', async () => {
  session = new ScriptedSession(() => undefined);
  const asks = vi.spyOn(session.client.people, 'catchUp');
  await session.client.start();
  await vi.waitFor(() => expect(asks).toHaveBeenCalledTimes(1));
});

it.each([
  ['nobody else, where somebody is signed in', false],
  ['the others in the room, where that is oneself', true],
])('looks at %s', async (_, isOneself) => {
  const hub = new DirectHub();
  session = await hub.session();
  const { client } = session;
  const ben = hub.person(bob);
  const room = invites(hub, ben);
  await client.held.standing(room, MemberStatus.MEMBER_STATUS_INVITED);
  await client.accept(room);
  const one = vi.spyOn(client.vouching, 'followUser').mockResolvedValue(false);
  const around = vi.spyOn(client.vouching, 'followRoom').mockResolvedValue();
  const all = vi.spyOn(client.vouching, 'follow');
  const [by, actor, anew, target] = isOneself ? ([ben, 1, hub.me, 2] as const) : ([hub.me, 2, ben, 1] as const);
  const brings = { ...anew.person(target), salt: new Uint8Array(16).fill(9) };
  enters(hub, room, by, { kind: ControlKind.CONTROL_KIND_IDENTITY, actor, target, brings });
  await client.held.need(room).replica.catchUp();
  const places = around.mock.calls.map(([replica]) => replica.room);
  expect([one.mock.calls, places, all.mock.calls]).toEqual(isOneself ? [[], [room], []] : [[[bob]], [], []]);
});
