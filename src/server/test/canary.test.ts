// A plaintext canary is sent through everything that the SDK offers, and is found in no byte on the server side: not in the data folder, the logs,
// the console, nor in what a recorder in front of the provider captures; and nothing of a login names the person. A planted copy is found.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { textContent } from '#client/sending/text-content.ts';
import { messageRef } from '#client/timeline/timeline.ts';
import { ClientFrame } from '#proto/gen/client.ts';
import { person } from '../../luxid/people.ts';
import { needlesOf, type Place, plantsOf, search } from './canary-search.ts';
import { eventually, ProviderProcess } from './harness.ts';
import { Liar } from './liar.ts';
import { join as accept, device, reads, says, texts } from './liar-scene.ts';

const canary = 'Kanarienvogel-7f3a91';
const userName = 'zoe-canary-user';

let provider: ProviderProcess;
let recorder: Liar;
let author: LuxchatClient;
let reader: LuxchatClient;

beforeAll(async () => {
  provider = await ProviderProcess.start();
  recorder = await Liar.start(provider);
  author = await device(provider, userName, recorder.url);
  reader = await device(provider, 'yan-canary-user', recorder.url);
  await sayEverything();
}, 60_000);

afterAll(async () => {
  await Promise.allSettled([author?.close(), reader?.close()]);
  recorder?.close();
  await provider?.remove();
});

/** Each thing that a person can write, with the canary in it. */
async function sayEverything(): Promise<void> {
  const group = await author.createGroup({ name: `${canary} name`, topic: `${canary} topic`, invite: [reader.user] });
  await accept(reader, group);
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
    const words = said.flat().map(({ text }) => text);
    for (const word of ['edited', 'reply', 'content', 'between us']) expect(words).toContain(`${canary} ${word}`);
  });

  it('is found in no file, log, console line or captured frame of the provider', async () => {
    expect(captured().length).toBeGreaterThan(50);
    expect(search(needlesOf(canary), serverSide(...captured()))).toEqual([]);
  });

  it('is found in none of them after the provider has stopped and written everything', async () => {
    await provider.stop();
    expect(search(needlesOf(canary), serverSide())).toEqual([]);
  });

  it.each(Object.entries(plantsOf(canary)))('would be found if it were there as %s', (form, bytes) => {
    const path = join(provider.folder, 'planted', `${form.replaceAll(/\W/g, '-')}.bin`);
    mkdirSync(join(provider.folder, 'planted'), { recursive: true });
    writeFileSync(path, Buffer.concat([Buffer.alloc(1_001, 1), bytes, Buffer.alloc(7, 2)]));
    expect(search(needlesOf(canary), serverSide())).toContain(`${form} in ${path}`);
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
    expect(codes).toHaveLength(2);
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
