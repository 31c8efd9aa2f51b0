import { describe, expect, it } from 'vitest';
import type { Content } from '#proto/gen/content.ts';
import type { LocalRecord } from '#proto/gen/local.ts';
import { Algorithm, EventHeader, EventKind, Stamp } from '#proto/gen/record.ts';
import { textContent } from '../sending/text-content.ts';
import type { TimelineItem } from '../shown.ts';
import { type Folding, foldRecord, messageId, messageRef, showsBothTimes } from './timeline.ts';

const folding: Folding = {
  room: '!g:localhost',
  user: '@ada:localhost',
  device: 1,
  person: (member) => ['', '@ada:localhost', '@bob:localhost', '@mod:localhost'][member] ?? '',
  moderates: (member) => member === 3,
};

function record(
  seq: number,
  member: number,
  content: Content | undefined,
  more: Partial<LocalRecord> = {},
): LocalRecord {
  const counts = content?.body?.$case === 'text';
  const header = EventHeader.encode({
    room: folding.room,
    member,
    device: 1,
    sendId: seq,
    kind: EventKind.EVENT_KIND_CONTENT,
    algorithm: Algorithm.ALGORITHM_MEGOLM_V1,
    bodySize: 0,
    bodyHash: new Uint8Array(32),
    control: undefined,
    counts,
    expiryDay: 0,
    commitment: new Uint8Array(32),
  }).finish();
  const stamp = Stamp.encode({
    incarnation: 1,
    seq,
    acceptedMs: 10 + seq,
    count: seq,
    previousHash: new Uint8Array(32),
  });
  const kept = { stamp: stamp.finish(), header, body: new Uint8Array(), emptiedBy: 0 };
  return {
    record: kept,
    content,
    trouble: '',
    tries: 1,
    writtenMs: 0,
    contradicts: '',
    unproven: false,
    afterMs: 0,
    ...more,
  };
}

const target = { member: 2, device: 1, sendId: 1 };
const message = record(1, 2, textContent('helo'));
const edit = (seq: number, member: number, text: string) =>
  record(seq, member, { ...textContent(''), body: { $case: 'edit', value: { target, text } } });
const reaction = (seq: number, member: number, emoji: string, removed = false) =>
  record(seq, member, { ...textContent(''), body: { $case: 'reaction', value: { target, emoji, removed } } });
const deletion = (seq: number, member: number) =>
  record(seq, member, { ...textContent(''), body: { $case: 'deletion', value: { target } } });

function fold(...annotations: LocalRecord[]) {
  const line = foldRecord(message, annotations, folding);
  const body = line?.content?.body;
  return { line, text: body?.$case === 'text' ? body.value.text : '' };
}

describe('what someone said who is blocked', () => {
  const hiding: Folding = { ...folding, hides: (member, at) => member === 2 && at < 15 };

  it('makes no line, and no reaction, in the times in which they were', () => {
    expect(foldRecord(message, [], hiding)).toBeUndefined();
    expect(foldRecord(record(5, 2, textContent('later')), [], hiding)?.kind).toBe('message');
    const own = record(1, 1, textContent('mine'));
    const reactions = (seq: number) => {
      const target = { member: 1, device: 1, sendId: 1 };
      const by = record(seq, 2, {
        ...textContent(''),
        body: { $case: 'reaction', value: { target, emoji: '👍', removed: false } },
      });
      return foldRecord(own, [by], hiding)?.reactions.size;
    };
    expect([reactions(2), reactions(5)]).toEqual([0, 1]);
  });
});

describe('a line', () => {
  it('carries what its author says of the time, and says when to show both', () => {
    const line = (writtenMs: number) => foldRecord(record(1, 2, textContent('hi'), { writtenMs }), [], folding);
    expect(line(0)).not.toHaveProperty('writtenAt');
    const [near, far] = [line(11 + 300_000), line(11 + 300_001)];
    expect([near?.writtenAt, far?.writtenAt]).toEqual([300_011, 300_012]);
    expect([near, far, line(0)].map((each) => showsBothTimes(each as TimelineItem))).toEqual([false, true, false]);
  });

  it('is not proven where its key, or that of an edit of it, came out of a key file', () => {
    expect(fold(edit(2, 2, 'hello')).line).not.toHaveProperty('unproven');
    expect(fold({ ...edit(2, 2, 'hello'), unproven: true }).line?.unproven).toBe(true);
    expect(foldRecord({ ...message, unproven: true }, [], folding)?.unproven).toBe(true);
  });

  it('is known by member, device and send id', () => {
    expect(messageRef(messageId(target))).toEqual(target);
    for (const id of ['local.17', '1.2', '1.2.0', '1.2.3.4', 'x.y.z']) expect(messageRef(id)).toBeUndefined();
  });

  it('shows the newest edit of its author, in whatever order edits came', () => {
    expect(fold(edit(3, 2, 'hello!'), edit(2, 2, 'hello')).text).toBe('hello!');
    expect(fold(edit(2, 2, 'hello'), edit(3, 2, 'hello!'))).toMatchObject({ text: 'hello!', line: { edited: true } });
  });

  it('is not edited by anyone else', () => {
    expect(fold(edit(2, 1, 'forged'), edit(3, 3, 'forged'))).toMatchObject({ text: 'helo', line: { edited: false } });
  });

  it('counts each person once per emoji, and none who took it back', () => {
    const { line } = fold(
      reaction(2, 1, '👍'),
      reaction(3, 1, '👍'),
      reaction(4, 2, '👍'),
      reaction(5, 2, '🎉'),
      reaction(6, 2, '🎉', true),
    );
    expect([...(line?.reactions ?? [])]).toEqual([['👍', ['@ada:localhost', '@bob:localhost']]]);
  });

  it('counts reactions of 32 bytes, and none that are longer, empty or hold control characters', () => {
    const [longest, longer] = ['é'.repeat(16), `${'é'.repeat(16)}!`];
    const { line } = fold(
      ...[longest, longer, '', 'a\u0007', '\u001b[2J', 'a\u0085'].map((emoji, at) => reaction(2 + at, 1, emoji)),
    );
    expect([...(line?.reactions.keys() ?? [])]).toEqual([longest]);
  });

  it('is deleted by its author or a moderator, not by others', () => {
    expect(fold(deletion(2, 1)).line?.kind).toBe('message');
    expect(fold(deletion(2, 2)).line?.kind).toBe('deleted');
    expect(fold(deletion(2, 3)).line?.kind).toBe('deleted');
  });

  it('keeps nothing of what was deleted', () => {
    const { line } = fold(edit(2, 2, 'secret'), deletion(3, 2));
    expect(JSON.stringify(line)).not.toContain('secret');
    expect(JSON.stringify(line)).not.toContain('helo');
  });

  it('of an emptied record says so; an emptied edit makes none', () => {
    const emptied = { ...message, content: undefined, record: { ...message.record, emptiedBy: 9 } } as LocalRecord;
    expect(foldRecord(emptied, [], folding)?.kind).toBe('deleted');
    const line = record(2, 2, undefined);
    expect(
      foldRecord({ ...line, record: { ...line.record, emptiedBy: 9 } } as LocalRecord, [], folding),
    ).toBeUndefined();
  });

  it('that could not be decrypted has its cause', () => {
    const line = foldRecord(record(1, 2, undefined, { trouble: 'NO_KEY' }), [], folding);
    expect(line).toMatchObject({ kind: 'trouble', trouble: 'NO_KEY', sender: '@bob:localhost' });
  });
});
