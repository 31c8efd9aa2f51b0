// Talking with the terminal client, as people and scripts do it: groups, edits, reactions, deletions, the interactive chat over stdin, and the
// comparison of emoji. The real program against a real provider process.
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, ProviderProcess } from '#server/test/harness.ts';
import { run, runHere, seen, start } from './test/program.ts';

describe('talking with luxchat', () => {
  let provider: ProviderProcess;
  let alice = '';
  let bob = '';
  let group = '';
  const folders: string[] = [];
  const done = async (folder: string, ...args: string[]) => {
    const ran = await runHere(folder, args);
    expect(ran, `${args.join(' ')}: ${ran.errors}`).toMatchObject({ status: 0 });
    return ran.lines;
  };
  const idOf = async (folder: string) => String((await done(folder, 'whoami'))[0]?.user);
  /** The newest message of the group as this device has it. */
  const last = async (folder: string) => {
    const lines = await done(folder, 'history', group);
    return lines.findLast(({ kind }) => kind !== 'notice');
  };

  beforeAll(async () => {
    provider = await ProviderProcess.start();
    alice = await provider.login('alice');
    bob = await provider.login('bob');
    folders.push(alice, bob);
    await idOf(alice);
    const [room] = await done(alice, 'group', '--name', 'Hiking', await idOf(bob));
    group = String(room?.room);
    // Who made the group gives its name to those who join, once both are there.
    const owner = start(['--folder', alice, 'tail']);
    await done(bob, 'accept', group);
    await eventually(
      'bob reads the name',
      async () => (await runHere(bob, ['members', 'Hiking'])).status === 0,
      30_000,
    );
    owner.child.kill('SIGINT');
    await owner.ended;
  });
  afterAll(async () => {
    await provider?.remove();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  it('makes a group, whose name and members both see', async () => {
    for (const folder of [alice, bob]) {
      expect(await done(folder, 'rooms')).toEqual([expect.objectContaining({ room: group, name: 'Hiking' })]);
      expect((await done(folder, 'members', 'Hiking')).map(({ role, status }) => [role, status])).toEqual([
        ['owner', 'joined'],
        ['member', 'joined'],
      ]);
    }
  });

  it('writes to no group what is for one person alone, and says where it went', async () => {
    const bobs = await idOf(bob);
    for (const word of [bobs, bobs.slice(0, 6)])
      expect(await runHere(alice, ['send', word, 'for bob alone'])).toMatchObject({
        status: 1,
        errors: expect.stringContaining(`no 1:1 chat with ${bobs}`),
      });
    expect(await seen(alice, ['send', 'Hik', 'for all'])).toMatch(/^#\d+ in Hiking +\d\d:\d\d me: for all$/m);
    expect(await seen(alice, ['send', 'Hiking', 'for all of you'])).toMatch(/^#\d+ +\d\d:\d\d me: for all of you$/m);
    expect(JSON.stringify(await done(bob, 'history', 'Hiking'))).not.toContain('alone');
  });

  it('edits, reacts to and deletes the line that a number or an id names', async () => {
    const [sent] = await done(alice, 'send', 'Hiking', 'Meet', 'at', 'nine');
    const number = String(sent?.seq);
    await done(alice, 'edit', 'Hiking', number, 'Meet', 'at', 'ten');
    await done(bob, 'react', 'Hiking', `#${number}`, '👍');
    await done(alice, 'react', 'Hiking', String(sent?.id), '👍');
    expect(await last(bob)).toMatchObject({ id: sent?.id, text: 'Meet at ten', edited: true });
    expect(await seen(bob, ['history', 'Hiking'])).toMatch(
      new RegExp(`^#${number} +\\d\\d:\\d\\d @\\w+: Meet at ten \\(edited\\) 👍2$`, 'm'),
    );
    for (const wrong of ['99999', '1'])
      expect(await runHere(alice, ['edit', 'Hiking', wrong, 'x'])).toMatchObject({
        status: 1,
        errors: expect.stringContaining('UNKNOWN'),
      });
    await done(alice, 'delete', 'Hiking', number);
    for (const folder of [alice, bob]) expect(await last(folder)).toMatchObject({ id: sent?.id, kind: 'deleted' });
  });

  it('shows times in the time zone of TZ, and epoch milliseconds as JSON', async () => {
    const [sent] = await done(alice, 'send', 'Hiking', 'what time is it?');
    for (const timeZone of ['Asia/Kathmandu', 'America/Caracas']) {
      const clock = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' });
      const text = await seen(alice, ['history', 'Hiking', '--limit', '1'], { TZ: timeZone });
      expect(text).toContain(`#${sent?.seq}`);
      expect(text).toContain(` ${clock.format(Number(sent?.at))} me: what time is it?`);
    }
  });

  it('chats: what one types the other reads, with edits, reactions and deletions', async () => {
    const [hers, his] = [alice, bob].map((folder) => start(['--folder', folder, 'chat', 'Hiking']));
    if (!hers || !his) throw new Error('not started');
    await Promise.all([hers, his].map((chat) => chat.line(({ type }) => type === 'chat')));
    hers.type('good morning');
    const greeting = await his.line(({ text }) => text === 'good morning');
    his.type('/react 👋');
    await hers.line(({ id, reactions }) => id === greeting.id && reactions !== undefined);
    his.type('good evening');
    const answer = await hers.line(({ text, own }) => text === 'good evening' && own === false);
    his.type('/edit good night');
    await hers.line(({ id, text }) => id === answer.id && text === 'good night');
    hers.type(`/delete #${greeting.seq}`);
    await his.line(({ id, kind }) => id === greeting.id && kind === 'deleted');
    his.type('/who');
    expect((await his.line(({ type }) => type === 'who')).users).toHaveLength(2);
    his.type('/edit #99999 nothing');
    his.type('/quit');
    expect(await his.ended).toMatchObject({ status: 0, errors: expect.stringContaining('UNKNOWN') });
    hers.type('the last word');
    hers.child.stdin.end();
    expect(await hers.ended).toMatchObject({ status: 0, errors: '' });
    expect(await last(bob)).toMatchObject({ text: 'the last word' });
    for (const { lines } of [await hers.ended, await his.ended])
      expect(lines.filter(({ text }) => text === 'good morning').length).toBeGreaterThan(0);
    // It came once as it was asked for, and once more when it was done.
    for (const { lines } of [await hers.ended, await his.ended])
      expect(lines.filter(({ id, kind }) => id === greeting.id && kind === 'deleted')).toHaveLength(1);
  });

  it('loses no line of a script that types before the chat is ready, and ends with the script', async () => {
    const words = Array.from({ length: 10 }, (_, at) => `word ${at}`);
    expect(await run(alice, ['chat', 'Hiking'], `${words.join('\n')}\n`)).toMatchObject({ status: 0, errors: '' });
    const lines = await done(bob, 'history', 'Hiking', '--limit', '10');
    expect(lines.map(({ text }) => text)).toEqual(words);
  });

  it('marks as read what a chat shows while it is open', async () => {
    const [hers, his] = [alice, bob].map((folder) => start(['--folder', folder, 'chat', 'Hiking']));
    if (!hers || !his) throw new Error('not started');
    await Promise.all([hers, his].map((chat) => chat.line(({ type }) => type === 'chat')));
    hers.type('did you read this?');
    const { seq } = await his.line(({ text, own }) => text === 'did you read this?' && own === false);
    await hers.line((line) => line.type === 'receipt' && Number(line.seq) >= Number(seq));
    for (const chat of [hers, his]) {
      chat.child.kill('SIGINT');
      expect(await chat.ended).toMatchObject({ status: 0 });
    }
    expect((await done(bob, 'rooms'))[0]).toMatchObject({ unread: 0 });
  });

  it('lets people in and out, blocks, reports, and says how it is with receipts', async () => {
    const carol = await provider.login('carol');
    folders.push(carol);
    const her = await idOf(carol);
    await done(alice, 'invite', 'Hiking', her);
    expect(await done(carol, 'invitations')).toMatchObject([{ room: group }]);
    await done(carol, 'decline', '1');
    await done(alice, 'invite', 'Hiking', her);
    await done(carol, 'accept', '1');
    const statusOf = async (user: string) => {
      const members = await done(alice, 'members', 'Hiking');
      return members.find((member) => member.user === user)?.status;
    };
    expect(await statusOf(her)).toBe('joined');
    const [said] = await done(carol, 'send', group, 'something to report');
    await done(bob, 'history', 'Hiking');
    expect(await done(bob, 'report', 'Hiking', String(said?.id), 'rude')).toMatchObject([{ id: said?.id }]);
    await done(bob, 'block', her);
    expect(await done(bob, 'blocked')).toEqual([{ type: 'blocked', user: her }]);
    await done(bob, 'unblock', her);
    expect(await done(bob, 'blocked')).toEqual([]);
    expect(await done(bob, 'receipts', 'off')).toEqual([{ type: 'receipts', on: false }]);
    expect(await done(bob, 'receipts', 'on')).toEqual([{ type: 'receipts', on: true }]);
    await done(bob, 'read', 'Hiking');
    await done(bob, 'go-on', 'Hiking');
    await done(alice, 'remove', 'Hiking', her);
    expect(await statusOf(her)).not.toBe('joined');
    await done(bob, 'leave', 'Hiking');
    expect(await done(bob, 'rooms')).toEqual([]);
    // A group whose name he knows from before says nothing of a name to come.
    await done(alice, 'invite', 'Hiking', await idOf(bob));
    const again = await seen(bob, ['accept', '1']);
    expect(again).toMatch(/^You are in: .*, Hiking\.$/m);
    await done(bob, 'leave', group);
  });

  it('confirms a second device by seven emoji that both show, and not when somebody says no', async () => {
    const phone = await provider.login('alice', 'phone');
    folders.push(phone);
    expect((await done(phone, 'whoami'))[0]).toMatchObject({ confirmed: false });
    for (const word of ['no', 'yes']) {
      const both = [phone, alice].map((folder) => start(['--folder', folder, 'verify']));
      const shown = await Promise.all(both.map((one) => one.line(({ state }) => state === 'emoji')));
      expect(shown[0]?.emoji).toEqual(shown[1]?.emoji);
      expect(shown[0]?.emoji).toHaveLength(7);
      for (const one of both) one.type(word);
      for (const one of both) expect(await one.ended).toMatchObject({ status: word === 'yes' ? 0 : 1 });
    }
    expect((await done(phone, 'whoami'))[0]).toMatchObject({ confirmed: true });
  });

  it('confirms a third device by the text below a code, typed across, and not when somebody says no', async () => {
    const tablet = await provider.login('alice', 'tablet');
    folders.push(tablet);
    for (const word of ['no', 'yes']) {
      const [fresh, known] = [tablet, alice].map((folder) => start(['--folder', folder, 'verify', '--qr']));
      if (!fresh || !known) throw new Error('not started');
      const [own, other] = await Promise.all([fresh, known].map((one) => one.line(({ code }) => code !== undefined)));
      expect(other?.code).not.toBe(own?.code);
      fresh.type(String(other?.code));
      // A script was not told that it is its turn.
      await known.line(({ state }) => state === 'scanned');
      known.type(word);
      for (const one of [fresh, known]) expect(await one.ended).toMatchObject({ status: word === 'yes' ? 0 : 1 });
      expect((await done(tablet, 'whoami'))[0]).toMatchObject({ confirmed: word === 'yes' });
    }
  });

  it('refuses a text that is no code', async () => {
    const other = await provider.login('alice', 'fourth');
    folders.push(other);
    const [fresh, known] = [other, alice].map((folder) => start(['--folder', folder, 'verify', '--qr']));
    if (!fresh || !known) throw new Error('not started');
    await Promise.all([fresh, known].map((one) => one.line(({ code }) => code !== undefined)));
    fresh.type('no such code');
    expect(await fresh.ended).toMatchObject({ status: 2, errors: expect.stringContaining('BAD_ARGUMENT') });
    known.child.kill('SIGINT');
    await known.ended;
  });
});
