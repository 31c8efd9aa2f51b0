// Consent over real processes: a provider on its folder, four people with their SDK. What an invitation shows, what a block keeps away from whom, and a
// report that is checked against the provider's own log.
import { strFromU8, unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClientError, rejectionName } from '#client/errors.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { openDevice } from '#client/node/device-folder.ts';
import type { TimelineItem } from '#client/shown.ts';
import { MemberStatus, Role } from '#proto/gen/record.ts';
import { eventually, ProviderProcess } from './harness.ts';
import { reads, textOf, texts } from './shown.ts';

let provider: ProviderProcess;
let folder: string;
let alice: LuxchatClient;
let bob: LuxchatClient;
let carol: LuxchatClient;
let dave: LuxchatClient;

const open = async (): Promise<LuxchatClient> => {
  const client = await openDevice(folder, { backoffMaxMs: 500 });
  await client.start();
  await client.synced();
  return client;
};
const holds = (client: LuxchatClient, room: string, status: MemberStatus = MemberStatus.MEMBER_STATUS_INVITED) =>
  eventually(
    `${client.user} stands so in the room`,
    () => client.rooms().some((each) => each.room === room && each.status === status),
    20_000,
    [client],
  );
const say = async (client: LuxchatClient, room: string, text: string) => {
  await client.send(room, text);
  await client.flushed();
};
const direct = async (other: LuxchatClient): Promise<string> => {
  const room = await bob.startDirect(other.user);
  await holds(other, room);
  await other.accept(room);
  await say(bob, room, 'hello');
  await reads(other, room, 'hello');
  return room;
};
const codeOf = (refused: Promise<unknown>) =>
  refused.then(
    () => 'fine',
    (error) => (error instanceof ClientError ? (error.rejection ? rejectionName(error.rejection) : error.code) : error),
  );

beforeAll(async () => {
  provider = await ProviderProcess.start();
  folder = await provider.login('alice');
  alice = await open();
  bob = await provider.device('bob');
  carol = await provider.device('carol');
  dave = await provider.device('dave');
}, 60_000);
afterAll(async () => {
  for (const client of [alice, bob, carol, dave]) await client?.close();
  await provider?.remove();
});

