// What any command says besides its own words, over a device that is stood in for.
import { expect, it, vi } from 'vitest';
import type { ClientEvents } from '#client/api.ts';
import { Emitter } from '#client/emitter.ts';
import { ClientError } from '#client/errors.ts';
import { runProgram } from './program.ts';

let meanwhile: (events: Emitter<ClientEvents>) => void;
let flushed: () => Promise<void> = async () => {};

const day = Date.UTC(2026, 11, 24) / 86_400_000;

vi.mock('#client/node/device-folder.ts', () => ({
  hasDevice: () => true,
  openDevice: async () => {
    const events = new Emitter<ClientEvents>();
    const start = async () => meanwhile(events);
    const nothing = async () => {};
    const bringing = () => flushed();
    return { on: events.on.bind(events), start, synced: nothing, flushed: bringing, close: nothing, blocked: () => [] };
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
