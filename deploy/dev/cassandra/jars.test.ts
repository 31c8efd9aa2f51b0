// Only the jars of the list are ever run.
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cassandraJars, checkJars, expectedJars } from './jars.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'luxchat-jars-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const expected = new Map(['a.jar', 'b.jar'].map((name) => [name, createHash('sha256').update(name).digest('hex')]));

it('takes exactly the jars of the list', () => {
  for (const name of expected.keys()) writeFileSync(join(folder, name), name);
  expect(() => checkJars(folder, expected)).not.toThrow();
});

it.each([
  ['another SHA-256', { 'a.jar': 'a.jar', 'b.jar': 'something else' }, 'b.jar has another SHA-256'],
  ['one too many', { 'a.jar': 'a.jar', 'b.jar': 'b.jar', 'c.jar': 'c.jar' }, 'c.jar is not in the list'],
  ['one missing', { 'a.jar': 'a.jar' }, 'b.jar is missing'],
])('refuses %s', (_what, files, why) => {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  expect(() => checkJars(folder, expected)).toThrow(why);
});

it('lists every jar with a whole sum', () => {
  const jars = expectedJars();
  expect([...jars].filter(([name, sum]) => !name.endsWith('.jar') || !/^[0-9a-f]{64}$/.test(sum))).toEqual([]);
  expect(jars.size).toBeGreaterThan(90);
});

it('says what to install where there is no Maven, and leaves nothing', async () => {
  const { PATH, LUXCHAT_CACHE } = process.env;
  Object.assign(process.env, { PATH: folder, LUXCHAT_CACHE: folder });
  try {
    await expect(cassandraJars()).rejects.toMatchObject({
      code: 'MAVEN_MISSING',
      next: expect.stringContaining('Maven'),
    });
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    process.env.PATH = PATH;
    if (LUXCHAT_CACHE === undefined) delete process.env.LUXCHAT_CACHE;
    else process.env.LUXCHAT_CACHE = LUXCHAT_CACHE;
  }
});
