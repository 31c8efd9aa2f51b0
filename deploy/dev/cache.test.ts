// A cached folder appears whole or not at all, also when the process that fills it is killed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cached } from './cache.ts';
import { waitFor } from './progress.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'luxchat-cache-'));
  process.env.LUXCHAT_CACHE = folder;
});
afterEach(() => {
  delete process.env.LUXCHAT_CACHE;
  rmSync(folder, { recursive: true });
});

it('fills once and finds it afterwards', async () => {
  let fills = 0;
  const fill = async (part: string) => {
    fills++;
    writeFileSync(join(part, 'program'), 'x');
  };
  const first = await cached('program', fill);
  expect(await cached('program', fill)).toBe(first);
  expect([fills, readdirSync(folder), readdirSync(first)]).toEqual([1, ['program'], ['program']]);
});

it('lets two fill at once and keeps one', async () => {
  const fill = async (part: string) => writeFileSync(join(part, 'program'), 'x');
  await Promise.all([cached('program', fill), cached('program', fill)]);
  expect(readdirSync(folder)).toEqual(['program']);
});

it('leaves nothing of a fetch that failed', async () => {
  await expect(cached('program', () => Promise.reject(new Error('no network')))).rejects.toThrow('no network');
  expect(readdirSync(folder)).toEqual([]);
});

it('leaves nothing of a fetch whose process was killed', async () => {
  const script = `
    import { cached } from ${JSON.stringify(join(import.meta.dirname, 'cache.ts'))};
    import { writeFileSync } from 'node:fs';
    await cached('program', async (part) => {
      writeFileSync(part + '/half', 'x');
      console.log('half');
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  expect(readdirSync(folder)).toHaveLength(1);
  child.kill('SIGKILL');
  expect(await waitFor(() => readdirSync(folder).length === 0, { deadlineMs: 10_000 })).toBe(true);
});
