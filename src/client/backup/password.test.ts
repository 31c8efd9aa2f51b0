// Passwords: drawn evenly, and the same however they are typed.
import { describe, expect, test } from 'vitest';
import { drawn, generatePassword, isPasswordLength, normalizePassword, passwordCharactersMax } from './password.ts';
import { languages, wordList, wordsPerList } from './words.ts';

describe('the word lists', () => {
  test.each(languages)('%s has 7,776 different words that every keyboard types', async (language) => {
    const words = await wordList(language);
    expect(words).toHaveLength(wordsPerList);
    expect(new Set(words).size).toBe(wordsPerList);
    expect(words.filter((word) => !/^[a-z]{3,9}$/.test(word))).toEqual([]);
    expect([...words].sort()).toEqual(words);
  });

  test('are worth 2^77 passwords of six words', () => {
    expect(Math.log2(wordsPerList) * 6).toBeGreaterThan(77);
  });
});

describe('a generated password', () => {
  test.each(languages)('in %s is six words of the list', async (language) => {
    const password = await generatePassword(language);
    const words = new Set(await wordList(language));
    expect(password.split(' ')).toHaveLength(6);
    expect(password.split(' ').filter((word) => !words.has(word))).toEqual([]);
    expect(normalizePassword(password)).toBe(password);
    expect(await generatePassword(language)).not.toBe(password);
  });

  test('throws away the draws that would favour the first words', () => {
    const rounds = [
      [62_207, 62_208, 65_535],
      [7_776, 0, 1],
    ];
    const fill = (into: Uint16Array) => into.set(rounds.shift() ?? []);
    expect(drawn(3, wordsPerList, fill)).toEqual([7_775, 0, 0]);
    expect(rounds).toEqual([]);
  });

  test('is as likely to have any word as any other', () => {
    // Every value of the draw, once: each number comes up equally often.
    let next = 0;
    const fill = (into: Uint16Array) => {
      for (let at = 0; at < into.length; at += 1) into[at] = next++;
    };
    const counts = new Uint32Array(wordsPerList);
    for (const number of drawn(62_208, wordsPerList, fill)) counts[number] = (counts[number] ?? 0) + 1;
    expect(new Set(counts)).toEqual(new Set([8]));
  });
});

describe('the same password', () => {
  test.each([
    ['Capitals', 'Abacus moselle', 'abacus Moselle'],
    ['spaces of any kind', 'abacus  moselle', ' abacus\u00a0\tmoselle\n'],
    ['accents of one key or two', 'caf\u00e9', 'cafe\u0301'],
    ['wide forms', 'moien1', '\uff4d\uff4f\uff49\uff45\uff4e\uff11'],
    ['typographic quotes and dashes', `d'r"x-y`, 'd\u2019r\u201dx\u2013y'],
    ['invisible signs', 'moselle', 'mo\u00adsel\u200ble'],
  ])('is one whatever the keyboard makes of %s', (_, one, other) => {
    expect(normalizePassword(other)).toBe(normalizePassword(one));
  });

  test('is not another one: accents and order count', () => {
    expect(normalizePassword('caf\u00e9')).not.toBe(normalizePassword('cafe'));
    expect(normalizePassword('abacus moselle')).not.toBe(normalizePassword('moselle abacus'));
    expect(normalizePassword('abacusmoselle')).not.toBe(normalizePassword('abacus moselle'));
  });

  test('does not change when it is normalised again', () => {
    for (const odd of ['\u0130stanbul', '\u1e9e', '\ufb03', '\u2460\u3000\u00bd', '\u03a3\u03c3\u03c2', '\u212a'])
      expect(normalizePassword(normalizePassword(odd))).toBe(normalizePassword(odd));
  });

  test('has 1 to 256 characters, not units', () => {
    const sign = '\u{1f600}';
    expect(isPasswordLength('')).toBe(false);
    expect(isPasswordLength(sign.repeat(passwordCharactersMax))).toBe(true);
    expect(isPasswordLength(sign.repeat(passwordCharactersMax + 1))).toBe(false);
  });
});
