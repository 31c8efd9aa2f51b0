// What `status` says: "no alarms" out of counters that began with the very command said nothing.
import { describe, expect, it } from 'vitest';
import type { Doubts } from '#client/doubts.ts';
import { commands } from './commands.ts';
import { fullSentences } from './full-backup.ts';
import { doubtsSentences, status } from './status.ts';

const none: Doubts = { alarms: [], frozen: [], changed: [], unheard: [], unread: {} };
const at = Date.UTC(2026, 10, 29);

describe('status', () => {
  it('says that nothing speaks against what is shown, and why that is known', () => {
    expect(doubtsSentences(none, 'luxchat')).toEqual([
      'no alarms since this device began',
      'nobody’s identity is in doubt, sending is stopped nowhere, and every line that came can be read',
    ]);
  });

  it('names alarms of earlier runs, and says nothing good where something is wrong now', () => {
    const alarms = [{ code: 'IDENTITY_SWAPPED' as const, user: '@bob:x', room: '!a', at }];
    const frozen = [{ room: '!b', code: 'HISTORY_FORKED' as const }];
    const unheard = [
      { user: '@bob:x', why: 'IDENTITY_CHANGED' as const },
      { user: '@eve:x', why: 'MANIFEST_WITHHELD' as const },
    ];
    const all = { alarms, frozen, changed: ['@bob:x'], unheard, unread: { NO_KEY: 2, WITHHELD: 1 } };
    expect(doubtsSentences(all, 'luxchat')).toEqual([
      'Alarms since this device began:',
      '  2026-11-29  another identity of @bob:x in !a',
      'FROZEN: nothing is sent in !b until you say luxchat go-on !b, once it was looked into: the server showed two different histories.',
      'CHANGED: @bob:x has another identity, not approved here. Compare by voice what luxchat identity @bob:x prints.',
      expect.stringMatching(/^The server hides the newest list of devices of @eve:x/),
      "Lines that can't be read yet, and are tried again: 2 without a key, 1 whose key this device was not given.",
    ]);
    // Codes are for programs: --json has them.
    expect(doubtsSentences(all, 'luxchat').join(' ')).not.toMatch(/[A-Z]+_[A-Z]+/);
    for (const doubt of [{ frozen }, { changed: ['@bob:x'] }, { unheard }, { unread: { NO_KEY: 1 } }])
      expect(doubtsSentences({ ...none, ...doubt }, 'luxchat').join(' ')).not.toContain('can be read');
  });

  it('says where there are more lines than were counted', () => {
    const said = (more: object) => doubtsSentences({ ...none, unread: { NO_KEY: 100_000 }, ...more }, 'luxchat').at(-1);
    expect(said({})).toMatch(/: 100000 without a key\.$/);
    expect(said({ unreadMore: true })).toMatch(/: 100000 without a key, and more\.$/);
  });

  it('keeps counters for programs', async () => {
    const said: unknown[] = [];
    const out = { say: (...one: unknown[]) => said.push(...one) };
    const client = {
      doubts: async () => none,
      security: { state: () => ({ state: 'protected' }) },
      counters: () => ({ 'send.failed': 2 }),
    };
    await status({ client, args: { call: 'luxchat' }, out } as never);
    const [object, ...lines] = said;
    expect(object).toMatchObject({ counters: { 'send.failed': 2 } });
    expect(lines.join(' ')).not.toContain('send.failed');
  });

  it('says of a backup that is full what that means, and what to do next', async () => {
    const said: string[] = [];
    const client = {
      doubts: async () => none,
      security: { state: () => ({ state: 'protected', backup: true, waiting: 3, full: true }) },
      counters: () => ({}),
      devices: async () => [{ current: true, confirmed: true }],
    };
    const out = { say: (_: object, ...lines: string[]) => said.push(...lines) };
    const session = { client, args: { call: 'luxchat' }, out } as never;
    await status(session);
    await commands.whoami?.run(session);
    const full = said.filter((line) =>
      /^FULL: .*newest messages \(3\).*luxchat verify.*luxchat keys export FILE/.test(line),
    );
    expect(full).toHaveLength(2);
    expect(said.filter((line) => line === 'messages secured, but not the newest')).toHaveLength(2);
    expect(said.join(' ')).not.toContain('on their way');
  });

  it('says nothing of it where it is not full', () => {
    expect(fullSentences({ state: 'protected', backup: true, waiting: 3 }, 'luxchat')).toEqual([]);
  });

  it.each([
    [{ state: 'unprotected' }, 'messages not secured: run luxchat secure'],
    [{ state: 'protected', waiting: 0 }, 'messages secured'],
    [{ state: 'protected', waiting: 3 }, 'messages secured, but for 3 keys that are on their way'],
    [{ state: 'waiting', restore: { refused: 2 } }, /waits for the key.*2 keys in the backup/],
    [{ state: 'unconfirmed' }, /not confirmed/],
  ])('says how messages are kept: %j', async (security, sentence) => {
    const said: string[] = [];
    const client = { doubts: async () => none, security: { state: () => security }, counters: () => ({}) };
    const out = { say: (_: object, ...lines: string[]) => said.push(...lines) };
    await status({ client, args: { call: 'luxchat' }, out } as never);
    expect(said[2]).toEqual(typeof sentence === 'string' ? sentence : expect.stringMatching(sentence));
  });
});
