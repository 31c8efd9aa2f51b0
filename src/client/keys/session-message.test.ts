// What devices say to each other about sessions: written, read strictly, within its bounds.
import { describe, expect, it } from 'vitest';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import { readSessionMessage, sessionContents, sessionsMax } from './session-message.ts';

const room = `!g${'a'.repeat(32)}:localhost`;
const key = (n: number) => ({ room, sessionId: `S${n}` });
const sender = { user: '@bob:localhost', device: 'B1', key: new Uint8Array(32).fill(7) };
const secret = { ...key(1), json: Uint8Array.of(1, 2, 3), sender };
const some = (count: number) => Array.from({ length: count }, (_, n) => key(n));
const [given] = sessionContents({ given: [secret] }) as { given: Record<string, unknown>[] }[];
const one = given?.given[0] ?? {};

describe('a message about sessions', () => {
  it('says what was asked or given', () => {
    for (const message of [{ wanted: some(3) }, { given: [secret, { ...secret, ...key(2), sender: undefined }] }])
      expect(sessionContents(message).map(readSessionMessage)).toEqual([message]);
  });

  it('holds so many sessions, and more go in the next', () => {
    expect(sessionContents({ wanted: some(sessionsMax) })).toHaveLength(1);
    expect(sessionContents({ wanted: some(sessionsMax + 1) })).toHaveLength(2);
    const ask = (count: number) => ({ ask: some(count).map(({ sessionId }) => [room, sessionId]) });
    expect(readSessionMessage(ask(sessionsMax))).toEqual({ wanted: some(sessionsMax) });
    expect(readSessionMessage(ask(sessionsMax + 1))).toBeUndefined();
  });

  it.each([[64], [2_048]])('is bounded in ids and exports (%i)', (most) => {
    const reads = (over: object) => readSessionMessage({ given: [{ ...one, ...over }] }) !== undefined;
    const field = (length: number) =>
      most === 64 ? { session: 'x'.repeat(length) } : { key: toBase64(new Uint8Array(length)) };
    expect([reads(field(most)), reads(field(most + 1))]).toEqual([true, false]);
  });

  it.each([
    [null],
    ['x'],
    [{}],
    [{ ask: [] }],
    [{ ask: 'x' }],
    [{ ask: [['room', 'S1']] }],
    [{ ask: [[room, '']] }],
    [{ ask: [[room, 'S1'], null] }],
    [{ given: [{ ...one, key: '=' }] }],
    [{ given: [{ ...one, sender: {} }] }],
    [{ given: [{ ...one, sender: { user: sender.user, device: 'B1', key: toBase64(new Uint8Array(31)) } }] }],
    [{ given: [{ ...one, sender: { user: 'bob', device: 'B1', key: toBase64(sender.key) } }] }],
  ])('is not in %j', (content) => {
    expect(readSessionMessage(content)).toBeUndefined();
  });
});
