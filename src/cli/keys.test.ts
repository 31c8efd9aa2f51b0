// Key files from the terminal: written for their owner alone, never over another file.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readArguments } from './arguments.ts';
import { keys } from './keys.ts';
import type { Session } from './session.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'luxchat-keys-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(args: readonly string[], answers: string[]): Promise<unknown> {
  const said: object[] = [];
  const security = {
    exportKeys: async (passphrase: string) => `sealed with ${passphrase}`,
    importKeys: async (file: string, passphrase: string) => ({ total: file.length, imported: passphrase.length }),
  };
  const keyboard = { askHidden: async () => answers.shift() ?? '' };
  const out = { say: (object: object) => said.push(object), note() {} };
  const session = { client: { security }, args: readArguments(['keys', ...args], {}), out, keyboard };
  return keys(session as unknown as Session).then(() => said);
}

it('are written once, for their owner alone', async () => {
  const file = join(folder, 'keys.txt');
  await expect(run(['export', file], ['a', 'b'])).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  expect(await run(['export', file], ['six words', 'six words'])).toEqual([{ type: 'keys', file }]);
  expect(readFileSync(file, 'utf8')).toBe('sealed with six words');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await expect(run(['export', file], ['x', 'x'])).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
});

it('are read back, and what is no file is refused', async () => {
  const file = join(folder, 'theirs.txt');
  writeFileSync(file, '12345');
  expect(await run(['import', file], ['abc'])).toEqual([{ type: 'keys', total: 5, imported: 3 }]);
  for (const args of [['import', join(folder, 'none')], ['import'], ['export'], ['x', file], []])
    await expect(run(args, ['abc', 'abc'])).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
});
