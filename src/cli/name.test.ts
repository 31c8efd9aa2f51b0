import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { contentLimits } from '#client/sending/content-limits.ts';
import { name } from './name.ts';
import type { Session } from './session.ts';

const folder = mkdtempSync(join(tmpdir(), 'luxchat-name-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (bytes: Uint8Array) => {
  const path = join(folder, `${bytes.length}.jpg`);
  writeFileSync(path, bytes);
  return path;
};

/** Runs it; what the client was asked to change, and what was said. */
async function run(rest: string[], options: { picture?: string; none?: boolean } = {}) {
  const changes: unknown[] = [];
  const lines: string[] = [];
  let profile = { name: '', picture: false };
  const client = {
    get profile() {
      return profile;
    },
    setProfile: async (change: { name?: string; picture?: Uint8Array }) => {
      changes.push(change);
      profile = { name: change.name ?? '', picture: (change.picture?.length ?? 0) > 0 };
    },
    flushed: async () => {},
  };
  const args = { call: 'luxchat', rest, picture: '', none: false, ...options };
  const out = {
    json: false,
    say: (_: object, ...said: string[]) => lines.push(...said),
    note: () => {},
    fail: () => {},
  };
  await name({ client, args, out, keyboard: {} } as unknown as Session);
  return { changes, said: lines.join('\n') };
}

it('asks how one wants to be called, changes it, and takes it back', async () => {
  expect(await run([])).toEqual({ changes: [], said: expect.stringContaining('luxchat name TEXT') });
  const named = await run(['Ann', 'Müller']);
  expect(named).toEqual({ changes: [{ name: 'Ann Müller' }], said: expect.stringContaining('see: Ann Müller') });
  const { changes } = await run([], { none: true });
  expect(changes).toEqual([{ name: '', picture: new Uint8Array() }]);
});

it('takes a picture out of a file of 16 KiB, and refuses one byte more, and none that is not there', async () => {
  const { profilePictureBytesMax: max } = contentLimits;
  const largest = new Uint8Array(max).fill(1);
  const { changes, said } = await run([], { picture: file(largest) });
  expect(changes).toEqual([{ picture: largest }]);
  expect(said).toContain('your Luxchat-ID, with a picture');
  for (const picture of [file(new Uint8Array(max + 1)), join(folder, 'nowhere.jpg')])
    await expect(run([], { picture })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  await expect(run(['Ann'], { none: true })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
});
