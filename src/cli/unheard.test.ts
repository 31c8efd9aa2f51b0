// Somebody started over, and this person writes to them with the terminal client: every command is a run of its own, and none keeps silent about it.
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { passwordCostMin } from '#client/backup/header.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { eventually, ProviderProcess } from '#server/test/harness.ts';
import { runHere } from './test/program.ts';

const password = 'abacus harvest purple monkey window zebra';
let provider: ProviderProcess;
let bob = '';
const open: LuxchatClient[] = [];
beforeAll(async () => {
  provider = await ProviderProcess.start();
  bob = await provider.login('bob');
});
afterAll(async () => {
  await Promise.all(open.map((client) => client.close()));
  await provider?.remove();
  if (bob !== '') rmSync(bob, { recursive: true, force: true });
});

async function device(user: string): Promise<LuxchatClient> {
  const client = await provider.device(user, `${user}'s`, { passwordCost: passwordCostMin });
  open.push(client);
  return client;
}

it('a message to who started over is not sent, each command says so, and it goes out once the number was compared', async () => {
  const old = await device('alice');
  const [{ user: bobId }] = (await runHere(bob, ['whoami'])).lines as [{ user: string }];
  const room = await old.startDirect(bobId);
  expect(await runHere(bob, ['accept', room])).toMatchObject({ status: 0 });
  await eventually('both are in', () => old.room(room).members.length === 1, 30_000, [old]);
  const fresh = await device('alice');
  await fresh.security.startOver(await provider.stepUp(fresh, 'alice', 'identity'), password);

  // The first command hears of it; those after it begin anew.
  await runHere(bob, ['rooms']);
  const sent = await runHere(bob, ['send', old.user, 'secret']);
  expect([sent.status, sent.errors]).toEqual([1, expect.stringMatching(/IDENTITY_SWAPPED[\s\S]*Not sent/)]);
  const marks = async (command: string[]) => JSON.stringify((await runHere(bob, command)).lines);
  expect(await marks(['rooms'])).toContain('IDENTITY_CHANGED');
  expect(await marks(['members', room])).toMatch(/"identity":"changed","unheard":"IDENTITY_CHANGED"/);
  expect(await marks(['status'])).toContain('IDENTITY_CHANGED');

  const number = await fresh.fingerprint(old.user);
  expect(await runHere(bob, ['approve', old.user, number])).toMatchObject({ status: 0 });
  expect(await marks(['members', room])).toMatch(/"identity":"compared","unheard":""/);
  await eventually(
    'she reads what waited',
    async () => JSON.stringify((await fresh.timeline(room)).map(({ content }) => content?.body)).includes('secret'),
    30_000,
    [fresh],
  );
});