describe('between people', () => {
  it('an invitation shows who invites, and nothing that they chose', async () => {
    const room = await bob.createGroup({ name: 'Buy here', topic: 'now', invite: [alice.user] });
    await bob.flushed();
    await holds(alice, room);
    const { name, topic, invitedBy, invitedByBot, role, members, unread, direct: isDirect } = alice.room(room);
    expect({ name, topic, invitedBy, invitedByBot, role, members, unread, isDirect }).toEqual({
      name: '',
      topic: '',
      invitedBy: bob.user,
      invitedByBot: false,
      role: Role.ROLE_MEMBER,
      members: [],
      unread: 0,
      isDirect: false,
    });
    expect(await alice.timeline(room)).toEqual([]);
    await alice.decline(room);
  });

  it('a block keeps all away that someone says, and they see what a switched-off device would show', {
    timeout: 90_000,
  }, async () => {
    const withAlice = await direct(alice);
    const withCarol = await direct(carol);
    const group = await dave.createGroup({ name: 'three', invite: [alice.user, bob.user] });
    for (const client of [alice, bob]) {
      await holds(client, group);
      await client.accept(group);
    }
    await say(bob, group, 'before');
    await reads(alice, group, 'before');
    await alice.block(bob.user);
    await carol.close();
    expect(alice.blocked()).toEqual([bob.user]);
    const receipts: string[] = [];
    const stop = bob.on('receipt', ({ room }) => receipts.push(room));

    const seen = [];
    for (const room of [withAlice, withCarol]) {
      await say(bob, room, 'meanwhile');
      bob.typing(room, true);
      const lines = await bob.timeline(room);
      seen.push(lines.map(({ kind, sending, own }) => ({ kind, sending, own })));
    }
    const bait = await bob.createGroup({ name: 'bait', invite: [alice.user, carol.user] });
    await bob.flushed();
    await say(bob, group, 'not to be heard');
    await say(dave, group, 'to be heard');

    await reads(alice, group, 'to be heard');
    expect(await texts(alice, group)).toEqual(['to be heard']);
    expect(seen[0]).toEqual(seen[1]);
    expect(bob.members(bait).map(({ status }) => status)).toEqual([2, 1, 1]);
    // Another look at everything there is.
    await alice.close();
    alice = await open();
    const shown = alice.rooms().map(({ room }) => room);
    expect([shown.includes(withAlice), shown.includes(bait), shown.includes(group)]).toEqual([false, false, true]);
    expect(await codeOf(alice.startDirect(bob.user))).toBe('BAD_ARGUMENT');
    expect(receipts).toEqual([]);

    await alice.unblock(bob.user);
    await holds(alice, withAlice, MemberStatus.MEMBER_STATUS_JOINED);
    await holds(alice, bait);
    await say(bob, withAlice, 'again');
    await reads(alice, withAlice, 'again');
    expect(await texts(alice, withAlice)).toEqual(['hello', 'again']);
    expect(await texts(alice, group)).toEqual(['before', 'to be heard']);
    stop();
  });

  it('a report shows one message that was sent, and no other', async () => {
    const room = await bob.startDirect(alice.user);
    await say(bob, room, 'something vile');
    await reads(alice, room, 'something vile');
    const line = (await alice.timeline(room)).find((each) => textOf(each) === 'something vile') as TimelineItem;
    expect(await codeOf(alice.report(room, line.id, 'vile'))).toBe('fine');
    await say(alice, room, 'my own');
    const own = (await alice.timeline(room)).find(({ own: isOwn }) => isOwn) as TimelineItem;
    expect(await codeOf(alice.report(room, own.id))).toBe('BAD_ARGUMENT');
    const forged = { room, seq: line.seq, frankingKey: new Uint8Array(32), inner: Uint8Array.of(1), reason: '' };
    expect(await codeOf(alice.parts.request({ $case: 'report', value: forged }, 'done'))).toBe('BAD_SIGNATURE');
    expect(await codeOf(strangersReport(room, line.seq))).toBe('NOT_FOUND');
  });

  // Whom one blocks is not shown: so what was said to them was neither exported nor emptied, the room was not left, and no receipt said so.
  it('an account that is erased takes with it what its person said to somebody whom they block', {
    timeout: 60_000,
  }, async () => {
    const erin = await provider.device('erin');
    const room = await erin.startDirect(dave.user);
    await holds(dave, room);
    await dave.accept(room);
    await say(erin, room, 'leave me alone');
    await reads(dave, room, 'leave me alone');
    const seq = (await dave.timeline(room)).find((each) => textOf(each) === 'leave me alone')?.seq ?? 0;
    await erin.block(dave.user);
    expect(erin.rooms().some((each) => each.room === room)).toBe(false);
    const pieces: Uint8Array[] = [];
    for await (const piece of erin.account.export()) pieces.push(piece);
    const files = unzipSync(Buffer.concat(pieces));
    expect(Object.values(files).some((file) => strFromU8(file).includes('leave me alone'))).toBe(true);
    const { left, stayed, kept } = await erin.account.erase(await provider.stepUp(erin, 'erin', 'erase'));
    await erin.close();
    expect({ left, stayed, kept }).toEqual({ left: 1, stayed: [], kept: [] });
    const isOut = () => dave.room(room).other?.status === MemberStatus.MEMBER_STATUS_LEFT;
    await eventually('dave sees that erin left', isOut, 20_000, [dave]);
    const value = { room, fromSeq: seq, throughSeq: seq, limit: 1, newestFirst: false };
    const isEmptied = async () => {
      const { records } = await dave.parts.request({ $case: 'fetchRecords', value }, 'recordPage');
      return records[0]?.body.length === 0;
    };
    await eventually('the provider has it no more', isEmptied, 20_000, [dave]);
  });
});

/** Somebody who is not in the room shows a message of it. */
function strangersReport(room: string, seq: number): Promise<unknown> {
  const value = { room, seq, frankingKey: new Uint8Array(32), inner: Uint8Array.of(1), reason: '' };
  return dave.parts.request({ $case: 'report', value }, 'done');
}
