// Groups at the terminal: who leads one changes who is in it and as what, who is in it what it is called and what is pinned; and what may not be says why.
import { beforeAll, describe, expect, it } from 'vitest';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { MemberStatus, Role } from '#proto/gen/record.ts';
import { eventually } from '#server/test/harness.ts';
import { stage } from './test/stage.ts';

const alice = stage('alice');
let self: string;
let carol: LuxchatClient;
let ben: LuxchatClient;
/** Alice owns the first; in the second Carol does, and Alice is what Carol says. */
let own: string;
let hers: string;

async function done(...args: string[]): Promise<Record<string, unknown>[]> {
  const ran = await alice.run(...args);
  expect(ran, `${args.join(' ')}: ${ran.errors}`).toMatchObject({ status: 0 });
  return ran.lines;
}

async function refused(...args: string[]): Promise<string> {
  const { status, errors } = await alice.run(...args);
  expect(status, `${args.join(' ')} is refused`).not.toBe(0);
  return errors;
}

async function memberOf(room: string, user: string): Promise<Record<string, unknown> | undefined> {
  return (await done('members', room)).find((member) => member.user === user);
}

async function joins(client: LuxchatClient, room: string): Promise<void> {
  const isThere = () => client.rooms().some((one) => one.room === room);
  await eventually('the invitation is there', isThere, 30_000, [client]);
  await client.accept(room);
}

beforeAll(async () => {
  [carol, ben] = await Promise.all([alice.device('carol'), alice.device('ben')]);
  self = String((await done('whoami'))[0]?.user);
  own = String((await done('group', '--name', 'Hiking', ben.user))[0]?.room);
  await joins(ben, own);
  hers = await carol.createGroup({ name: 'Choir', invite: [self, ben.user] });
  await done('accept', hers);
  await joins(ben, hers);
});

describe('who leads a group', () => {
  it('gives roles, takes people out for good, and lets them be invited again', async () => {
    await done('role', own, ben.user, 'moderator');
    expect(await memberOf(own, ben.user)).toMatchObject({ role: 'moderator' });
    await done('ban', own, ben.user);
    expect(await memberOf(own, ben.user)).toMatchObject({ status: 'banned' });
    expect(await refused('invite', own, ben.user)).toMatch(/is banned here: .* unban .* first/);
    await done('unban', own, ben.user);
    await done('invite', own, ben.user);
    await eventually('he is invited', () => ben.room(own).status === MemberStatus.MEMBER_STATUS_INVITED, 30_000, [ben]);
    await ben.accept(own);
  });

  it('says to who does not lead it, or not as high, why that can not be', async () => {
    expect(await refused('ban', hers, ben.user)).toContain('You are a member of this group, and no more');
    await carol.setRole(hers, self, Role.ROLE_MODERATOR);
    await eventually('she is moderator', async () => (await memberOf(hers, self))?.role === 'moderator', 30_000);
    expect(await refused('remove', hers, carol.user)).toContain('is owner here, and you are moderator');
    expect(await refused('role', hers, ben.user, 'admin')).toContain('you give roles below that');
    expect(await refused('unban', hers, ben.user)).toContain('is not banned here');
    expect(await refused('role', hers, self, 'admin')).toContain('Nobody does that about themselves');
  });

  it('says what it takes where it was called wrongly', async () => {
    expect(await refused('role', own, ben.user, 'king')).toContain('one of member, moderator, admin, owner');
    expect(await refused('role', own, ben.user)).toContain('needs a role');
    expect(await refused('role', own)).toContain('needs a Luxchat-ID');
    expect(await refused('ban', own)).toContain('needs a Luxchat-ID');
    expect(await refused('ban', own, 'not-an-id')).toContain('Luxchat-ID');
    expect(await refused('ban', own, carol.user)).toContain('not in the room');
    const [direct] = await done('start', ben.user);
    expect(await refused('ban', String(direct?.room), ben.user)).toContain('both stand alike');
  });
});

describe('who is in a group', () => {
  it('says what it is called and about', async () => {
    await done('rename', own, 'Long', 'walks');
    expect((await done('rooms')).find(({ room }) => room === own)).toMatchObject({ name: 'Long walks' });
    expect(await done('topic', own)).toMatchObject([{ topic: '' }]);
    await done('topic', own, 'Every', 'Sunday');
    expect(await done('topic', own)).toMatchObject([{ topic: 'Every Sunday' }]);
    await done('topic', own, '--none');
    expect(await done('topic', own)).toMatchObject([{ topic: '' }]);
    expect(await refused('rename', own, 'x'.repeat(2_000))).toContain('A name has at most');
    expect(await refused('rename', own)).toContain('needs a text');
    const [direct] = await done('start', ben.user);
    expect(await refused('rename', String(direct?.room), 'Ben')).toContain('as the other wants to be called');
  });

  it('pins messages for all, and takes them off', async () => {
    expect(await done('pins', own)).toEqual([]);
    const [first] = await done('send', own, 'We meet at nine.');
    const [second] = await done('send', own, 'Bring water.');
    await done('pin', own, String(first?.seq));
    await done('pin', own, String(second?.id));
    await done('pin', own, String(second?.id));
    expect(await done('pins', own)).toMatchObject([{ text: 'We meet at nine.' }, { text: 'Bring water.' }]);
    await eventually('ben has them', () => ben.pins(own).length === 2, 30_000, [ben]);
    await done('unpin', own, String(first?.seq));
    expect(await done('pins', own, '--limit', '1')).toMatchObject([{ id: second?.id }]);
    expect(await refused('unpin', own, String(first?.seq))).toContain('is not pinned');
    for (const word of ['99999', 'nothing']) expect(await refused('pin', own, word)).toContain('no ');
  });

  it('changes nothing any more once out of it', async () => {
    await done('leave', hers);
    for (const command of [
      ['rename', hers, 'Mine'],
      ['topic', hers, 'Mine'],
      ['pin', hers, '1.1.1'],
    ])
      expect(await refused(...command)).toContain('and you are not');
    expect(await refused('ban', hers, ben.user)).toContain('not in this group any more');
  });
});
