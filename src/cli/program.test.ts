// What any command says besides its own words, over a device that is stood in for.
import { expect, it, vi } from 'vitest';
import type { ClientEvents } from '#client/api.ts';
import { Emitter } from '#client/emitter.ts';
import { runProgram } from './program.ts';

const day = Date.UTC(2026, 11, 24) / 86_400_000;

vi.mock('#client/node/device-folder.ts', () => ({
  hasDevice: () => true,
  openDevice: async () => {
    const events = new Emitter<ClientEvents>();
    const start = async () => events.emit('deviceEnding', { device: 2, name: 'tablet', endsDay: day } as never);
    const nothing = async () => {};
    return { on: events.on.bind(events), start, synced: nothing, flushed: nothing, close: nothing, blocked: () => [] };
  },
}));

it('says which own device is logged out soon, whatever was asked', async () => {
  const errors: string[] = [];
  const console = { log: () => {}, error: (line: string) => void errors.push(line) };
  expect(await runProgram(['--json', '-p', 'ann', 'blocked'], 'luxchat', console)).toBe(0);
  expect(errors).toEqual([
    expect.stringMatching(
      /^Your device 2, tablet, is logged out on 2026-12-24 unless .* -p ann devices lists them all\.$/,
    ),
  ]);
});
