// A plaintext canary is sent through everything that the SDK offers, in what people are called and show, and in the passwords of their backup; and it is found in
// no byte on the server side: not in the data folder, the logs, the console, nor in what a recorder in front of the provider captures. No private key of the
// devices is either, and nothing of a login names the person. A planted copy is found. What somebody reports is shown to the provider, and nothing beside it.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { passwordCostMin } from '#client/backup/header.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { textContent } from '#client/sending/text-content.ts';
import { messageRef } from '#client/timeline/timeline.ts';
import { ClientFrame } from '#proto/gen/client.ts';
import { person } from '../../luxid/people.ts';
import { keyNeedlesOf, needlesOf, type Place, plantsOf, search } from './canary-search.ts';
import { backupSecrets, type Secrets, sessionSecrets } from './canary-secrets.ts';
import { eventually, ProviderProcess } from './harness.ts';
import { Liar } from './liar.ts';
import { join as accept, device, reads, says, texts } from './liar-scene.ts';

const canary = 'Kanarienvogel-7f3a91';
const userName = 'zoe-canary-user';
/** Each of their words is searched for by itself. */
const passwords = ['zeisigquirl goldammerfunk rotkehlchenpfad', 'stieglitzwolke gimpelrabatt zaunkoenigsamt'] as const;
/** Shown to the provider on purpose. */
const reported = 'Meldevogel-51c0de';
const picture = Buffer.concat([
  Buffer.from([0xff, 0xd8, 0xff]),
  Buffer.from(`${canary} picture`),
  Buffer.alloc(500, 7),
]);

const words = passwords.flatMap((password) => password.split(' '));
const key = Buffer.from(Array.from({ length: 32 }, (_, at) => (at * 37 + 11) % 256));
/** Three devices, and a step-up before each of set-up, unlocking and change. */
const logins = 6;

let provider: ProviderProcess;
let recorder: Liar;
let author: LuxchatClient;
let reader: LuxchatClient;
let tablet: LuxchatClient;
let secrets: Secrets;

beforeAll(async () => {
  provider = await ProviderProcess.start();
  recorder = await Liar.start(provider);
  author = await device(provider, userName, recorder.url, { passwordCost: passwordCostMin });
  reader = await device(provider, 'yan-canary-user', recorder.url);
  await sayEverything();
  secrets = await secureEverything();
}, 120_000);

afterAll(async () => {
  await Promise.allSettled([author, reader, tablet].map((client) => client?.close()));
  recorder?.close();
  await provider?.remove();
});

/** Each thing that a person can write, with the canary in it. */
async function sayEverything(): Promise<void> {
  const group = await author.createGroup({ name: `${canary} name`, topic: `${canary} topic`, invite: [reader.user] });
  await accept(reader, group);
  await author.setProfile({ name: `${canary} Zoe`, picture });
  await says(author, group, `${canary} text`);
  await reads(reader, group, `${canary} text`);
  const [first] = (await texts(author, group)).slice(-1);
  const id = first?.id ?? '';
  await author.edit(group, id, `${canary} edited`);
  await author.react(group, id, `${canary}`);
  const ref = messageRef(id);
  if (!ref) throw new Error('no reference');
  await author.pin(group, [ref]);
  await author.send(group, `${canary} reply`, { replyTo: ref, mentions: [reader.user] });
  await author.sendContent(group, { ...textContent(`${canary} content`), forwarded: true });
  author.typing(group, true);
  await author.setName(group, `${canary} renamed`);
  await author.setTopic(group, `${canary} retold`);
  await author.flushed(10_000);
  await reads(reader, group, `${canary} content`);
  await reader.markRead(group);
  const doomed = await author.send(group, `${canary} to be deleted`);
  await author.flushed(10_000);
  await reads(reader, group, `${canary} to be deleted`);
  const line = (await texts(author, group)).find(({ text }) => text === `${canary} to be deleted`);
  await author.deleteForAll(group, line?.id ?? doomed.id);
  const direct = await reader.startDirect(author.user);
  await accept(author, direct);
  await says(reader, direct, `${canary} between us`);
  await reads(author, direct, `${canary} between us`);
  await eventually('the new name is shown', () => reader.room(group).name === `${canary} renamed`);
  await says(author, direct, reported);
  await reads(reader, direct, reported);
  const vile = (await texts(reader, direct)).find(({ text }) => text === reported);
  await reader.report(direct, vile?.id ?? '', `${reported} reason`);
}

/** A backup with a password, which opens another device, and then gets another one. What only these devices know of it. */
async function secureEverything(): Promise<Secrets> {
  const [first, second] = passwords;
  const grant = (client: LuxchatClient) => provider.stepUp(client, userName);
  await author.security.setUp(await grant(author), first);
  await author.security.flushed();
  const underFirst = await backupSecrets(author, askedOf('createBackup').slice(-1)[0]!, first);
  tablet = await device(provider, userName, recorder.url);
  await tablet.security.unlock(await grant(tablet), first);
  await tablet.security.flushed();
  await author.security.changePassword(await grant(author), second);
  for (const client of [author, tablet]) await client.security.flushed();
  const underSecond = await backupSecrets(author, askedOf('createBackup').slice(-1)[0]!, second);
  return { ...underFirst, ...underSecond, ...(await sessionSecrets(author, askedOf('putBackup'))) };
}

type Asked = Liar['asked'][number];

