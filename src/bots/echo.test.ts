// The example bot as a process against a real provider: one answer a text, however quickly they come and whenever the bot is killed.
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { messageId } from '#client/timeline/timeline.ts';
import { eventually, ProviderProcess } from '#server/test/harness.ts';

const program = new URL('echo.ts', import.meta.url).pathname;

let provider: ProviderProcess;
let alice: LuxchatClient;
let folder = '';
let room = '';
let bot: ChildProcess;

/** Starts it; resolves with its Luxchat-ID when it is ready. */
function startBot(): Promise<string> {
  bot = spawn(process.execPath, [program, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    bot.stdout?.once('data', (data: Buffer) => resolve(/@\S+/.exec(data.toString())?.[0] ?? ''));
    bot.once('exit', (code) => reject(new Error(`the bot ended with ${code}`)));
  });
}

function killBot(): Promise<void> {
  if (bot.exitCode !== null || bot.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    bot.once('exit', () => resolve());
    bot.kill('SIGKILL');
  });
}

/** The texts that Alice wrote, each with its answers, in the order of the answers. */
async function answers(): Promise<{ readonly asked: string[]; readonly answered: string[] }> {
  const lines = (await alice.timeline(room, { limit: 1_000 })).filter(({ kind }) => kind === 'message');
  const textOf = ({ content }: (typeof lines)[number]) =>
    content?.body?.$case === 'text' ? content.body.value.text : '';
  const texts = new Map(lines.map((line) => [line.id, textOf(line)]));
  const asked = lines.filter(({ own }) => own).map(textOf);
  const answered = lines
    .filter(({ own }) => !own)
    .map((line) => {
      const about = texts.get(line.content?.replyTo ? messageId(line.content.replyTo) : '');
      expect(textOf(line)).toBe(`You said: ${about}`);
      return String(about);
    });
  return { asked, answered };
}

async function allAnswered(): Promise<void> {
  const each = async () => (await answers()).answered.length >= (await answers()).asked.length;
  await eventually('each text has an answer', each, 30_000, [alice]);
  const { asked, answered } = await answers();
  expect([...answered].sort()).toEqual([...asked].sort());
}

beforeAll(async () => {
  provider = await ProviderProcess.start();
  alice = await provider.device('alice');
  folder = await provider.login('echo');
  room = await alice.startDirect(await startBot());
  await eventually('the bot accepts', () => alice.room(room).members.length === 1, 20_000, [alice]);
});
afterAll(async () => {
  await killBot();
  await alice?.close();
  await provider?.remove();
  rmSync(folder, { recursive: true, force: true });
});

it('answers each of several texts that come at once, in their order', async () => {
  await Promise.all(['one', 'two', 'three'].map((text) => alice.send(room, text)));
  await allAnswered();
  const { asked, answered } = await answers();
  expect(answered).toEqual(asked);
});

it('answers each text once through kills, also those that came while it was away', async () => {
  for (let kill = 0; kill < 4; kill++) {
    const before = (await answers()).answered.length;
    for (let n = 0; n < 6; n++) await alice.send(room, `${kill}.${n}`);
    // Somewhere among its answers: after none of them, one, two, three.
    await eventually('some are answered', async () => (await answers()).answered.length >= before + kill, 30_000, [
      alice,
    ]);
    await killBot();
    await alice.send(room, `${kill} is away`);
    await startBot();
  }
  await allAnswered();
});
