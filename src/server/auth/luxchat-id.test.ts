import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isUserId } from '#proto/rules/ids.ts';
import {
  idCheckCharacter,
  idLetters,
  isLuxchatIdName,
  luxchatIdInGroups,
  readLuxchatId,
  readLuxchatIdName,
} from '#proto/rules/luxchat-id.ts';
import { idRandomBytes, makeLuxchatId } from './luxchat-id.ts';

const nameOf = (id: string) => id.slice(1, id.indexOf(':'));
const names = Array.from({ length: 50 }, () => nameOf(makeLuxchatId(randomBytes(idRandomBytes), 'chat.example.lu')));

describe('a Luxchat-ID', () => {
  it('has the shape of a user id and shows its random bits', () => {
    const id = makeLuxchatId(new Uint8Array(idRandomBytes).fill(0xff), 'chat.example.lu');
    expect(id).toBe(`@zzzzzzzzzz${idCheckCharacter('zzzzzzzzzz')}:chat.example.lu`);
    expect(isUserId(id)).toBe(true);
    expect(makeLuxchatId(Uint8Array.of(0, 0, 0, 0, 0, 0, 1), 'localhost')).toMatch(/^@1000000000.:localhost$/);
    expect(new Set(names).size).toBe(names.length);
    expect(() => makeLuxchatId(new Uint8Array(6), 'localhost')).toThrow(RangeError);
  });

  it('keeps its check character for ever', () => {
    expect(['0000000000', '1000000000', '0123456789', 'abcdefghjk'].map(idCheckCharacter)).toEqual([
      '0',
      'h',
      '0',
      'j',
    ]);
  });

  it('notices every single wrong character', () => {
    for (const name of names) {
      expect(isLuxchatIdName(name)).toBe(true);
      for (let at = 0; at < name.length; at++)
        for (const letter of idLetters)
          expect(isLuxchatIdName(name.slice(0, at) + letter + name.slice(at + 1))).toBe(letter === name[at]);
    }
  });

  it('notices every swap of two characters', () => {
    for (const name of names)
      for (let one = 0; one < name.length; one++)
        for (let other = one + 1; other < name.length; other++) {
          const letters = [...name];
          [letters[one], letters[other]] = [letters[other]!, letters[one]!];
          expect(isLuxchatIdName(letters.join(''))).toBe(name[one] === name[other]);
        }
  });

  it('is no other length and no other alphabet', () => {
    for (const wrong of ['', '0000000000', '000000000000', '0000000000i', 'ABCDEFGHJKJ'])
      expect(isLuxchatIdName(wrong)).toBe(false);
    expect(() => idCheckCharacter('short')).toThrow(RangeError);
    expect(() => idCheckCharacter('uuuuuuuuuu')).toThrow(RangeError);
  });

  it('is shown in groups and read back as people type it', () => {
    const id = '@abcdefghjkj:chat.example.lu';
    expect(luxchatIdInGroups(id)).toBe('@abcd efgh jkj:chat.example.lu');
    expect(luxchatIdInGroups('@anna:chat.example.lu')).toBe('@anna:chat.example.lu');
    expect(readLuxchatIdName('ABCD-efgh jkj')).toBe('abcdefghjkj');
    expect(readLuxchatIdName('OOOOOOOOOOo')).toBe('00000000000');
    expect(readLuxchatIdName('abcd efgh jkc')).toBeNull();
  });
});

describe('what a person types', () => {
  const own = 'chat.example.lu';
  const id = makeLuxchatId(new Uint8Array(idRandomBytes).fill(0x5a), own);
  const name = nameOf(id);

  it('is an id in groups or not, in capitals, with or without what everybody knows', () => {
    const grouped = luxchatIdInGroups(id);
    for (const typed of [id, grouped, ` ${grouped.toUpperCase()} `, name, `@${name}`, name.replace(/(.{4})/g, '$1-')])
      expect(readLuxchatId(typed, own)).toBe(id);
    expect(readLuxchatId(`${name}:other.lu`, own)).toBe(`@${name}:other.lu`);
    expect(readLuxchatId('@ann:other.lu', own)).toBe('@ann:other.lu');
    expect(readLuxchatId('@ann.b-c_d', own)).toBe(`@ann.b-c_d:${own}`);
  });

  it('is told apart from a typo and from a name', () => {
    const wrong = `${name.slice(0, 10)}${name[10] === '0' ? '1' : '0'}`;
    const typos = [`@${wrong}`, `@${wrong}:other.lu`, `${wrong}:${own}`, `@${name.slice(1)}`, `@${name}0:${own}`];
    for (const typed of [...typos, '@', '@ann@b', `@${name}:`, `${name}:a b`, '@ann:!'])
      expect(readLuxchatId(typed, own)).toBe('typo');
    for (const typed of ['ann', 'Jean-Claude Juncker', wrong, '', '  ']) expect(readLuxchatId(typed, own)).toBeNull();
  });
});
