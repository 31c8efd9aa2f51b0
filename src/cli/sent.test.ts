// What failed is sent again or let go of, as the person says; and answers name what they answer to.
import { expect, it } from 'vitest';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { MemberStatus } from '#proto/gen/record.ts';
import { eventually } from '#server/test/harness.ts';
import { stage } from './test/stage.ts';

const alice = stage('alice');

async function invited(client: LuxchatClient, room: string): Promise<void> {
  const isInvited = () =>
    client.rooms().some((one) => one.room === room && one.status === MemberStatus.MEMBER_STATUS_INVITED);
  await eventually('the invitation is there', isInvited, 30_000, [client]);
}

it('sends again what failed when the other left, all of it or one, and lets go of the rest', async () => {
  const ben = await alice.device('ben');
  const run = async (...args: string[]) => alice.run(...args);
  const failures = async () =>
    (await run('history', room)).lines.filter(({ sending }) => sending === 'failed').map(({ text }) => text);
  const room = String((await run('start', ben.user)).lines[0]?.room);
  expect((await run('retry', room)).errors).toContain('No message of yours failed here');
  for (const text of ['first', 'second', 'third']) await run('send', room, text);
  await invited(ben, room);
  await ben.decline(room);
  await eventually('all failed', async () => (await failures()).length === 3, 30_000);

  const again = await run('retry', room);
  expect(again).toMatchObject({
    status: 1,
    errors: expect.stringMatching(/3 of 3 messages.*start.*invites them.*retry.*discard/),
  });
  expect(await failures()).toEqual(['first', 'second', 'third']);
  for (const word of ['0', '4', 'x'])
    expect(await run('discard', room, word)).toMatchObject({ status: 2, errors: expect.stringContaining('1 to 3') });
  expect((await run('discard', room, '2')).lines).toMatchObject([{ type: 'discarded', text: 'second' }]);

  await run('start', ben.user);
  await invited(ben, room);
  await ben.accept(room);
  const sent = await run('retry', room, '2');
  expect(sent, sent.errors).toMatchObject({ status: 0, lines: [{ text: 'third', sending: 'accepted' }] });
  expect((await run('retry', room)).lines).toMatchObject([{ text: 'first', sending: 'accepted' }]);
  expect((await run('discard', room)).errors).toContain('No message of yours failed here');

  const [answer] = (await run('reply', room, String(sent.lines[0]?.seq), 'Indeed', 'third')).lines;
  expect(answer).toMatchObject({ text: 'Indeed third', replyTo: sent.lines[0]?.id });
  for (const word of ['99999', 'nothing'])
    expect((await run('reply', room, word, 'x')).errors).toMatch(/There is no (such )?message/);
  expect((await run('reply', room, String(sent.lines[0]?.seq))).errors).toContain('needs a text');
});
