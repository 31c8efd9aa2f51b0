// Somebody started over, and this person writes to them with the terminal client: every command is a run of its own, and none keeps silent about it.
import { expect, it } from 'vitest';
import { passwordCostMin } from '#client/backup/header.ts';
import { eventually } from '#server/test/harness.ts';
import { stage } from './test/stage.ts';

const password = 'abacus harvest purple monkey window zebra';
const bob = stage('bob');

it('a message to who started over is not sent, each command says so, and it goes out once the number was compared', async () => {
  const old = await bob.device('alice', { passwordCost: passwordCostMin });
  const [{ user: bobId }] = (await bob.run('whoami')).lines as [{ user: string }];
  const room = await old.startDirect(bobId);
  expect(await bob.run('accept', room)).toMatchObject({ status: 0 });
  await eventually('both are in', () => old.room(room).members.length === 1, 30_000, [old]);
  const fresh = await bob.device('alice', { passwordCost: passwordCostMin });
  await fresh.security.startOver(await bob.provider.stepUp(fresh, 'alice', 'identity'), password);

  // The first command hears of it; those after it begin anew.
  await bob.run('rooms');
  const sent = await bob.run('send', old.user, 'secret');
  expect([sent.status, sent.errors]).toEqual([1, expect.stringMatching(/another identity[\s\S]*Not sent/)]);
  const marks = async (command: string[]) => JSON.stringify((await bob.run(...command)).lines);
  expect(await marks(['rooms'])).toContain('IDENTITY_CHANGED');
  expect(await marks(['members', room])).toMatch(/"identity":"changed","unheard":"IDENTITY_CHANGED"/);
  expect(await marks(['status'])).toContain('IDENTITY_CHANGED');

  const number = await fresh.fingerprint(old.user);
  expect(await bob.run('approve', old.user, number)).toMatchObject({ status: 0 });
  expect(await marks(['members', room])).toMatch(/"identity":"compared","unheard":""/);
  await eventually(
    'she reads what waited',
    async () => JSON.stringify((await fresh.timeline(room)).map(({ content }) => content?.body)).includes('secret'),
    30_000,
    [fresh],
  );
});
