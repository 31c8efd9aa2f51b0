// What people see: nothing in it steers their terminal, whoever wrote it; and each line has its number, its time and, where the day changes, a date.
import { describe, expect, it, vi } from 'vitest';
import type { Notice, RoomInfo, TimelineItem } from '#client/shown.ts';
import { Content } from '#proto/gen/content.ts';
import type { MemberStatus } from '#proto/gen/record.ts';
import { createOutput } from './output.ts';
import { datedLines, describeItem, describeRoom, isGone, itemSentence, roomSentence } from './sentences.ts';

const steering = '\u001b]0;owned\u0007\u009b2J\r\u202eevil\nalice: forged';
const noon = new Date(2026, 10, 29, 12, 34).getTime();

function item(over: Partial<TimelineItem> = {}, text = 'hello'): TimelineItem {
  const content = { ...Content.decode(new Uint8Array()), body: { $case: 'text' as const, value: { text } } };
  const fixed = { id: '1.1.1', room: '!g:x', device: 1, own: false, edited: false, kind: 'message' as const };
  return { ...fixed, seq: 12, sender: '@bob:x', senderName: '', at: noon, reactions: new Map(), content, ...over };
}

function room(over: Partial<RoomInfo>): RoomInfo {
  const fixed = { room: '!g:x', direct: false, name: '', topic: '', status: 2, role: 1, members: [], unread: 0 };
  const rest = {
    headSeq: 1,
    lastMs: 0,
    memberNames: [],
    invitedBy: '',
    invitedByBot: false,
    other: undefined,
    frozen: '',
    unheard: [],
  };
  return { ...fixed, ...rest, ...over } as RoomInfo;
}

function slotSet(slot: string): Notice {
  return { what: 'slot', slot, actor: steering, actorName: steering, target: '', targetName: '', text: steering };
}

/** What the terminal is given. */
function printed(json: boolean, print: (out: ReturnType<typeof createOutput>) => void): string {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  const error = vi.spyOn(console, 'error').mockImplementation(() => {});
  print(createOutput(json));
  const text = [...log.mock.calls, ...error.mock.calls].flat().join('\n');
  vi.restoreAllMocks();
  return text;
}

describe('who is named', () => {
  it('tells two who want to be called the same apart by their ids', () => {
    const [bob, eve] = ['@bob:x', '@eve:x'].map((sender) => itemSentence(item({ sender, senderName: 'Bob' })));
    expect([bob, eve].map((line) => line?.slice(12))).toEqual(['Bob (@bob): hello', 'Bob (@eve): hello']);
    const both = room({ members: ['@bob:x', '@eve:x'], memberNames: ['Bob', 'Bob'] });
    expect(roomSentence(both)).toBe('!g:x  Bob (@bob), Bob (@eve)');
    expect(roomSentence(room({ members: ['@bob:x'], memberNames: [''] }))).toBe('!g:x  @bob');
  });
});

