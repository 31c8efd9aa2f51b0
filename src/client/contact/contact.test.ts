import { describe, expect, it } from 'vitest';
import { testPrimitives as primitives } from '#proto/golden/cast.ts';
import { idCheckCharacter, idLetters } from '#proto/rules/luxchat-id.ts';
import { ClientError } from '../errors.ts';
import { contactCharactersMax, contactLink, findContact, idInGroups, readContact } from './contact.ts';

const name = `k3m9x7qp2t${idCheckCharacter('k3m9x7qp2t')}`;
const user = `@${name}:chat.example.lu`;
const fingerprint = Uint8Array.from({ length: 32 }, (_, at) => at * 7);
const link = contactLink(user, fingerprint, primitives);
const read = (text: string) => readContact(text, 'own.lu', primitives);
const refused = (text: string) => {
  try {
    return read(text).user;
  } catch (error) {
    return error instanceof ClientError ? `${error.code} ${error.message}` : error;
  }
};

describe('a contact link', () => {
  it('stays as it is for ever, and says all behind the #', () => {
    expect(link).toBe('https://chat.example.lu/c/#k3m9x7qp2t7/AAcOFRwjKjE4P0ZNVFtiaXB3foWMk5qhqK-2vcTL0tnNtqU6');
    expect(new URL(link).pathname + new URL(link).search).toBe('/c/');
  });

  it('is read as whom it names, with their identity', () => {
    for (const text of [link, ` ${link}\n`, link.replace('https://chat', 'HTTPS://Chat')])
      expect(read(text)).toEqual({ user, fingerprint });
    const picked = contactLink('@ann.b_c:a.lu', fingerprint, primitives);
    expect(read(picked)).toEqual({ user: '@ann.b_c:a.lu', fingerprint });
  });

  it('with any character changed, missing or too many is a mistake, not another identity', () => {
    const value = link.slice(link.indexOf('#') + 1);
    for (let at = 0; at < value.length; at++) {
      const [before, after] = [value.slice(0, at), value.slice(at + 1)];
      const other = value[at] === '0' ? '1' : '0';
      for (const text of [`${before}${other}${after}`, `${before}${after}`, `${before}${other}${value[at]}${after}`])
        expect(refused(`https://chat.example.lu/c/#${text}`)).toMatch(/^BAD_ARGUMENT .*(mistake|no contact link)/);
    }
    expect(refused(link.replace('chat', 'chot'))).toMatch(/mistake/);
    expect(refused(link.slice(0, -1))).toMatch(/incomplete/);
  });

  it('is told from links and codes of others', () => {
    for (const text of [
      'https://chat.example.lu/',
      'https://chat.example.lu/c/',
      `${link}?x=1`,
      `${link}/a`,
      'http://a',
    ])
      expect(refused(text)).toMatch(/^BAD_ARGUMENT .*(no contact link)/);
    expect(refused(link.replace('https', 'http'))).toMatch(/no contact link/);
    const others = [
      'matrix:u/ann:a.lu',
      'mailto:ann@a.lu',
      'otpauth://totp/x',
      'BEGIN:VCARD',
      'WIFI:S:x;;',
      'tel:+352',
    ];
    for (const text of [...others, 'sgnl://signal.me/#p/1']) expect(refused(text)).toMatch(/of another program/);
  });

  it('is never read beyond 256 characters', () => {
    const longest = `@${'a'.repeat(64)}:${'b'.repeat(60)}.org`;
    expect(contactLink(longest, fingerprint, primitives)).toHaveLength(189);
    expect(read(contactLink(longest, fingerprint, primitives)).user).toBe(longest);
    const long = (length: number) => link.padEnd(length, 'A');
    expect(refused(long(contactCharactersMax))).toMatch(/mistake/);
    expect(refused(long(contactCharactersMax + 1))).toMatch(/too long/);
  });

  it('is made for users and identities alone', () => {
    expect(() => contactLink('ann', fingerprint, primitives)).toThrow(RangeError);
    expect(() => contactLink(user, fingerprint.subarray(1), primitives)).toThrow(RangeError);
  });
});

describe('a Luxchat-ID', () => {
  it('is read in groups, as it is read aloud, and of the own provider where none is named', () => {
    expect(idInGroups(user)).toBe(`@${name.slice(0, 4)} ${name.slice(4, 8)} ${name.slice(8)}:chat.example.lu`);
    for (const text of [user, idInGroups(user), idInGroups(user).toUpperCase()]) expect(read(text)).toEqual({ user });
    expect(read(name)).toEqual({ user: `@${name}:own.lu` });
  });

  it('with a wrong character is a mistake', () => {
    const wrong = idLetters.replace(name[0]!, '');
    for (const letter of wrong)
      expect(refused(`@${letter}${name.slice(1)}:a.lu`)).toMatch(/mistake in this Luxchat-ID/);
  });

  it('is told from a name', () => {
    expect(findContact('Jean Juncker', 'own.lu', primitives)).toBeNull();
    expect(refused('Jean Juncker')).toMatch(/no Luxchat-ID and no contact link/);
  });
});
