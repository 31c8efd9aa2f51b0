import { afterEach, expect, it } from 'vitest';
import { ControlBody, ControlKind, MemberStatus, Role } from '#proto/gen/record.ts';
import { DirectHub } from '../testing/direct-hub.ts';
import { enters, invites } from '../testing/others.ts';
import type { ScriptedSession } from '../testing/scripted-session.ts';

let session: ScriptedSession | undefined;
afterEach(() => session?.client.close());

// An Info bot starts one conversation with each newcomer. Each start read whole pages of the list of rooms, with a head out of each, several times.
it('asks as much for the hundredth conversation that is started as for the first, and of one room only', async () => {
  const hub = new DirectHub();
  session = await hub.session();
  const { client, asked } = session;
  const cost = async (n: number) => {
    const before = asked.length;
    await client.startDirect(hub.person(`@guest${n}:localhost`).user);
    return asked.slice(before);
  };
  const first = await cost(1);
  for (let n = 2; n < 100; n += 1) await cost(n);
  const hundredth = await cost(100);
  const names = (some: typeof asked) => some.map(({ $case }) => $case).sort();
  expect(names(hundredth)).toEqual(names(first));
  expect(hundredth.length).toBeLessThanOrEqual(12);
  const lists = hundredth.flatMap((body) => (body.$case === 'listRooms' ? body.value.room : []));
  expect(new Set(lists).size).toBe(1);
  expect(hub.rooms.get(lists[0]!)?.control).toHaveLength(2);
}, 60_000);

// The end of one's stay is not in the log that one may read: the chain here still said joined, and accepting a second invitation did nothing, without a word.
it('accepts an invitation after one was out, though the chain here still says joined', async () => {
  const hub = new DirectHub();
  const inviter = hub.person('@bob:localhost');
  const room = invites(hub, inviter);
  session = await hub.session();
  const { client } = session;
  await client.accept(room);
  hub.room(room).status = MemberStatus.MEMBER_STATUS_LEFT;
  enters(hub, room, hub.me, { kind: ControlKind.CONTROL_KIND_LEAVE, actor: 2, target: 2 });
  enters(hub, room, inviter, { kind: ControlKind.CONTROL_KIND_INVITE, actor: 1, target: 2, role: Role.ROLE_ADMIN });
  hub.room(room).status = MemberStatus.MEMBER_STATUS_INVITED;
  await client.held.standing(room, MemberStatus.MEMBER_STATUS_INVITED);
  await client.accept(room);
  const last = hub.room(room).control.at(-1);
  expect(last && ControlBody.decode(last.entry.signed).kind).toBe(ControlKind.CONTROL_KIND_ACCEPT);
  expect(client.room(room).status).toBe(MemberStatus.MEMBER_STATUS_JOINED);
});

// A device that had just come back took its old chain's word that somebody is in, and inviting them did nothing.
it('invites somebody who left meanwhile, though the chain here still says joined', async () => {
  const hub = new DirectHub();
  const bob = hub.person('@bob:localhost');
  session = await hub.session();
  const { client } = session;
  const room = await client.startDirect(bob.user);
  const { number } = ControlBody.decode(hub.room(room).control.at(-1)?.entry.signed ?? new Uint8Array());
  expect(number).toBe(2);
  enters(hub, room, bob, { kind: ControlKind.CONTROL_KIND_ACCEPT, actor: 2, target: 2 });
  await client.held.get(room)?.replica.catchUp();
  // This one is not pushed.
  hub.room(room).status = MemberStatus.MEMBER_STATUS_LEFT;
  enters(hub, room, bob, { kind: ControlKind.CONTROL_KIND_LEAVE, actor: 2, target: 2 });
  hub.room(room).status = MemberStatus.MEMBER_STATUS_JOINED;
  await client.invite(room, bob.user);
  const last = hub.room(room).control.at(-1);
  expect(last && ControlBody.decode(last.entry.signed).kind).toBe(ControlKind.CONTROL_KIND_INVITE);
});

it('brings a bot back that left before its invitation was accepted, and nobody else', async () => {
  for (const isBot of [true, false]) {
    const hub = new DirectHub();
    const inviter = hub.person('@info:localhost');
    const room = invites(hub, inviter, isBot);
    enters(hub, room, inviter, { kind: ControlKind.CONTROL_KIND_LEAVE, actor: 1, target: 1 });
    session = await hub.session();
    await session.client.accept(room);
    const kinds = hub
      .room(room)
      .control.slice(3)
      .map(({ entry }) => ControlBody.decode(entry.signed).kind);
    const { CONTROL_KIND_ACCEPT, CONTROL_KIND_INVITE } = ControlKind;
    expect(kinds).toEqual(isBot ? [CONTROL_KIND_ACCEPT, CONTROL_KIND_INVITE] : [CONTROL_KIND_ACCEPT]);
    await session.client.close();
  }
});
