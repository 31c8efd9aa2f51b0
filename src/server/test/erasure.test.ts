// A room after somebody in it was erased, with real processes: an admin's device signs a CHECKPOINT, the provider forgets who that number was, and who comes then, or
// was away, reads and writes as if nothing had been.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { openDevice } from '#client/node/device-folder.ts';
import { MemberStatus, Role } from '#proto/gen/record.ts';
import { EmbeddedStore } from '../storage/embedded/store.ts';
import { eventually, ProviderProcess } from './harness.ts';
import { expectSound } from './shown.ts';

const options = { backoffMaxMs: 500, checkpointAfterMs: 300 };
let provider: ProviderProcess;
const clients: LuxchatClient[] = [];
/** Who led rooms alone, and which. */
let ledAlone: { user: string; rooms: string[] } | undefined;

beforeAll(async () => {
  provider = await ProviderProcess.start();
});

afterAll(async () => {
  for (const client of clients) await client.close();
  await provider?.remove();
});

async function device(user: string): Promise<LuxchatClient> {
  const client = await provider.device(user, undefined, options);
  clients.push(client);
  return client;
}

async function opened(folder: string): Promise<LuxchatClient> {
  const client = await openDevice(folder, options);
  clients.push(client);
  await client.start();
  await client.synced();
  return client;
}

async function joins(client: LuxchatClient, room: string): Promise<void> {
  const { MEMBER_STATUS_INVITED } = MemberStatus;
  const isInvited = () => client.rooms().some((each) => each.room === room && each.status === MEMBER_STATUS_INVITED);
  await eventually(`${client.user} is invited`, isInvited, 20_000, [client]);
  await client.accept(room);
}

async function reads(client: LuxchatClient, room: string, text: string): Promise<void> {
  const isThere = async () =>
    (await client.timeline(room, { limit: 50 })).some(
      ({ content }) => content?.body?.$case === 'text' && content.body.value.text === text,
    );
  await eventually(`${client.user} reads ${text}`, isThere, 20_000, [client]);
}

/** Whom the provider names in the room's chain. */
async function named(client: LuxchatClient, room: string): Promise<string[]> {
  const value = { room, fromControl: 1, slots: false, stateOffset: 0, afterSlot: '' };
  const { persons } = await client.connection.request({ $case: 'readRoom', value }, 'roomSnapshot');
  return persons.map(({ user }) => user);
}

// The only owner of a group stayed in it for ever, and so did who was behind that number: nobody could sign a CHECKPOINT.
it('forgets the only owner of a group, which somebody else leads on, and of one that ends', {
  timeout: 120_000,
}, async () => {
  const [gil, hal, ian] = [await device('gil'), await device('hal'), await device('ian')];
  const room = await gil.createGroup({ name: 'Chess', invite: [hal.user, ian.user] });
  for (const client of [hal, ian]) await joins(client, room);
  const ended = await gil.createGroup({ name: 'Nobody came', invite: [ian.user] });
  await eventually('ian is invited', () => ian.rooms().some((each) => each.room === ended), 20_000, [ian]);
  const isTold = () => gil.room(room).members.length === 2;
  await eventually('gil knows that both are in', isTold, 20_000, [gil]);
  expect(await gil.account.lossAtErasure()).toEqual({
    handed: [{ room, user: hal.user }],
    ended: [ended],
    stayed: [],
  });
  const { left, handed, stayed } = await gil.account.erase(await provider.stepUp(gil, 'gil', 'erase'));
  expect({ left, handed, stayed }).toEqual({ left: 2, handed: [{ room, user: hal.user }], stayed: [] });
  const isForgotten = async () => !(await named(ian, room)).includes(gil.user);
  await eventually('the provider names Gil no more', isForgotten, 30_000, [hal, ian]);
  expect(hal.room(room).role).toBe(Role.ROLE_OWNER);
  const isOut = () =>
    ian.rooms().every((each) => each.room !== ended || each.status === MemberStatus.MEMBER_STATUS_REMOVED);
  await eventually('ian is invited no more', isOut, 20_000, [ian]);
  await hal.send(room, 'Go on');
  await reads(ian, room, 'Go on');
  ledAlone = { user: gil.user, rooms: [room, ended] };
});

it('forgets the one who was erased, and goes on for newcomers and for who was away', { timeout: 120_000 }, async () => {
  const ann = await device('ann');
  const folder = await provider.login('bob');
  const bob = await opened(folder);
  const room = await ann.createGroup({ name: 'Hiking', invite: [bob.user], historyFromStart: true });
  await joins(bob, room);
  await ann.send(room, 'Moien');
  await reads(bob, room, 'Moien');
  await bob.close();

  const eve = await device('eve');
  await ann.invite(room, eve.user);
  await joins(eve, room);
  await eve.send(room, 'I am Eve');
  await reads(ann, room, 'I am Eve');
  expect(await named(ann, room)).toContain(eve.user);
  await eve.account.erase(await provider.stepUp(eve, 'eve', 'erase'));
  const isForgotten = async () => !(await named(ann, room)).includes(eve.user);
  await eventually('the provider names Eve no more', isForgotten, 30_000, [ann]);

  const dan = await device('dan');
  await ann.invite(room, dan.user);
  await joins(dan, room);
  const again = await opened(folder);
  for (const client of [dan, again]) {
    const isIn = () => client.members(room).length === 4 && client.room(room).members.length === 2;
    await eventually(`${client.user} has the members`, isIn, 20_000, [client]);
    expect([client.members(room)[2]?.user, client.room(room).frozen]).toEqual(['', '']);
  }
  // Whoever knew Eve still does.
  expect(ann.members(room)[2]?.user).toBe(eve.user);
  await again.send(room, 'I was away');
  await dan.send(room, 'I am new');
  for (const client of [ann, dan, again]) {
    await reads(client, room, 'I am new');
    if (client !== dan) await reads(client, room, 'I was away');
    expectSound(client);
  }
  expect([dan, again].map((client) => client.counters()['chain.skipped'])).toEqual([1, 1]);
  // What was said before the CHECKPOINT is read by whom it is open to: what Eve wrote is gone, lawfully.
  for (const client of [dan, again]) {
    const lines = await client.timeline(room, { limit: 200 });
    expect(lines.some(({ kind, seq }) => kind === 'deleted' && seq > 0)).toBe(true);
    expect(client.room(room).frozen).toBe('');
  }

  await provider.stop();
  const store = await EmbeddedStore.open({ folder: provider.folder, now: Date.now });
  const rows = await store.readState(`room/${room}`);
  const others = await Promise.all((ledAlone?.rooms ?? []).map((each) => store.readState(`room/${each}`)));
  await store.close();
  const naming = (user: string) => rows.filter(({ value }) => Buffer.from(value).includes(user)).map(({ key }) => key);
  expect(naming(bob.user)).not.toEqual([]);
  expect(naming(eve.user)).toEqual([]);
  expect(others).toHaveLength(2);
  for (const of of others)
    expect(of.filter(({ value }) => Buffer.from(value).includes(ledAlone?.user ?? '?'))).toEqual([]);
});
