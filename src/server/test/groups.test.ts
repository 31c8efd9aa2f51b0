// Groups and 1:1 rooms in full, through the SDK and a real provider: invitations, joining, leaving, removing, banning, roles, names for newcomers,
// edits, reactions, deletions, typing.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { textContent } from '#client/sending/text-content.ts';
import type { TimelineItem } from '#client/shown.ts';
import { EventHeader, EventKind, MemberStatus, Role } from '#proto/gen/record.ts';
import { eventually, ProviderProcess } from './harness.ts';
import { expectSound, textOf as saidIn } from './shown.ts';

let provider: ProviderProcess;
let alice: LuxchatClient;
let bob: LuxchatClient;
let carol: LuxchatClient;

beforeAll(async () => {
  provider = await ProviderProcess.start();
  [alice, bob, carol] = [await provider.device('alice'), await provider.device('bob'), await provider.device('carol')];
});

afterAll(async () => {
  for (const client of [alice, bob, carol]) await client?.close();
  await provider?.remove();
});

function all(): LuxchatClient[] {
  return [alice, bob, carol];
}

async function lines(client: LuxchatClient, room: string): Promise<readonly TimelineItem[]> {
  return (await client.timeline(room, { limit: 200 })).filter(({ kind }) => kind !== 'notice');
}

function textOf(line: TimelineItem): string {
  return line.kind === 'message' ? saidIn(line) : `(${line.trouble ?? line.kind})`;
}

async function texts(client: LuxchatClient, room: string): Promise<string[]> {
  return (await lines(client, room)).map(textOf);
}

async function reads(client: LuxchatClient, room: string, text: string): Promise<TimelineItem> {
  let found: TimelineItem | undefined;
  const there = async () => {
    found = (await lines(client, room)).find((line) => textOf(line) === text && line.seq > 0);
    return found !== undefined;
  };
  await eventually(`${client.user} reads ${text}`, there, 20_000, [client]);
  return found as TimelineItem;
}

async function invited(client: LuxchatClient, room: string): Promise<void> {
  const { MEMBER_STATUS_INVITED } = MemberStatus;
  const there = () => client.rooms().some((one) => one.room === room && one.status === MEMBER_STATUS_INVITED);
  await eventually(`${client.user} is invited`, there, 20_000, [client]);
}

async function standsAs(client: LuxchatClient, room: string, status: MemberStatus): Promise<void> {
  await eventually(`${client.user} stands as ${status}`, () => client.room(room).status === status, 20_000, [client]);
}

/** A group of the given people, everyone in. */
async function groupOf(name: string, ...others: readonly LuxchatClient[]): Promise<string> {
  const room = await alice.createGroup({ name, invite: others.map(({ user }) => user) });
  for (const client of others) {
    await invited(client, room);
    await client.accept(room);
  }
  const everyone = [alice, ...others];
  const in_ = () => everyone.every((client) => client.room(room).members.length === others.length);
  await eventually('everyone is in', in_, 20_000, everyone);
  return room;
}

describe('joining', () => {
  it('shows the invited who invites and nothing else, and the newcomer gets name and topic under own keys', async () => {
    const room = await alice.createGroup({ name: 'Garden', topic: 'tomatoes', invite: [bob.user] });
    await invited(bob, room);
    expect(bob.room(room)).toMatchObject({ name: '', topic: '', invitedBy: alice.user, members: [] });
    await bob.accept(room);
    await eventually(
      'bob has name and topic',
      () => bob.room(room).name === 'Garden' && bob.room(room).topic === 'tomatoes',
      20_000,
      [bob],
    );
    await bob.send(room, 'hello garden');
    await reads(alice, room, 'hello garden');
    expectSound(...all());
  });

  it('starts unread counts and history at the joining', async () => {
    const room = await groupOf('late', bob);
    for (const text of ['one', 'two']) await alice.send(room, text);
    await reads(bob, room, 'two');
    await alice.invite(room, carol.user);
    await invited(carol, room);
    await carol.accept(room);
    await eventually('carol is in', () => alice.room(room).members.length === 2, 20_000, [alice]);
    expect(carol.room(room).unread).toBe(0);
    await bob.send(room, 'three');
    await reads(carol, room, 'three');
    expect(await texts(carol, room)).toEqual(['three']);
    expect(carol.room(room).unread).toBe(1);
    expectSound(...all());
  });

  it('can be declined, and asked again', async () => {
    const room = await alice.createGroup({ name: 'maybe', invite: [bob.user] });
    await invited(bob, room);
    await bob.decline(room);
    await standsAs(bob, room, MemberStatus.MEMBER_STATUS_DECLINED);
    const declined = () => alice.members(room).find(({ user }) => user === bob.user)?.status;
    await eventually('alice knows', () => declined() === MemberStatus.MEMBER_STATUS_DECLINED, 20_000, [alice]);
    await alice.invite(room, bob.user);
    await invited(bob, room);
    await bob.accept(room);
    await bob.send(room, 'fine');
    await reads(alice, room, 'fine');
    expectSound(...all());
  });

  it('is one room when two people start it at once, and messages wait for consent', async () => {
    const rooms = await Promise.all([bob.startDirect(carol.user), carol.startDirect(bob.user)]);
    expect(rooms[0]).toBe(rooms[1]);
    const [room] = rooms;
    for (const client of [bob, carol]) {
      const info = client.room(room);
      if (info.status === MemberStatus.MEMBER_STATUS_INVITED) await client.accept(room);
    }
    await bob.send(room, 'who was first?');
    await reads(carol, room, 'who was first?');
    expectSound(...all());
  });
});

