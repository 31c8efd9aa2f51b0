// What was written before the other person accepted: every command says that it waits, and the first one that can brings it out.
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ProviderProcess } from '#server/test/harness.ts';
import { runHere } from './test/program.ts';

let provider: ProviderProcess;
const folders: string[] = [];
beforeAll(async () => {
  provider = await ProviderProcess.start();
  for (const name of ['alice', 'bob']) folders.push(await provider.login(name));
});
afterAll(async () => {
  await provider?.remove();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

it('says of each message that it waits, and brings it out with the next short command of either', async () => {
  const [alice = '', bob = ''] = folders;
  const [{ user: bobId }] = (await runHere(bob, ['whoami'])).lines as [{ user: string }];
  const [{ room }] = (await runHere(alice, ['start', bobId])).lines as [{ room: string }];
  for (const text of ['first', 'second'])
    expect(await runHere(alice, ['send', bobId, text])).toMatchObject({
      status: 0,
      errors: expect.stringContaining('until the other person has accepted'),
    });
  expect(await runHere(bob, ['send', room, 'his own'])).toMatchObject({
    status: 0,
    errors: expect.stringContaining('until you accept the invitation'),
  });
  expect(await runHere(bob, ['accept', '1'])).toMatchObject({ status: 0 });
  const sentOf = async (folder: string) =>
    (await runHere(folder, ['history', room])).lines
      .filter(({ kind, sending }) => kind === 'message' && sending !== 'waiting')
      .map(({ text }) => text);
  // His went with the accept; hers go with the first command that she runs, whichever that is.
  expect(await sentOf(bob)).toEqual(['his own']);
  await runHere(alice, ['rooms']);
  expect(await sentOf(bob)).toEqual(['his own', 'first', 'second']);
  expect(await sentOf(alice)).toEqual(['his own', 'first', 'second']);
});
