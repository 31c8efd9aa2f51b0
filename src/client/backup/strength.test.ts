// The estimate of a person's own password: what guessers try first is worth little, what is random enough passes.
import { describe, expect, test } from 'vitest';
import { passwordCharactersMax } from './password.ts';
import { estimateBits, ownPasswordBitsMin, requireStrong } from './strength.ts';

describe('refused', () => {
  test.each([
    ['one word', 'moselle'],
    ['a common one with frills', 'P@ssw0rd123!'],
    ['a common one of two words', 'Correct Horse Battery Staple'],
    ['five words', 'abacus harvest purple monkey window'],
    ['digits for letters', 'm0s3ll3 4b4cus'],
    ['a run of keys', 'qwertzuiopasdfghjklyxcvbnm'],
    ['columns of keys', '1qay2wsx3edc4rfv5tgb'],
    ['the alphabet, backwards too', 'abcdefghijklmnopqrstuvwxyz zyxwvutsrqponmlkjihgfedcba'],
    ['digits in order', '0123456789 9876543210'],
    ['one sign many times', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'],
    ['a word many times', 'moselle moselle moselle moselle moselle moselle moselle'],
    ['a word forwards and backwards', 'schueberfouer reuofrebeuhcs schueberfouer'],
    ['dates', '24.12.1987 03.06.2015 1999'],
    ['names and a year', 'Marie Josee Weber 1974'],
    ['a telephone number', '+352 621 123 456'],
    ['accents for strength', '\u00e9\u00e0\u00e8 m\u00f6selle \u00e4b\u00e4c\u00fcs'],
    ['a short random one', 'xK9#mQ2$v'],
  ])('%s', async (_, password) => {
    expect(await estimateBits(password)).toBeLessThan(ownPasswordBitsMin);
    await expect(requireStrong(password)).rejects.toMatchObject({ code: 'WEAK_PASSWORD' });
  });
});

describe('taken', () => {
  test.each([
    ['six words', 'abacus harvest purple monkey window zebra'],
    ['six words in any case, with signs between', 'Abacus-Harvest-Purple-Monkey-Window-Zebra'],
    ['what a password manager makes', 'hV7kQz2mXw9rTb4nGf8c'],
    ['random signs', 'k4#vq9!zt2?wm7&xj5'],
    ['a long sentence', 'meng bomi huet all sonndes um siwen auer quetschentaart gebak'],
  ])('%s', async (_, password) => {
    expect(await estimateBits(password)).toBeGreaterThanOrEqual(ownPasswordBitsMin);
    await requireStrong(password);
  });
});

describe('the estimate', () => {
  test('never falls when something is added that was not there', async () => {
    const words = ['abacus', 'harvest', 'purple', 'monkey', 'window'];
    let before = 0;
    for (let count = 1; count <= words.length; count += 1) {
      const bits = await estimateBits(words.slice(0, count).join(' '));
      expect(bits).toBeGreaterThan(before);
      before = bits;
    }
  });

  test('counts no capitals, which the password does not keep', async () => {
    expect(await estimateBits('Abacus HARVEST')).toBe(await estimateBits('abacus harvest'));
  });

  test('is of a password of 1 to 256 characters, and bounded in time for any', async () => {
    // Without a repeat that would make it cheap.
    const long = Array.from({ length: passwordCharactersMax }, (_, at) => String.fromCodePoint(0x4e00 + at * 7)).join(
      '',
    );
    await requireStrong(long);
    await expect(requireStrong(`${long}x`)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    await expect(requireStrong('  ')).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    expect(await estimateBits('x'.repeat(100_000))).toBeLessThan(ownPasswordBitsMin);
  });
});