describe('leaving', () => {
  it('by oneself ends reading; coming back begins a new stay', async () => {
    const room = await groupOf('door', bob, carol);
    await alice.send(room, 'all here');
    await reads(bob, room, 'all here');
    await bob.leave(room);
    await standsAs(bob, room, MemberStatus.MEMBER_STATUS_LEFT);
    await eventually('alice knows', () => alice.room(room).members.length === 1, 20_000, [alice]);
    await alice.send(room, 'without bob');
    await reads(carol, room, 'without bob');
    expect(await texts(bob, room)).toEqual(['all here']);
    await expect(bob.send(room, 'anyone?')).rejects.toMatchObject({ code: 'UNKNOWN' });

    await alice.invite(room, bob.user);
    await invited(bob, room);
    await bob.accept(room);
    await alice.send(room, 'with bob');
    await reads(bob, room, 'with bob');
    expect(await texts(bob, room)).toEqual(['all here', 'with bob']);
    expect(bob.room(room).unread).toBe(1);
    expectSound(...all());
  });

  it('by being removed or banned; banned is not invited again', async () => {
    const room = await groupOf('strict', bob, carol);
    await alice.remove(room, bob.user);
    await standsAs(bob, room, MemberStatus.MEMBER_STATUS_REMOVED);
    await alice.send(room, 'he is out');
    await reads(carol, room, 'he is out');
    expect(await texts(bob, room)).toEqual([]);
    await alice.ban(room, bob.user);
    await expect(alice.invite(room, bob.user)).rejects.toMatchObject({ code: 'REJECTED' });
    await alice.unban(room, bob.user);
    await alice.invite(room, bob.user);
    await invited(bob, room);
    await bob.accept(room);
    await bob.send(room, 'back');
    await reads(carol, room, 'back');
    expectSound(...all());
  });

  it('of a 1:1 room is undone by starting it again', async () => {
    const room = await alice.startDirect(bob.user);
    await invited(bob, room);
    await bob.accept(room);
    await alice.send(room, 'hi');
    await reads(bob, room, 'hi');
    await bob.leave(room);
    await eventually('alice knows', () => alice.room(room).members.length === 0, 20_000, [alice]);
    expect(await bob.startDirect(alice.user)).toBe(room);
    await bob.send(room, 'here again');
    await reads(alice, room, 'here again');
    expectSound(...all());
  });

  it('needs the rights for it', async () => {
    const room = await groupOf('rights', bob, carol);
    await expect(bob.remove(room, carol.user)).rejects.toMatchObject({ code: 'REJECTED' });
    await alice.setRole(room, bob.user, Role.ROLE_MODERATOR);
    await eventually('bob moderates', () => bob.room(room).role === Role.ROLE_MODERATOR, 20_000, [bob]);
    await bob.remove(room, carol.user);
    await standsAs(carol, room, MemberStatus.MEMBER_STATUS_REMOVED);
    await expect(bob.remove(room, alice.user)).rejects.toMatchObject({ code: 'REJECTED' });
    await expect(alice.leave(room)).rejects.toMatchObject({ code: 'REJECTED' });
    expectSound(...all());
  });
});