describe('what the terminal client prints', () => {
  const evil: Record<string, readonly [Record<string, unknown>, string]> = {
    'a text': [describeItem(item({}, steering)), itemSentence(item({}, steering))],
    'a reaction': [
      describeItem(item({ reactions: new Map([[steering, ['@eve:x']]]) })),
      itemSentence(item({ reactions: new Map([[steering, ['@eve:x']]]) })),
    ],
    'a sender': [{}, itemSentence(item({ sender: steering }))],
    'what a sender wants to be called': [
      describeItem(item({ senderName: steering })),
      itemSentence(item({ senderName: steering })),
    ],
    'what a member wants to be called': [{}, roomSentence(room({ members: ['@bob:x'], memberNames: [steering] }))],
    'the name of a slot': [{}, itemSentence(item({ kind: 'notice', notice: slotSet(steering) }))],
    'what a slot holds': [{}, itemSentence(item({ kind: 'notice', notice: slotSet('name') }))],
    'a room': [describeRoom(room({ name: steering })), roomSentence(room({ name: steering }))],
    'an invitation': [{}, roomSentence(room({ invitedBy: steering }))],
    'a device': [{ name: steering }, `2  ABC  ${steering}  last seen 2026-11-29`],
  };

  it.each(Object.entries(evil))('does not let %s steer the terminal', (_, [object, sentence]) => {
    for (const json of [false, true]) {
      const text = printed(json, (out) => out.say(object, sentence));
      expect(json ? text : text.replaceAll('\n      ', '')).not.toMatch(/[\p{Cc}\u202a-\u202e]/u);
      if (json) expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(object)));
    }
  });

  it.each([true, false])('nor what an error or a note says (json: %s)', (json) => {
    const text = printed(json, (out) => {
      out.note(`Room ${steering.replace('\n', ' ')}`);
      out.fail(new Error(steering.replace('\n', ' ')));
    });
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202a-\u202e]/u);
  });

  it('names the line that one answers to, where it is on the screen', () => {
    const lines = datedLines(noon);
    const answer = (member: number, text: string) => {
      const made = item({ id: `2.1.${member}`, seq: 13 }, text);
      const content = { ...(made.content as Content), replyTo: { member, device: 1, sendId: 1 } };
      return { ...made, content };
    };
    lines(item());
    expect(lines(answer(1, 'yes'))).toEqual(['#13   12:34 @bob: (to #12) yes']);
    expect(lines(answer(9, 'no'))).toEqual(['#13   12:34 @bob: (to an earlier message) no']);
    expect(describeItem(answer(1, 'yes'))).toMatchObject({ text: 'yes', replyTo: '1.1.1' });
  });

  it('remembers a thousand lines for that, and not one more', () => {
    const lines = datedLines(noon);
    for (let n = 1; n <= 1_001; n++) lines(item({ id: `1.1.${n}`, seq: n }));
    const answer = (sendId: number) => {
      const made = item({ id: '1.1.1001', seq: 1_001 }, 'yes');
      return lines({ ...made, content: { ...(made.content as Content), replyTo: { member: 1, device: 1, sendId } } });
    };
    expect(answer(2)[0]).toContain('(to #2)');
    expect(answer(1)[0]).toContain('(to an earlier message)');
  });

  it('indents line breaks of others, so that no message looks like two', () => {
    const [first, ...rest] = printed(false, (out) => out.say({}, itemSentence(item({}, 'a\n#13   12:35 me: b')))).split(
      '\n',
    );
    expect(first).toBe('#12   12:34 @bob: a');
    expect(rest).toEqual(['      #13   12:35 me: b']);
  });

  it('shows number, local time, author, edits, reactions and what became of a line', () => {
    const reactions = new Map([
      ['👍', ['@a:x', '@b:x']],
      ['🎉', ['@a:x']],
    ]);
    expect(itemSentence(item({ edited: true, reactions }))).toBe('#12   12:34 @bob: hello (edited) 👍2 🎉');
    expect(itemSentence(item({ own: true, seq: 0, sending: 'waiting' }))).toBe('#-    12:34 me: hello …');
    expect(itemSentence(item({ kind: 'deleted' }))).toBe('#12   12:34 @bob: (deleted)');
  });

  it('says of a line whose key came from a backup or a key file alone that nobody here verified it', () => {
    expect(itemSentence(item({ unproven: true }))).toBe(
      '#12   12:34 @bob: hello (NOT PROVEN: nobody here could verify who wrote this; its key came from a backup or a key file)',
    );
    expect(describeItem(item({ unproven: true }))).toMatchObject({ unproven: true });
  });

  it('shows when the server took it, and when it was written only where that is more than five minutes off', () => {
    expect(itemSentence(item({ writtenAt: noon - 300_000 }))).toBe('#12   12:34 @bob: hello');
    const late = itemSentence(item({ writtenAt: noon - 3_600_000 }));
    expect(late).toBe('#12   12:34 (written 2026-11-29 11:34) @bob: hello');
  });

  it('shows a line whose time is no date all the same', () => {
    const none = Number.MAX_SAFE_INTEGER;
    expect(datedLines(noon)(item({ at: none }))).toEqual(['#12   --:-- @bob: hello']);
    expect(itemSentence(item({ writtenAt: none }))).toBe('#12   12:34 (written at no date) @bob: hello');
  });

  it('puts a date where the day changes, and none before lines of today', () => {
    const lines = datedLines(noon);
    const day = 86_400_000;
    expect(lines(item())).toHaveLength(1);
    expect(lines(item({ at: noon + day }))[0]).toBe('----- Monday, 30 November 2026 -----');
    expect(lines(item({ at: noon + day }))).toHaveLength(1);
    expect(datedLines(noon)(item({ at: noon - day }))[0]).toContain('28 November');
  });
});

describe('an invitation', () => {
  it('tells invitations apart by all that is shown before consent', () => {
    const invited = { status: 1, invitedBy: '@bob:x' } as const;
    expect(roomSentence(room(invited))).toBe('!g:x  group, as member, invited by @bob:x  [invited]');
    expect(roomSentence(room({ ...invited, role: 3 }))).toBe('!g:x  group, as admin, invited by @bob:x  [invited]');
    expect(roomSentence(room({ ...invited, direct: true, invitedByBot: true }))).toBe(
      '!g:x  1:1, invited by @bob:x, a bot  [invited]',
    );
    // Whoever erased their account left a 1:1 room behind that looked like an invitation again.
    const gone = { ...invited, status: 2, direct: true, other: { user: '@bob:x', status: 3 } } as const;
    expect(roomSentence(room(gone))).toContain('@bob, who left');
    const out = (status: MemberStatus) => roomSentence(room({ status, name: 'Hiking' }));
    expect([out(3), out(5)]).toEqual(['!g:x  Hiking  [you left]', '!g:x  Hiking  [you were removed]']);
    const lonely = (status: MemberStatus, user = '@bob:x') =>
      roomSentence(room({ direct: true, other: { user, status } }));
    expect(lonely(1)).toBe('!g:x  waits for the other to accept');
    expect([1, 2, 3, 4].map((status) => isGone({ other: { user: '@bob:x', status: status as MemberStatus } }))).toEqual(
      [...[false, false], ...[true, true]],
    );
    expect(isGone({ other: undefined })).toBe(false);
    expect([lonely(3), lonely(4), lonely(3, '')]).toEqual([
      '!g:x  @bob, who left',
      '!g:x  @bob, who declined',
      '!g:x  somebody, who left',
    ]);
    expect(roomSentence(room({ members: ['@info:x'], direct: true, bot: true }))).toBe('!g:x  @info (a bot)');
  });
});
