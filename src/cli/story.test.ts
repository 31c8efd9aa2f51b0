// The story of two people: first logins, securing, comparing identities, a lost phone, a new one and a tablet, and somebody who lost everything, told by the terminal client against a real provider.
// Its transcript stands in README.md; `STORY=write npx vitest run src/cli/story.test.ts` writes it anew.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ProviderProcess } from '#server/test/harness.ts';
import { type Profile, type Reply, Terminal } from './test/terminal.ts';

const readme = new URL('README.md', import.meta.url);
const luxid = ['--password', 'moien-moien'];
// Forty programs one after the other: some 40 s, and longer where others work on the same machine.
const storyMs = 600_000;
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
  const [alice, bob, next] = [profile('alice'), profile('bob'), profile('alice-new')];
  const [tablet, reborn] = [profile('alice-tablet'), profile('bob-new')];
  const run = terminal.run.bind(terminal);
  const idIn = (said: string) => /@[0-9a-z]+:localhost/.exec(said)?.[0] ?? '';

  terminal.tell('Alice and Bob log in for the first time. Each gets a Luxchat-ID.');
  const aliceId = idIn(await run(alice, ['login', '--user', 'alice', ...luxid], [sms('alice')]));
  const bobId = idIn(await run(bob, ['login', '--user', 'bob', ...luxid], [sms('bob')]));
  terminal.name(aliceId, '@alice…:localhost');
  terminal.name(aliceId.split(':')[0] as string, '@alice…');
  terminal.name(bobId, '@bob…:localhost');
  terminal.name(bobId.split(':')[0] as string, '@bob…');

  const wordsIn = (said: string) => /only once:\s+([a-z ]+)\n/.exec(said)?.[1] ?? '';
  const back: Reply = { to: 'to see that you have it: ', type: wordsIn };
  const numberIn = (said: string) => /(?:\d{5} ){7}\d{5}/.exec(said)?.[0] ?? '';

  terminal.tell('Alice secures her messages: LuxID once more, then the password that is made for her.');
  const secured = await run(alice, ['secure', '--user', 'alice', ...luxid], [sms('alice'), back]);
  const words = wordsIn(secured);
  expect(words.split(' ')).toHaveLength(6);
  terminal.name(words, 'six words that only alice has seen');
  terminal.tell('Bob does the same, and loses the paper.');
  const bobs = wordsIn(await run(bob, ['secure', '--user', 'bob', ...luxid], [sms('bob'), back]));
  terminal.name(bobs, 'six words that only bob has seen');

  terminal.tell('They talk.');
  await run(alice, ['start', bobId]);
  await run(bob, ['accept', '1']);
  await run(alice, ['send', bobId, 'The key is under the third flower pot.']);
  await run(bob, ['send', aliceId, 'Thank you!']);

  terminal.tell('By voice they compare who they are: both see the same number for Alice, and the same for Bob.');
  const [own, seen] = [await run(alice, ['identity']), await run(bob, ['identity', aliceId])];
  const number = numberIn(own);
  expect(seen).toContain(`${number}\n      not compared`);
  expect(numberIn(await run(alice, ['identity', bobId]))).toBe(numberIn(await run(bob, ['identity'])));

  terminal.tell('Bob has it noted.');
  expect(await run(bob, ['approve', aliceId, number])).toContain('Noted');

  terminal.tell("Alice's phone falls into the Alzette, and with it all that it kept. She has no other device.");
  rmSync(alice.folder, { recursive: true });

  terminal.tell('On a new one she logs in. It shows nothing yet, and says why.');
  expect(await run(next, ['login', '--user', 'alice', ...luxid], [sms('alice')])).toContain('unlock');
  const before = await run(next, ['history', bobId]);
  expect(before).toContain('no key for it came to this device yet');
  expect(before).not.toContain('flower pot');

  terminal.tell('The password opens it. Mistyped, it opens nothing.');
  await run(
    next,
    ['unlock', '--user', 'alice', ...luxid],
    [sms('alice'), reply('Your password: ', 'was it this'), reply('Your password: ', words)],
  );
  const after = await run(next, ['history', bobId]);
  for (const text of ['me: The key is under the third flower pot.', '@bob…: Thank you!'])
    expect(after.replaceAll(bobId.split(':')[0] as string, '@bob…')).toContain(text);
  expect(after).not.toMatch(/no key|WARNING|NOT PROVEN/);

  terminal.tell('A tablet is confirmed by the new phone: both show the same seven emoji.');
  await run(tablet, ['login', '--user', 'alice', ...luxid], [sms('alice')]);
  let other: Promise<string> | undefined;
  const same = reply('the same seven? (yes/no) ', 'yes');
  const begins: Reply = {
    to: 'of that one …',
    type: () => {
      other = run(tablet, ['verify'], [same]);
      return undefined;
    },
  };
  const emojiIn = (said?: string) => /^ {2}\p{Extended_Pictographic}.*$/mu.exec(said ?? '')?.[0];
  const shown = emojiIn(await run(next, ['verify'], [begins, same]));
  expect(shown).toBeDefined();
  expect(emojiIn(await other)).toBe(shown);
  expect(await run(tablet, ['whoami'])).toContain('), confirmed');

  terminal.tell('Somebody may have fished the phone out. It is logged out, and what it knew opens nothing more.');
  await run(next, ['devices']);
  const typed = reply('Your password: ', words);
  await run(next, ['devices', 'lost', '1', '--user', 'alice', ...luxid], [sms('alice'), typed]);
  expect(await run(next, ['devices'])).not.toContain('\n1 ');

  terminal.tell('Bob notices nothing but the answer: she is who she was, by the same number, and no warning was due.');
  await run(next, ['send', bobId, 'New phone, same me.']);
  expect(await run(bob, ['history', aliceId])).toContain('New phone, same me.');
  expect(await run(bob, ['identity', aliceId])).toContain(`${number}\n      compared`);
  for (const one of [bob, next]) {
    const said = await run(one, ['status']);
    for (const words of ['no alarms since this device began', 'every line that came can be read'])
      expect(said).toContain(words);
  }

  terminal.tell("Then Bob's house burns down, with his phone in it. Without device and password he starts over.");
  rmSync(bob.folder, { recursive: true });
  await run(reborn, ['login', '--user', 'bob', ...luxid], [sms('bob')]);
  const again = await run(reborn, ['secure', '--start-over', '--user', 'bob', ...luxid], [sms('bob'), back]);
  terminal.name(wordsIn(again), 'six other words that only bob has seen');

  terminal.tell('Alice is warned: it may be anybody. What she writes goes to nobody before they have compared.');
  expect(await run(next, ['rooms'])).toMatch(/^WARNING: .* has another identity now/m);
  expect(await run(next, ['send', bobId, 'The new key is with my sister.'], [], 1)).toContain('Not sent');
  expect(await run(next, ['status'])).toContain('CHANGED: ');
  const hers = await run(next, ['identity', bobId]);
  expect(numberIn(await run(reborn, ['identity']))).toBe(numberIn(hers));

  terminal.tell('By voice it is Bob, and it is the same number. She lets him in again; what waited goes out.');
  await run(next, ['approve', bobId, numberIn(hers)]);
  await run(next, ['send', bobId, 'Welcome back.']);
  expect(await run(reborn, ['history', aliceId])).toMatch(/sister[\s\S]*Welcome back/);

  const text = readFileSync(readme, 'utf8');
  const story = `\`\`\`text\n${terminal.transcript()}\n\`\`\``;
  const told = text.replace(/```text\n# Alice and Bob[\s\S]*?\n```/, () => story);
  if (process.env.STORY === 'write') writeFileSync(readme, told);
  expect(told).toBe(process.env.STORY === 'write' ? told : text);
});
