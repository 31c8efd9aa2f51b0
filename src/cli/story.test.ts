// The story of two people: first logins, securing, comparing identities, a lost phone and a new one, told by the terminal client against a real provider.
// Its transcript stands in README.md; `STORY=write npx vitest run src/cli/story.test.ts` writes it anew.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ProviderProcess } from '#server/test/harness.ts';
import { type Profile, type Reply, Terminal } from './test/terminal.ts';

const readme = new URL('README.md', import.meta.url);
const luxid = ['--password', 'moien-moien'];
// Twenty programs one after the other: some 20 s, and longer where others work on the same machine.
const storyMs = 300_000;
const terminal = new Terminal();
let home = '';
let provider: ProviderProcess;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'luxchat-story-'));
  provider = await ProviderProcess.start();
});
afterAll(async () => {
  await provider?.remove();
  rmSync(home, { recursive: true, force: true });
});

const profile = (name: string): Profile => ({ name, folder: join(home, name), options: ['--server', provider.url] });
const sms = (user: string): Reply => ({ to: '(see the server console): ', type: () => provider.code(user) });
const reply = (to: string, text: string): Reply => ({ to, type: () => text });

it('of two people and a lost phone loses nothing, shows nothing without its word, and is that of the README', {
  timeout: storyMs,
}, async () => {
  const [ann, ben, next] = [profile('ann'), profile('ben'), profile('ann-new')];
  const run = terminal.run.bind(terminal);
  const idIn = (said: string) => /@[0-9a-z]+:localhost/.exec(said)?.[0] ?? '';

  terminal.tell('Ann and Ben log in for the first time. Each gets a Luxchat-ID.');
  const annId = idIn(await run(ann, ['login', '--user', 'ann', ...luxid], [sms('ann')]));
  const benId = idIn(await run(ben, ['login', '--user', 'ben', ...luxid], [sms('ben')]));
  terminal.name(annId, '@ann…:localhost');
  terminal.name(annId.split(':')[0] as string, '@ann…');
  terminal.name(benId, '@ben…:localhost');
  terminal.name(benId.split(':')[0] as string, '@ben…');

  terminal.tell('Ann secures her messages: LuxID once more, then the password that is made for her.');
  const wordsIn = (said: string) => /only once:\s+([a-z ]+)\n/.exec(said)?.[1] ?? '';
  const back: Reply = { to: 'to see that you have it: ', type: wordsIn };
  const secured = await run(ann, ['secure', '--user', 'ann', ...luxid], [sms('ann'), back]);
  const words = wordsIn(secured);
  expect(words.split(' ')).toHaveLength(6);
  terminal.name(words, 'six words that only ann has seen');

  terminal.tell('They talk.');
  await run(ann, ['start', benId]);
  await run(ben, ['accept', '1']);
  await run(ann, ['send', benId, 'The key is under the third flower pot.']);
  await run(ben, ['send', annId, 'Thank you!']);

  terminal.tell('By voice they compare who they are: both see the same number for Ann.');
  const [own, seen] = [await run(ann, ['identity']), await run(ben, ['identity', annId])];
  const number = own.trimEnd().split('\n').at(-1)?.trim() as string;
  expect(seen).toContain(`${number}\n      not compared`);

  terminal.tell('Ben has it noted.');
  expect(await run(ben, ['approve', annId, ...number.split(' ')])).toContain('Noted');

  terminal.tell("Ann's phone falls into the Alzette, and with it all that it kept. She has no other device.");
  rmSync(ann.folder, { recursive: true });

  terminal.tell('On a new one she logs in. It shows nothing yet, and says why.');
  expect(await run(next, ['login', '--user', 'ann', ...luxid], [sms('ann')])).toContain('unlock');
  const before = await run(next, ['history', benId]);
  expect(before).toContain('NO_KEY');
  expect(before).not.toContain('flower pot');

  terminal.tell('The password opens it. Mistyped, it opens nothing.');
  await run(
    next,
    ['unlock', '--user', 'ann', ...luxid],
    [sms('ann'), reply('Your password: ', 'was it this'), reply('Your password: ', words)],
  );
  const after = await run(next, ['history', benId]);
  for (const text of ['me: The key is under the third flower pot.', '@ben…: Thank you!'])
    expect(after.replaceAll(benId.split(':')[0] as string, '@ben…')).toContain(text);
  expect(after).not.toMatch(/NO_KEY|WARNING|NOT PROVEN/);

  terminal.tell('She takes the lost phone off her list.');
  await run(next, ['devices']);
  await run(next, ['devices', 'remove', '1']);
  await run(next, ['devices']);

  terminal.tell('Ben notices nothing but the answer: she is who she was, by the same number, and no warning was due.');
  await run(next, ['send', benId, 'New phone, same me.']);
  const bens = await run(ben, ['history', annId]);
  expect(bens).toContain('New phone, same me.');
  expect(await run(ben, ['identity', annId])).toContain(`${number}\n      compared`);
  for (const one of [ben, next]) {
    const said = await run(one, ['status']);
    for (const words of ['no alarms since this device began', 'every line that came can be read'])
      expect(said).toContain(words);
  }

  const text = readFileSync(readme, 'utf8');
  const story = `\`\`\`text\n${terminal.transcript()}\n\`\`\``;
  const told = text.replace(/```text\n# Ann and Ben[\s\S]*?\n```/, () => story);
  if (process.env.STORY === 'write') writeFileSync(readme, told);
  expect(told).toBe(process.env.STORY === 'write' ? told : text);
});
