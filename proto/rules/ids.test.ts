import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, testPrimitives } from '../golden/cast.ts';
import {
  directRoomId,
  groupRoomId,
  isDeviceId,
  isProvider,
  isRoomId,
  isUserId,
  parseRoomId,
  parseUserId,
} from './ids.ts';

const label = 'a'.repeat(63);

describe('a provider', () => {
  it.each(['a', 'localhost', 'alpha.example.lu', 'a-b.c1', label, `${'a'.repeat(62)}.b`])('may be %s', (name) => {
    expect(isProvider(name)).toBe(true);
  });

  it.each(['', '.', 'a.', '.a', 'a..b', 'A.lu', '-a', 'a-', 'a_b', 'é.lu', 'a:1', 'a b', `${label}a`, `${label}.b`])(
    'may not be %j',
    (name) => {
      expect(isProvider(name)).toBe(false);
    },
  );
});

describe('a user id', () => {
  it('has a name and a provider', () => {
    expect(parseUserId('@ada.l-1:alpha.lu')).toEqual({ name: 'ada.l-1', provider: 'alpha.lu' });
    expect(isUserId(`@${'a'.repeat(64)}:x`)).toBe(true);
  });

  it.each([
    '',
    '@',
    '@:x',
    'ada:x',
    '@ada',
    '@ada:',
    '@Ada:x',
    '@ada:x:y',
    '@-a:x',
    '@a-:x',
    `@${'a'.repeat(65)}:x`,
    '@a\u0000:x',
  ])('may not be %j', (id) => {
    expect(isUserId(id)).toBe(false);
  });
});

describe('a device id', () => {
  it('has 1 to 32 capitals and digits', () => {
    expect(['A', 'Z9', 'A'.repeat(32)].every(isDeviceId)).toBe(true);
    expect(['', 'a', 'A-B', 'A'.repeat(33), 'A\n'].some(isDeviceId)).toBe(false);
  });
});

describe('a room id', () => {
  it('of a group is made from the hash of its genesis', () => {
    const room = groupRoomId(bytesOf('genesis'), 'alpha.lu');
    expect(parseRoomId(room)).toEqual({ direct: false, name: room.slice(1, 34), provider: 'alpha.lu' });
    expect(groupRoomId(bytesOf('other'), 'alpha.lu')).not.toBe(room);
  });

  it('of two is the same for both, tells pairs apart and lies at the smaller one', () => {
    const name = fc.stringMatching(/^[a-z0-9]{1,8}$/);
    const user = fc.tuple(name, name).map(([local, provider]) => `@${local}:${provider}`);
    fc.assert(
      fc.property(user, user, user, (a, b, c) => {
        fc.pre(a !== b && b !== c && a !== c);
        const room = directRoomId(a, b, testPrimitives);
        expect(directRoomId(b, a, testPrimitives)).toBe(room);
        expect(directRoomId(a, c, testPrimitives)).not.toBe(room);
        const smaller = Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0 ? a : b;
        expect(parseRoomId(room)).toMatchObject({ direct: true, provider: parseUserId(smaller)?.provider });
      }),
    );
  });

  it('of one user with himself, or of no user, is a bug of the caller', () => {
    expect(() => directRoomId('@a:x', '@a:x', testPrimitives)).toThrow(RangeError);
    expect(() => directRoomId('@a:x', 'b', testPrimitives)).toThrow(RangeError);
  });

  it.each([
    '',
    '!',
    `!x${'a'.repeat(32)}:x`,
    `!g${'a'.repeat(31)}:x`,
    `!g${'a'.repeat(33)}:x`,
    `!g${'1'.repeat(32)}:x`,
    `!g${'a'.repeat(32)}`,
    `!g${'a'.repeat(32)}:`,
    `!g${'a'.repeat(32)}:X`,
  ])('may not be %j', (id) => {
    expect(isRoomId(id)).toBe(false);
  });
});