/** Requests of one kind. */
function askedOf<Kind extends Asked['$case']>(kind: Kind): Extract<Asked, { $case: Kind }>['value'][] {
  return recorder.asked.flatMap((asked) => (asked.$case === kind ? [asked.value as never] : []));
}

/** Every byte of the folder but the stand-in's own, and what was written to the console. */
function serverSide(...more: Place[]): Place[] {
  const files = readdirSync(provider.folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.startsWith(join(provider.folder, 'luxid')));
  const folder = files.map((path) => ({ name: path, bytes: readFileSync(path) }));
  return [...folder, { name: 'console', bytes: Buffer.from(provider.output) }, ...more];
}

/** What the provider saw on the wire. */
function captured(): Place[] {
  const frames = recorder.asked.map((body, at) => ({
    name: `frame ${at}, ${body.$case}`,
    bytes: Buffer.from(ClientFrame.encode({ request: 1, body }).finish()),
  }));
  return [...frames, ...recorder.told.map((bytes, at) => ({ name: `told ${at}`, bytes: Buffer.from(bytes) }))];
}

describe('a canary', () => {
  it('was really said: the other person reads it', async () => {
    const said = await Promise.all(reader.rooms().map(({ room }) => texts(reader, room)));
    const heard = said.flat().map(({ text }) => text);
    for (const word of ['edited', 'reply', 'content', 'between us']) expect(heard).toContain(`${canary} ${word}`);
    const shown = reader.rooms().flatMap(({ room }) => reader.members(room));
    expect(shown.filter(({ user }) => user === author.user).map(({ name }) => name)).toContain(`${canary} Zoe`);
    expect(await reader.picture(author.user)).toEqual(new Uint8Array(picture));
    const onTablet = await Promise.all(tablet.rooms().map(({ room }) => texts(tablet, room)));
    expect(onTablet.flat().map(({ text }) => text)).toContain(`${canary} between us`);
  });

  it('is found in no file, log, console line or captured frame of the provider', async () => {
    expect(captured().length).toBeGreaterThan(50);
    expect(search(needlesOf(canary), serverSide(...captured()))).toEqual([]);
  });

  it('is found in none of them, nor a word of a password, after the provider has stopped and written everything', async () => {
    await provider.stop();
    const places = serverSide(...captured());
    for (const word of [canary, ...words]) expect(search(needlesOf(word), places)).toEqual([]);
  });

  it.each([
    ['a text', needlesOf(canary), Buffer.from(canary)],
    ['a key', keyNeedlesOf(key), key],
  ] as const)('would be found if it were there, as %s in any shape', (_, needles, bytes) => {
    mkdirSync(join(provider.folder, 'planted'), { recursive: true });
    for (const [form, plant] of Object.entries(plantsOf(needles, bytes))) {
      const path = join(provider.folder, 'planted', `${form.replaceAll(/\W/g, '-')}.bin`);
      writeFileSync(path, Buffer.concat([Buffer.alloc(1_001, 1), plant, Buffer.alloc(7, 2)]));
      expect(search(needles, serverSide())).toContain(`${form} in ${path}`);
    }
  });
});

describe('what only devices know', () => {
  it('is found nowhere either: identity, backup keys, hashed passwords, sessions', () => {
    expect(askedOf('createBackup')).toHaveLength(2);
    expect(Object.keys(secrets).filter((name) => / of backup [12]$/.test(name))).toHaveLength(10);
    expect(Object.keys(secrets)).toEqual(
      expect.arrayContaining(['master seed', 'self-signing seed', 'user-signing seed']),
    );
    expect(Object.keys(secrets).filter((name) => name.startsWith('session ')).length).toBeGreaterThan(1);
    const places = serverSide(...captured());
    for (const [name, secret] of Object.entries(secrets))
      expect([name, search(keyNeedlesOf(secret), places)]).toEqual([name, []]);
  });
});

describe('what somebody reports', () => {
  it('is shown to the provider, so that a look for it finds it', () => {
    const places = serverSide();
    expect(search(needlesOf(reported), places)).toContainEqual(expect.stringMatching(/^UTF-8 in .*mdb/));
  });
});

describe('who logged in', () => {
  const people = [userName, 'yan-canary-user'].map(person);

  it('is named in no file of the provider and in no log: neither user name, nor subject, nor number', () => {
    // The stand-in shows name and code on the console, in the place of an SMS; that is its part, not the provider's.
    const lines = provider.output.split('\n').filter((line) => !/SMS code/.test(line));
    const files = serverSide().filter(({ name }) => name !== 'console' && !name.includes('planted'));
    const places = [...files, { name: 'console', bytes: Buffer.from(lines.join('\n')) }];
    for (const { user, subject, phone } of people) {
      for (const name of [user, subject, phone, phone.replaceAll(' ', '')])
        expect(search(needlesOf(name), places)).toEqual([]);
    }
    const codes = [...provider.output.matchAll(/SMS code for \S+ is (\d+)/g)].map(([, code]) => code);
    expect(codes).toHaveLength(logins);
    const log = readFileSync(join(provider.folder, 'logs', 'server.log'), 'utf8');
    for (const code of codes) expect(log).not.toMatch(new RegExp(`\\b${code}\\b`));
  });

  it('would be found if it were', () => {
    const path = join(provider.folder, 'planted', 'subject');
    writeFileSync(path, `${people[0]?.subject} ${userName}`);
    for (const name of [people[0]?.subject ?? '', userName])
      expect(search(needlesOf(name), serverSide())).toContain(`UTF-8 in ${path}`);
  });
});
