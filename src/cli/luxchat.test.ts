// The terminal client as people and scripts use it: the real program against a real provider process.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProviderProcess } from '#server/test/harness.ts';

const main = new URL('main.ts', import.meta.url).pathname;

interface Ran {
  readonly status: number | null;
  readonly lines: Record<string, unknown>[];
  readonly errors: string;
}

function start(args: readonly string[]) {
  const child = spawn(process.execPath, [main, '--json', ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const lines: Record<string, unknown>[] = [];
  let errors = '';
  const waiting: {
    test: (line: Record<string, unknown>) => boolean;
    resolve: (line: Record<string, unknown>) => void;
  }[] = [];
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as Record<string, unknown>;
    lines.push(line);
    for (const one of waiting.filter(({ test }) => test(line))) one.resolve(line);
  });
  child.stderr.on('data', (data: Buffer) => {
    errors += data.toString();
  });
  const ended = new Promise<Ran>((resolve) => child.once('close', (status) => resolve({ status, lines, errors })));
  const line = (test: (line: Record<string, unknown>) => boolean) => {
    const seen = lines.find(test);
    return seen
      ? Promise.resolve(seen)
      : new Promise<Record<string, unknown>>((resolve) => waiting.push({ test, resolve }));
  };
  return { child, ended, line };
}

function run(folder: string, args: readonly string[], input = ''): Promise<Ran> {
  const { child, ended } = start(['--folder', folder, ...args]);
  child.stdin.end(input);
  return ended;
}

describe('luxchat', () => {
  let provider: ProviderProcess;
  let alice = '';
  let bob = '';
  const ids: string[] = [];

  beforeAll(async () => {
    provider = await ProviderProcess.start();
    alice = await provider.login('alice', 'laptop');
    bob = await provider.login('bob');
    for (const folder of [alice, bob]) ids.push(String((await run(folder, ['whoami'])).lines[0]?.user));
  });
  afterAll(async () => {
    for (const folder of [alice, bob]) rmSync(folder, { recursive: true, force: true });
    await provider.remove();
  });

  it('says who one is, and that the first device is confirmed', async () => {
    const { status, lines } = await run(alice, ['whoami']);
    expect(status).toBe(0);
    expect(lines).toEqual([
      expect.objectContaining({
        type: 'self',
        device: 1,
        confirmed: true,
        user: expect.stringMatching(/^@[0-9a-z]{11}:localhost$/),
      }),
    ]);
    expect((await run(alice, ['devices'])).lines).toEqual([
      expect.objectContaining({ name: 'laptop', current: true, confirmed: true }),
    ]);
  });

  it('starts, accepts, sends, reads history and follows what comes', async () => {
    const [, bobId = ''] = ids;
    const [room] = (await run(alice, ['start', bobId])).lines;
    expect((await run(bob, ['invitations'])).lines).toEqual([
      expect.objectContaining({ room: room?.room, invitedBy: ids[0] }),
    ]);
    expect(await run(bob, ['accept', String(room?.room)])).toMatchObject({ status: 0 });
    const tail = start(['--folder', bob, 'tail']);
    await tail.line((line) => line.type === 'synced');
    const sent = await run(alice, ['send', bobId, 'hello', 'there']);
    expect(sent.lines).toEqual([expect.objectContaining({ text: 'hello there', sending: 'accepted' })]);
    expect(await tail.line((line) => line.text === 'hello there')).toMatchObject({ sender: ids[0], own: false });
    tail.child.kill('SIGINT');
    expect(await tail.ended).toMatchObject({ status: 0 });
    const history = await run(bob, ['history', ids[0] as string]);
    expect(history.lines.filter((line) => line.kind === 'message')).toEqual([
      expect.objectContaining({ text: 'hello there' }),
    ]);
  });

  it('sends each line of stdin, in order', async () => {
    const words = Array.from({ length: 20 }, (_, at) => `line ${at}`);
    const sent = await run(alice, ['send', ids[1] as string], `${words.join('\n')}\n`);
    expect(sent.status).toBe(0);
    expect(sent.lines.map((line) => line.text)).toEqual(words);
    const history = await run(bob, ['history', ids[0] as string, '--limit', '20']);
    expect(history.lines.map((line) => line.text)).toEqual(words);
  });

  it('logs in by walking the stand-in, and refuses a second device in the same folder', async () => {
    const folder = join(mkdtempSync(join(tmpdir(), 'luxchat-cli-')), 'device');
    const login = start([
      '--folder',
      folder,
      'login',
      '--server',
      provider.url,
      '--user',
      'carol',
      '--password',
      'moien-moien',
      '--device',
      'shell',
    ]);
    login.child.stdin.write(`${await provider.code('carol')}\n`);
    const { status, lines, errors } = await login.ended;
    expect(errors).toContain('Code');
    expect(lines).toEqual([expect.objectContaining({ type: 'self', confirmed: true, first: true })]);
    expect(status).toBe(0);
    expect(await run(folder, ['login', '--server', provider.url, '--user', 'carol', '--password', 'x'])).toMatchObject({
      status: 1,
    });
    expect(await run(folder, ['log-out'])).toMatchObject({ status: 0 });
    const after = await run(folder, ['whoami']);
    expect(after.status).toBe(1);
    expect(after.errors).toContain('LOGIN_NEEDED');
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    [['nonsense'], 2, 'There is no command'],
    [['send'], 2, 'needs a room'],
    [['send', 'no-such-room', 'x'], 1, 'UNKNOWN'],
    [['--colour', 'red'], 2, 'colour'],
    [['history', 'x', '--limit', '0'], 2, '--limit'],
    [['start', 'not-an-id'], 2, 'Luxchat-ID'],
  ])('refuses %j with code %i and a sentence', async (args, status, sentence) => {
    const ran = await run(alice, args);
    expect(ran.errors).toContain(sentence);
    expect(ran.status).toBe(status);
  });
});