describe('messages', () => {
  it('are edited by their author and gather reactions', async () => {
    const room = await groupOf('talk', bob, carol);
    await alice.send(room, 'helo');
    const { id } = await reads(alice, room, 'helo');
    await alice.edit(room, id, 'hello');
    await bob.react(room, id, '👍');
    await carol.react(room, id, '👍');
    await carol.react(room, id, '🎉');
    await carol.react(room, id, '🎉', true);
    const shown = async (client: LuxchatClient) => (await lines(client, room)).find((line) => line.id === id);
    for (const client of all()) {
      await eventually(
        'everything is folded in',
        async () => {
          const line = await shown(client);
          return line?.edited === true && line.reactions.get('👍')?.length === 2 && !line.reactions.has('🎉');
        },
        20_000,
        [client],
      );
      expect(textOf((await shown(client)) as TimelineItem)).toBe('hello');
    }
    expect(bob.room(room).unread).toBe(1);
    await expect(bob.edit(room, id, 'forged')).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    // A program that does not ask itself first gets no further: nobody folds it in.
    const [member = 0, device = 0, sendId = 0] = id.split('.').map(Number);
    const value = { target: { member, device, sendId }, text: 'forged' };
    await bob.sendContent(room, { ...textContent(''), body: { $case: 'edit', value } });
    await bob.flushed();
    await eventually('the edit came', () => alice.room(room).headSeq === bob.room(room).headSeq, 20_000, [alice]);
    expect(textOf((await shown(alice)) as TimelineItem)).toBe('hello');
    expectSound(...all());
  });

  it('are deleted for all: by their author, or by one who stands above; the bytes leave every device', async () => {
    const room = await groupOf('regret', bob, carol);
    await bob.send(room, 'too much');
    await carol.send(room, 'spam');
    const regretted = await reads(bob, room, 'too much');
    await bob.edit(room, regretted.id, 'way too much');
    const spam = await reads(alice, room, 'spam');
    await reads(carol, room, 'way too much');
    await bob.deleteForAll(room, regretted.id);
    await alice.deleteForAll(room, spam.id);
    for (const client of all()) {
      const gone = async () => (await texts(client, room)).join(' ') === '(deleted) (deleted)';
      await eventually(`${client.user} shows neither`, gone, 20_000, [client]);
    }
    await alice.send(room, 'stays');
    const { id } = await reads(carol, room, 'stays');
    await expect(carol.deleteForAll(room, id)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    expect((await texts(alice, room)).at(-1)).toBe('stays');
    expectSound(...all());
  });

  it('are deleted whole while edits of them are still on their way', async () => {
    const room = await groupOf('haste', bob);
    await alice.send(room, 'too much');
    const { id } = await reads(alice, room, 'too much');
    for (const text of ['far too much', 'way too much', 'much too much']) await alice.edit(room, id, text);
    await alice.deleteForAll(room, id);
    await alice.flushed();
    // What is left of them at the hub is what a device gets that reads the log anew.
    const heldBodies = async () => {
      const value = { room, fromSeq: 0, throughSeq: 0, limit: 200, newestFirst: true };
      const { records } = await bob.parts.request({ $case: 'fetchRecords', value }, 'recordPage');
      const content = records.filter(({ header }) => EventHeader.decode(header).kind === EventKind.EVENT_KIND_CONTENT);
      return content.filter(({ body }) => body.length > 0).length;
    };
    // The deletion itself is the only one that keeps its body.
    await eventually('the hub holds no body of it', async () => (await heldBodies()) === 1, 20_000, [alice, bob]);
    expect(await texts(bob, room)).toEqual(['(deleted)']);
    expectSound(...all());
  });

  it('of one device leave in the order written, also those written without a connection', async () => {
    const room = await groupOf('order', bob);
    await provider.kill();
    const written = Array.from({ length: 20 }, (_, at) => `line ${String(at).padStart(2, '0')}`);
    for (const text of written) await alice.send(room, text);
    expect((await lines(alice, room)).map(({ sending }) => sending)).toEqual(written.map(() => 'waiting'));
    await provider.restart();
    await reads(bob, room, 'line 19');
    expect(await texts(bob, room)).toEqual(written);
    await alice.flushed();
    expect(await texts(alice, room)).toEqual(written);
    expectSound(...all());
  });

  it('show who is typing and who is there, and pins stay', async () => {
    const room = await groupOf('pins', bob);
    const typing = bob.once('typing', (told) => told.room === room && told.typing, AbortSignal.timeout(20_000));
    alice.typing(room, true);
    expect((await typing).user).toBe(alice.user);
    const online = alice.once('online', (told) => told.room === room, AbortSignal.timeout(20_000));
    bob.online(room);
    expect((await online).user).toBe(bob.user);
    await alice.send(room, 'keep this');
    const { id } = await reads(bob, room, 'keep this');
    const [member = 0, device = 0, sendId = 0] = id.split('.').map(Number);
    await bob.pin(room, [{ member, device, sendId }]);
    await eventually('alice sees the pin', () => alice.pins(room)[0]?.sendId === sendId, 20_000, [alice]);
    await Promise.all([alice.setName(room, 'pins of alice'), bob.setName(room, 'pins of bob')]);
    await Promise.all([alice.flushed(), bob.flushed()]);
    await eventually('one name won', () => alice.room(room).name === bob.room(room).name, 20_000, [alice, bob]);
    expectSound(...all());
  });
});

it('the server holds no word of it', () => {
  const secrets = ['hello garden', 'tomatoes', 'Garden', 'too much', 'keep this', '👍'].map((word) =>
    Buffer.from(word),
  );
  for (const file of filesIn(provider.folder)) {
    const bytes = readFileSync(file);
    for (const secret of secrets) expect(bytes.includes(secret), `${secret} in ${file}`).toBe(false);
  }
});

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesIn(path);
    // A socket holds nothing.
    return entry.isFile() ? [path] : [];
  });
}
