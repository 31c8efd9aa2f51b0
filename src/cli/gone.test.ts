// People who are gone, as the terminal client shows it: who left a 1:1 room, and whose account is no more, is not waited for.
import { rmSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { openDevice } from '#client/node/device-folder.ts';
import { MemberStatus } from '#proto/gen/record.ts';
import { eventually } from '#server/test/harness.ts';
import { run, runHere } from './test/program.ts';
import { stage } from './test/stage.ts';

const alice = stage('alice');

/** Takes the invitation once it is there. */
async function joins(client: LuxchatClient, room: string): Promise<void> {
  const { MEMBER_STATUS_INVITED } = MemberStatus;
  const isInvited = () => client.rooms().some((each) => each.room === room && each.status === MEMBER_STATUS_INVITED);
  await eventually('the invitation is there', isInvited, 20_000, [client]);
  await client.accept(room);
}

it('tells who left from who has not accepted yet, and says where nobody is to be invited again', async () => {
  const ben = await alice.device('ben');
  const lines = async (...args: string[]) => (await alice.run(...args)).lines[0];
  const errors = async (...args: string[]) => (await alice.run(...args)).errors;
  const room = String((await lines('start', ben.user))?.room);
  const other = async () => ((await lines('rooms'))?.other as { status?: number } | undefined)?.status;
  expect(await other()).toBe(MemberStatus.MEMBER_STATUS_INVITED);
  await joins(ben, room);
  expect(await lines('send', room, 'Moien')).toMatchObject({ sending: 'accepted' });

  await ben.leave(room);
  // The first command after that may learn of it on the way: it says so all the same.
  expect(await errors('send', room, 'still there?')).toMatch(/left/);
  expect(await other()).toBe(MemberStatus.MEMBER_STATUS_LEFT);
  expect(await errors('send', room, 'still there?')).toContain('left this chat');
  expect(await lines('start', ben.user)).toMatchObject({ other: { status: MemberStatus.MEMBER_STATUS_INVITED } });
  await joins(ben, room);
  expect(await lines('send', room, 'Welcome back')).toMatchObject({ sending: 'accepted' });

  await ben.account.erase(await alice.provider.stepUp(ben, 'ben', 'erase'));
  expect(await other()).toBe(MemberStatus.MEMBER_STATUS_LEFT);
  expect(await errors('send', room, 'still there?')).toContain('left this chat');
  expect(await errors('start', ben.user)).toContain('nobody with this Luxchat-ID any more');
  // Nobody was invited by that.
  expect(await other()).toBe(MemberStatus.MEMBER_STATUS_LEFT);
});

it('keeps a group that one was taken out of readable, and says so', async () => {
  const ann = await alice.device('ann');
  const { user } = (await alice.run('whoami')).lines[0] as { user: string };
  const room = await ann.createGroup({ name: 'Hiking', invite: [user] });
  expect(await alice.run('accept', room)).toMatchObject({ status: 0 });
  const isNamed = async () => (await alice.run('members', 'Hiking')).status === 0;
  await eventually('she reads its name', isNamed, 20_000, [ann]);
  await ann.send(room, 'Moien');
  await ann.flushed();
  const shown = async () => JSON.stringify((await alice.run('history', 'Hiking')).lines);
  expect(await shown()).toContain('Moien');
  await ann.remove(room, user);
  expect(await shown()).toContain('Moien');
  const rooms = (await alice.run('rooms')).lines;
  expect(rooms).toContainEqual(expect.objectContaining({ room, status: MemberStatus.MEMBER_STATUS_REMOVED }));
  expect((await alice.run('send', 'Hiking', 'still there?')).errors).toContain('not in this room any more');
});

it('says how a group is handed over that only its owner may not leave', async () => {
  const kim = await alice.device('kim');
  const [group] = (await alice.run('group', '--name', 'Chess', kim.user)).lines;
  const room = String(group?.room);
  await joins(kim, room);
  const { status, errors } = await alice.run('leave', 'Chess');
  expect(status).toBe(1);
  expect(errors).toMatch(/only owner of this group, and others are in it: .* role \S+ ID owner/);
  await kim.leave(room);
  expect(await alice.run('leave', 'Chess')).toMatchObject({ status: 0 });
});

it('shows no invitation of who is blocked, until they are blocked no more', async () => {
  const eve = await alice.device('eve');
  const { user } = (await alice.run('whoami')).lines[0] as { user: string };
  const room = await eve.createGroup({ name: 'bait', invite: [user] });
  const isListed = async (command: string) => (await alice.run(command)).lines.some((line) => line.room === room);
  await eventually('the invitation is there', () => isListed('invitations'), 20_000, [eve]);
  // Somebody in a room or an invitation here is known, and nobody is asked about them.
  expect(await alice.run('block', eve.user)).toMatchObject({ status: 0 });
  expect([await isListed('invitations'), await isListed('rooms')]).toEqual([false, false]);
  expect((await alice.run('accept', room)).status).toBe(1);
  await alice.run('unblock', eve.user);
  expect(await isListed('invitations')).toBe(true);
});

it('blocks nobody of an id that nobody has, and whom one knows also once their account is gone', async () => {
  const refused = async (...args: string[]) => (await alice.run(...args)).errors;
  expect(await refused('block', '@nobody')).toContain('nobody with this Luxchat-ID');
  expect(await refused('block', '@0000 0000 001')).toContain('a mistake in this Luxchat-ID');
  const fay = await alice.device('fay');
  const gus = await alice.device('gus');
  await alice.run('start', fay.user);
  for (const one of [fay, gus])
    await one.account.erase(await alice.provider.stepUp(one, one === fay ? 'fay' : 'gus', 'erase'));
  expect(await refused('block', gus.user)).toContain('nobody with this Luxchat-ID');
  expect(await alice.run('block', fay.user)).toMatchObject({ status: 0 });
  expect((await alice.run('blocked')).lines).toEqual([{ type: 'blocked', user: fay.user }]);
});

// `history` failed on a device that was logged out, though all of it lay there.
it('shows on a logged-out device what that kept, and fails behind it with what to do next', async () => {
  const hana = await alice.provider.login('hana');
  const { user } = (await runHere(hana, ['whoami'])).lines[0] as { user: string };
  const ida = await alice.device('ida');
  const room = await ida.startDirect(user);
  expect(await runHere(hana, ['accept', ida.user])).toMatchObject({ status: 0 });
  await ida.send(room, 'Moien');
  await ida.flushed();
  const before = (await runHere(hana, ['history', ida.user])).lines;
  expect(before).toContainEqual(expect.objectContaining({ text: 'Moien' }));
  const client = await openDevice(hana);
  await client.start();
  await client.synced();
  await client.account.deactivate(await alice.provider.stepUp(client, 'hana', 'deactivate'));
  await client.close();
  const { status, lines, errors } = await runHere(hana, ['history', ida.user]);
  expect([status, lines]).toEqual([1, before]);
  expect(errors).toMatch(
    /^That is what this device kept.*account was deactivated.*To switch it on again: .* log-out, then .* login/s,
  );
  expect((await runHere(hana, ['rooms'])).lines).toContainEqual(expect.objectContaining({ room }));
  // What was said here waited for ever, without a word.
  for (const command of [
    ['send', ida.user, 'Äddi'],
    ['reply', ida.user, '4', 'Äddi'],
  ]) {
    const said = await runHere(hana, command);
    expect([said.status, said.errors]).toEqual([1, expect.stringContaining('It was not sent, and is not kept.')]);
  }
  const talked = await run(hana, ['chat', ida.user], 'Äddi\n');
  expect([talked.status, talked.errors]).toEqual([1, expect.stringContaining('account was deactivated')]);
  expect((await runHere(hana, ['history', ida.user])).lines).toEqual(before);
  rmSync(hana, { recursive: true });
});
