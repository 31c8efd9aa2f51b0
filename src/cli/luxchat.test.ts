// The terminal client as people and scripts use it: the real program against a real provider process.
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClientError } from '#client/errors.ts';
import { Disconnect } from '#proto/gen/codes.ts';
import { ProviderProcess } from '#server/test/harness.ts';
import { saysLoggedOut } from './log-out.ts';
import { commandNames } from './program.ts';
import { run, runHere, seen, start } from './test/program.ts';

describe('luxchat', () => {
  let provider: ProviderProcess;
  let alice = '';
  let bob = '';
  const ids: string[] = [];

  beforeAll(async () => {
    provider = await ProviderProcess.start();
    alice = await provider.login('alice', 'laptop');
    bob = await provider.login('bob');
    for (const folder of [alice, bob]) ids.push(String((await runHere(folder, ['whoami'])).lines[0]?.user));
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

  it('shows the same number to both whose identity it is, to compare by voice', async () => {
    for (const [at, own] of [alice, bob].entries()) {
      const [mine] = (await runHere(own, ['identity'])).lines;
      const [theirs] = (await runHere(at === 0 ? bob : alice, ['identity', ids[at] as string])).lines;
      expect(mine).toMatchObject({ user: ids[at], number: expect.stringMatching(/^(\d{5} ){7}\d{5}$/) });
      expect(theirs).toEqual({ ...mine, identity: 'seen' });
    }
  });

  it('starts, accepts, sends, reads history and follows what comes', async () => {
    const [, bobId = ''] = ids;
    const [room] = (await runHere(alice, ['start', bobId])).lines;
    expect((await runHere(bob, ['invitations'])).lines).toEqual([
      expect.objectContaining({ room: room?.room, invitedBy: ids[0], number: 1 }),
    ]);
    expect(await seen(bob, ['invitations'])).toMatch(`1  ${room?.room}  1:1, invited by ${ids[0]}\nAnswer with `);
    expect(await runHere(bob, ['accept', '1'])).toMatchObject({ status: 0 });
    const tail = start(['--folder', bob, 'tail']);
    await tail.line((line) => line.type === 'synced');
    const sent = await runHere(alice, ['send', bobId, 'hello', 'there']);
    expect(sent.lines).toEqual([expect.objectContaining({ text: 'hello there', sending: 'accepted' })]);
    expect(await tail.line((line) => line.text === 'hello there')).toMatchObject({ sender: ids[0], own: false });
    tail.child.kill('SIGINT');
    expect(await tail.ended).toMatchObject({ status: 0 });
    const history = await runHere(bob, ['history', ids[0] as string]);
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
    expect(lines).toEqual([
      expect.objectContaining({ type: 'self', confirmed: true, first: true, findable: 'unasked' }),
    ]);
    expect(status).toBe(0);
    expect(await run(folder, ['login', '--server', provider.url, '--user', 'carol', '--password', 'x'])).toMatchObject({
      status: 1,
    });
    rmSync(folder, { recursive: true, force: true });
  });

  it('finds who said yes, and starts a chat by their contact link', async () => {
    const said = { type: 'findable', choice: 'yes', name: 'Bob Weiß-Muñoz' };
    expect((await runHere(bob, ['findable', 'yes', 'Bob', 'Weiß-Muñoz'])).lines).toEqual([said]);
    expect(await seen(alice, ['search', 'muño'])).toContain(`${ids[1]}  Bob Weiß-Muñoz\n`);
    const [shown] = (await runHere(bob, ['id'])).lines;
    const link = String(shown?.link);
    expect(link).toMatch(new RegExp(`^https://localhost/c/#${ids[1]?.slice(1, 12)}/[\\w-]{48}$`));
    const [room] = (await runHere(alice, ['start', link])).lines;
    expect(room).toMatchObject({ type: 'room', direct: true });
  });

  it('refuses to log in amid other files, before anybody proves anything', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'luxchat-cli-'));
    writeFileSync(join(folder, 'letter.txt'), 'mine');
    const ran = await run(folder, ['login', '--server', provider.url, '--user', 'carol', '--password', 'x']);
    expect(ran).toMatchObject({ status: 1, errors: expect.stringContaining('STORE') });
    expect(readdirSync(folder)).toEqual(['letter.txt']);
    rmSync(folder, { recursive: true });
  });

  it('logs out: removes what the device kept and nothing else', async () => {
    const folder = await provider.login('dora');
    writeFileSync(join(folder, 'letter.txt'), 'mine');
    // It was the last device, and nothing of it was secured: said, and done, since nobody sits there.
    expect(await run(folder, ['log-out'])).toMatchObject({
      status: 0,
      errors: expect.stringMatching(/last device.*secure first/),
    });
    expect(readdirSync(folder)).toEqual(['letter.txt']);
    for (const command of ['whoami', 'log-out'])
      expect(await run(folder, [command])).toMatchObject({
        status: 1,
        errors: expect.stringContaining('LOGIN_NEEDED'),
      });
    rmSync(folder, { recursive: true });
  });

  it('logs out a device that another one took off', async () => {
    const [first, second] = [await provider.login('emil'), await provider.login('emil')];
    for (const folder of [first, second]) expect(await runHere(folder, ['whoami'])).toMatchObject({ status: 0 });
    expect(await runHere(first, ['devices', 'remove', '2'])).toMatchObject({ status: 0 });
    // The server's "refresh it or log in again" told a program what to do, and a person nothing.
    for (const command of ['whoami', 'history x']) {
      const { status, errors } = await runHere(second, command.split(' '));
      expect([status, errors]).toEqual([1, expect.stringMatching(/LOGIN_NEEDED.*was logged out.*another device/)]);
      expect(errors).toContain(`--folder ${second} log-out, then `);
      expect(errors).not.toContain('token');
    }
    expect(await runHere(second, ['log-out'])).toMatchObject({ status: 0 });
    expect(existsSync(second)).toBe(false);
    rmSync(first, { recursive: true });
  });

  it('keeps a device that may still be logged in', async () => {
    // Another name at LuxID, while we are at it: the stand-in takes the one that is configured.
    const away = await ProviderProcess.start(['--luxid-client-id', 'another']);
    const folder = await away.login('fara');
    await away.remove();
    const ran = await run(folder, ['log-out', '--timeout', '1']);
    expect(ran).toMatchObject({ status: 1, errors: expect.stringContaining('OFFLINE') });
    expect(readdirSync(folder)).toContain('local.key');
    rmSync(folder, { recursive: true });
  });

  it('takes only these two for logged out: the login ran out, the server ended this device', () => {
    const ended = Object.values(Disconnect).filter((disconnect) =>
      saysLoggedOut(new ClientError('DISCONNECTED', '', { disconnect })),
    );
    expect(ended).toEqual([Disconnect.DISCONNECT_LOGGED_OUT]);
    expect(saysLoggedOut(new ClientError('LOGIN_NEEDED', ''))).toBe(true);
    for (const error of [new ClientError('OFFLINE', ''), new ClientError('DISCONNECTED', ''), new Error('a bug')])
      expect(saysLoggedOut(error)).toBe(false);
  });

  it('helps a stranger, in plain text and as JSON', async () => {
    const [text, { lines }] = await Promise.all([seen(alice, ['help']), run(alice, ['help'])]);
    expect(lines).toEqual([{ type: 'help', text: text.trimEnd() }]);
    for (const command of commandNames) expect(text).toMatch(new RegExp(`(^|[ ,])${command}([ ,]|$)`, 'm'));
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
  });

  it('hints at commands as they must be typed: with the folder or profile of this device', async () => {
    expect((await runHere(alice, ['history', 'no-such-room'])).errors).toContain(`--folder ${alice} rooms`);
    expect((await runHere(alice, ['send'])).errors).toContain(`--folder ${alice} help`);
    // Copied without it, this one makes another person's device.
    expect((await runHere(`${alice}-none`, ['rooms'])).errors).toContain(`--folder ${alice}-none login`);
  });

  it.each([
    [['nonsense'], 2, 'There is no command'],
    [['send'], 2, 'needs a room'],
    [['send', 'no-such-room', 'x'], 1, 'UNKNOWN'],
    [['--colour', 'red'], 2, 'colour'],
    [['history', 'x', '--limit', '0'], 2, '--limit'],
    [['start', 'not-an-id'], 2, 'Luxchat-ID'],
    [['devices', 'remove', 'phone'], 2, 'devices remove NUMBER'],
    [['devices', 'list'], 2, 'takes no list'],
    [['devices-remove', '2'], 2, 'Did you mean devices?'],
    [['logout'], 2, 'Did you mean log-out?'],
    [['constructor'], 2, 'There is no command'],
  ])('refuses %j with code %i and a sentence', async (args, status, sentence) => {
    const ran = await runHere(alice, args);
    expect(ran.errors).toContain(sentence);
    expect(ran.status).toBe(status);
  });
});
