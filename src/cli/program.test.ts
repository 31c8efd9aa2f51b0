// What any command says besides its own words, over a device that is stood in for.
import { expect, it, vi } from 'vitest';
import { Emitter } from '#client/emitter.ts';
import { ClientError } from '#client/errors.ts';
import type { ClientEvents } from '#client/events.ts';
import { runProgram } from './program.ts';

let meanwhile: (events: Emitter<ClientEvents>) => void;
let flushed: () => Promise<void> = async () => {};

const day = Date.UTC(2026, 11, 24) / 86_400_000;

let isThere = true;

vi.mock('./reaching.ts', () => ({
  loggedInOf: () => async () => true,
  reaching: () => (work: Promise<unknown>) =>
    isThere ? work : Promise.race([work, Promise.reject(new ClientError('OFFLINE', 'nobody there'))]),
}));
vi.mock('#client/node/device-folder.ts', () => ({
  hasDevice: () => true,
  openDevice: async () => {
    const events = new Emitter<ClientEvents>();
    const start = async () => meanwhile(events);
    const nothing = async () => {};
    const server = isThere ? nothing : () => new Promise<never>(() => {});
    const bringing = () => server().then(flushed);
    const contactLink = async () => 'https://lux.example/c/#ann/link';
    const own = { user: '@ann:lux.example', contactLink, blocked: () => [] };
    return { ...own, on: events.on.bind(events), start, synced: server, flushed: bringing, close: nothing };
  },
}));

/** Runs a command, and what it says on stderr. */
async function run() {
  const errors: string[] = [];
  const console = { log: () => {}, error: (line: string) => void errors.push(line) };
  return { status: await runProgram(['--json', '-p', 'ann', 'blocked'], 'luxchat', console), errors };
}

it('says which own device is logged out soon, whatever was asked', async () => {
  meanwhile = (events) => events.emit('deviceEnding', { device: 2, name: 'tablet', endsDay: day } as never);
  const { status, errors } = await run();
  expect(status).toBe(0);
  expect(errors).toEqual([
    expect.stringMatching(
      /^Your device 2, tablet, is logged out on 2026-12-24 unless .* -p ann devices lists them all\.$/,
    ),
  ]);
});

it('says what failed in work that no command waits for', async () => {
  meanwhile = (events) => events.emit('fault', new TypeError('x is not a function'));
  const { status, errors } = await run();
  expect(status).toBe(0);
  expect(errors.map((line) => JSON.parse(line))).toEqual([
    { type: 'error', code: 'BUG', message: expect.stringContaining('x is not a function') },
  ]);
});

it('fails where a bug keeps back what waits, before its own work and after', async () => {
  meanwhile = () => {};
  for (const failingAt of [1, 2]) {
    let times = 0;
    flushed = async () => {
      times += 1;
      if (times === failingAt) throw new TypeError('x is not a function');
    };
    expect(await run()).toEqual({ status: 1, errors: [expect.stringContaining('BUG')] });
  }
});

it('takes a command for done that ended its own session, and for failed one that had none', async () => {
  for (const [failingAt, status] of [
    [1, 1],
    [2, 0],
  ]) {
    let times = 0;
    flushed = async () => {
      times += 1;
      if (times === failingAt) throw new ClientError('LOGIN_NEEDED', 'This device was logged out.');
    };
    expect((await run()).status).toBe(status);
  }
});

it('says that nobody is there where a command needs the server, and shows all the same what needs none', async () => {
  meanwhile = () => {};
  isThere = false;
  const lines: string[] = [];
  const console = { log: (line: string) => void lines.push(line), error: (line: string) => void lines.push(line) };
  expect(await runProgram(['--json', 'blocked'], 'luxchat', console)).toBe(1);
  expect(lines.at(-1)).toContain('nobody there');
  expect(await runProgram(['--json', 'id'], 'luxchat', console)).toBe(0);
  expect(lines.at(-1)).toContain('https://lux.example/c/#ann/link');
});

// "What was written stays here", said by commands that write nothing.
it('says of a command what holds without a server', async () => {
  isThere = false;
  const said = async (...args: string[]) => {
    const lines: string[] = [];
    await runProgram(args, 'luxchat', { log: () => {}, error: (line) => void lines.push(line) });
    return lines.at(-1);
  };
  expect(await said('blocked')).toBe('nobody there');
  expect(await said('block', '@bob:x')).toBe('nobody there Nothing was changed.');
  expect(await said('reply', '!g', '4', 'yes')).toBe('nobody there It was not sent, and is not kept.');
  expect([await said('devices'), await said('devices', 'remove', '2')]).toEqual([
    'nobody there',
    'nobody there Nothing was changed.',
  ]);
});

// `id` and `receipts` ended before what waited could go, as if it went with some commands alone.
it('brings out what waits with a command that needs no server, too', async () => {
  isThere = true;
  let times = 0;
  flushed = async () => {
    times += 1;
  };
  expect(await runProgram(['--json', 'id'], 'luxchat', { log: () => {}, error: () => {} })).toBe(0);
  expect(times).toBe(1);
});
