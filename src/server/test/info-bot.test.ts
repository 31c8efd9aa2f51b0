// The Info bot as a process beside a real provider, and people with the SDK: who logs in for the first time is invited once, whoever is killed in between, and
// the bot talks with one person at a time, in their language.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { openDevice } from '#client/node/device-folder.ts';
import type { RoomInfo } from '#client/shown.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { MemberStatus } from '#proto/gen/record.ts';
import { eventually, ProviderProcess } from './harness.ts';

const program = new URL('../../bots/info/main.ts', import.meta.url).pathname;
const info = '@info:localhost';
const notice = 'https://chat.example.lu/privacy';
const waitMs = 30_000;

let provider: ProviderProcess;
let bot: ChildProcess;
const folder = mkdtempSync(join(tmpdir(), 'luxchat-info-'));
const people: LuxchatClient[] = [];
const folders: string[] = [];

/** Resolves when it is at work. It gives an app so long to say its language. */
function startBot(graceMs = 600_000): Promise<void> {
  const secret = join(provider.folder, 'secrets', 'bot-info');
  const place = [
    '--server',
    provider.url,
    '--folder',
    join(folder, 'bot'),
    '--secret-file',
    secret,
    '--privacy-notice',
    notice,
  ];
  bot = spawn(process.execPath, [program, ...place, '--grace-ms', String(graceMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    bot.once('exit', (code) => reject(new Error(`the bot ended with ${code}`)));
    createInterface({ input: bot.stdout! }).on('line', (line) => line.includes('is ready') && resolve());
  });
}

function killBot(): Promise<void> {
  if (bot.exitCode !== null || bot.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    bot.once('exit', () => resolve());
    bot.kill('SIGKILL');
  });
}

/** Opens the device of a new login. */
async function enter(user: string, language?: string): Promise<LuxchatClient> {
  return open(await provider.login(user), language);
}

async function open(own: string, language?: string): Promise<LuxchatClient> {
  folders.push(own);
  const client = await openDevice(own, { backoffMaxMs: 500, ...(language === undefined ? {} : { language }) });
  people.push(client);
  await client.start();
  await client.synced();
  return client;
}

const withInfo = (client: LuxchatClient) =>
  client.rooms().filter(({ invitedBy, members }) => [invitedBy, ...members].includes(info));

/** The room to which the bot has invited this person. */
async function invited(client: LuxchatClient): Promise<RoomInfo> {
  await eventually('the invitation is there', () => withInfo(client).length > 0, waitMs, [client]);
  return withInfo(client)[0]!;
}

/** What the bot said in the room, oldest first, once it is so much. */
async function said(client: LuxchatClient, room: string, count: number): Promise<string[]> {
  const texts = async () =>
    (await client.timeline(room, { limit: 100 })).flatMap(({ own, content }) =>
      !own && content?.body?.$case === 'text' ? content.body.value.text : [],
    );
  await eventually(`the bot said ${count} things`, async () => (await texts()).length >= count, waitMs, [client]);
  return texts();
}

/** How often the room tells of an invitation. */
async function invitations(client: LuxchatClient, room: string): Promise<number> {
  return (await client.timeline(room, { limit: 100 })).filter(({ notice }) => notice?.what === 'invited').length;
}

beforeAll(async () => {
  provider = await ProviderProcess.start(['--info-bot', 'elsewhere']);
  await startBot();
});
afterAll(async () => {
  for (const client of people) await client.close();
  await killBot();
  await provider.remove();
  for (const each of [folder, ...folders]) rmSync(each, { recursive: true, force: true });
});

describe('the Info bot', () => {
  it('invites at the first login with its mark and nothing else, says the Luxchat-ID in the language of who accepts, and answers', async () => {
    const alice = await enter('alice', 'fr');
    const { room, ...shown } = await invited(alice);
    expect(shown).toMatchObject({
      direct: true,
      bot: true,
      invitedBy: info,
      invitedByBot: true,
      name: '',
      members: [],
    });
    await alice.accept(room);
    const [hello] = await said(alice, room, 1);
    expect(hello).toContain(`Votre Luxchat-ID est ${alice.user}`);
    expect(
      alice
        .members(room)
        .map(({ user, bot }) => [user, bot])
        .sort(),
    ).toEqual(
      [
        [info, true],
        [alice.user, false],
      ].sort(),
    );
    for (const text of ['2', 'Et la place ?', '4', 'de']) await alice.send(room, text);
    const answers = await said(alice, room, 5);
    expect(answers).toHaveLength(5);
    for (const part of ['24 mois', '0,5 Go', notice, `Ihre Luxchat-ID ist ${alice.user}`])
      expect(answers.filter((answer) => answer.includes(part))).toHaveLength(1);
    expect(await invitations(alice, room)).toBe(1);
    expect(statSync(join(provider.folder, 'secrets', 'bot-info')).mode & 0o777).toBe(0o600);
  });

  it('is started later by who declined, and begins in all languages where an app says none', async () => {
    await killBot();
    await startBot(300);
    const bob = await enter('bob');
    const { room } = await invited(bob);
    await bob.decline(room);
    const found = await bob.directory.search('info');
    expect(found).toEqual([{ user: info, name: 'Info', bot: true }]);
    expect(await bob.startDirect(info)).toBe(room);
    const [hello] = await said(bob, room, 1);
    for (const word of ['Är', 'Votre', 'Ihre', 'Your', 'O seu']) expect(hello).toContain(word);
    expect(hello).toContain(bob.user);
    await bob.send(room, 'pt');
    expect((await said(bob, room, 2))[1]).toContain(`O seu Luxchat-ID é ${bob.user}`);
  });

  it('comes into no group: the provider refuses it', async () => {
    const [alice] = people as [LuxchatClient];
    const group = alice.createGroup({ name: 'Hiking', invite: [info] });
    await expect(group).rejects.toMatchObject({ code: 'REJECTED', rejection: Rejection.REJECTION_FORBIDDEN });
  });

  it('invites once all the same where it and the provider are killed between the login and the invitation, and two devices come at once', async () => {
    await killBot();
    const logins = [await provider.login('carol'), await provider.login('carol')];
    const both = await Promise.all(logins.map((own) => open(own, 'lb')));
    const isFirst = ({ ownDevices }: LuxchatClient) => ownDevices.confirmed;
    await eventually('one of the two is set up', () => both.some(isFirst), waitMs, both);
    const carol = both.find(isFirst)!;
    await provider.kill();
    await provider.restart();
    expect(withInfo(carol)).toEqual([]);
    await startBot();
    const { room } = await invited(carol);
    await killBot();
    await carol.accept(room);
    await startBot();
    const [hello] = await said(carol, room, 1);
    expect(hello).toContain(`Är Luxchat-ID ass ${carol.user}`);
    expect(withInfo(carol)).toHaveLength(1);
    expect(await invitations(carol, room)).toBe(1);
    expect(carol.room(room).status).toBe(MemberStatus.MEMBER_STATUS_JOINED);
    expect(await said(carol, room, 1)).toHaveLength(1);
  });
});

it('the provider runs the Info bot where it is told to, and ends it with itself', async () => {
  const other = await ProviderProcess.start(['--info-bot', 'run']);
  const own = await other.login('erin');
  const erin = await openDevice(own, { backoffMaxMs: 500 });
  await erin.start();
  await invited(erin);
  await erin.close();
  expect(await other.stop()).toBe(0);
  expect(other.output).toContain('The Info bot @info:localhost');
  expect(other.output).not.toContain('The Info bot ended');
  rmSync(own, { recursive: true, force: true });
  await other.remove();
});
