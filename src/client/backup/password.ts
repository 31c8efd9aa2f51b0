// Backup passwords: made of random words unless a person insists on one of their own, and written in one way.
// Guarantees: a generated one is drawn evenly out of 7776^6 = 2^77.5; the same words open the backup from any keyboard, whatever it does to capitals,
// spaces, quotes and accents of different make. Does not: judge a person's own password (`strength.ts`), derive anything (`header.ts`).
import { type Language, wordList, wordsPerList } from './words.ts';

/** Words in a generated password. */
export const passwordWords = 6;

/** Longest password, in characters (code points) once it is normalised; a longer one is refused when it is set, and opens nothing. */
export const passwordCharactersMax = 256;

/** A new password: six words in the person's language, with spaces between. */
export async function generatePassword(language: Language): Promise<string> {
  const words = await wordList(language);
  return drawn(passwordWords, wordsPerList)
    .map((at) => words[at])
    .join(' ');
}

/** A password in the one form that keys are derived of:
 * - compatibility forms and accents composed (NFKC), so that `é` typed as one key or two is the same;
 * - lower case: phones write the first letter large, and a generated password has no capitals that could be lost. Of a person's own it costs at most one
 *   bit a letter, and the estimate of its strength does not count that bit;
 * - typographic quotes and dashes as the plain ones, which phones replace unasked; invisible characters left out;
 * - white space trimmed, and one space wherever there is some. */
export function normalizePassword(password: string): string {
  return password
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFKC')
    .replace(/[\u2018\u2019\u201a\u2032]/g, "'")
    .replace(/[\u201c\u201d\u201e\u2033]/g, '"')
    .replace(/[\u2010-\u2015\u2212]/g, '-')
    .replace(/\p{Cf}/gu, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** Is a normalised password of a length that can be one? */
export function isPasswordLength(normalized: string): boolean {
  const characters = [...normalized].length;
  return characters >= 1 && characters <= passwordCharactersMax;
}

/** `count` numbers below `bound` (at most 65,536), each equally likely: draws at or above the greatest multiple of `bound` are thrown away. `fill` is
 * for tests. */
export function drawn(
  count: number,
  bound: number,
  fill: (into: Uint16Array<ArrayBuffer>) => void = (into) => void crypto.getRandomValues(into),
): number[] {
  const fair = Math.floor(65_536 / bound) * bound;
  const numbers: number[] = [];
  const draw = new Uint16Array(count);
  while (numbers.length < count) {
    fill(draw);
    for (const value of draw) if (value < fair && numbers.length < count) numbers.push(value % bound);
  }
  draw.fill(0);
  return numbers;
}
