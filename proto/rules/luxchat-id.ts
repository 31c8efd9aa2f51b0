// What a Luxchat-ID is to people: how it is read and typed, and the check character that tells a typo.
//
// The check character of a Luxchat-ID: ten random characters and one that depends on them all, in Crockford's base 32 (no i, l, o, u).
// It detects every single wrong character and every swap of any two, adjacent or not. It says nothing about whether the id exists.
//
// Each character is an element of the field GF(2^5) = GF(2)[x]/(x^5 + x^2 + 1); the id is good where the sum of character times its weight is
// zero, the weights being x^10 … x^0. All weights differ (x has order 31) and none is zero, so a wrong character d' instead of d changes the sum
// by weight * (d - d') and a swap of d and e by (weight - weight') * (d - e): products of non-zero elements of a field, never zero.

import { isProvider, isUserId } from './ids.ts';

/** Crockford's alphabet in lower case; a character's place is its value. */
export const idLetters = '0123456789abcdefghjkmnpqrstvwxyz';
/** Characters of the name: ten random ones and the check character. */
export const idNameLength = 11;

/** The check character for ten characters of the alphabet. Throws a RangeError for anything else (a bug of the caller). */
export function idCheckCharacter(random: string): string {
  const sum = random.length === idNameLength - 1 ? weightedSum(random) : null;
  if (sum === null) throw new RangeError('a check character is made for ten characters of the alphabet');
  // The check character's own weight is x^0 = 1 and subtracting is adding here.
  return idLetters[timesX(sum)] as string;
}

/** Is this the name (without `@` and provider) of a random Luxchat-ID, with the right check character? */
export function isLuxchatIdName(name: string): boolean {
  return name.length === idNameLength && weightedSum(name) === 0;
}

/**
 * What a person typed or read aloud, as the id's name: groups joined, upper case lowered, `o` read as 0, `i` and `l` as 1. Null where it is no
 * such name or its check character is wrong.
 */
export function readLuxchatIdName(typed: string): string | null {
  const name = typed.toLowerCase().replace(/[\s-]/g, '').replace(/o/g, '0').replace(/[il]/g, '1');
  return isLuxchatIdName(name) ? name : null;
}

/**
 * What a person typed, as a user id: in groups or not, with or without `@`, of `ownProvider` where none is named. `typo`: it is meant as one and is none, or its
 * check character is wrong. Null: it is no id but a name, or whatever else. Ids that were picked, not drawn, carry no check character, so none has 10 to 12
 * letters and digits: these are drawn ones, mistyped.
 */
export function readLuxchatId(typed: string, ownProvider: string): string | 'typo' | null {
  const text = typed.trim().toLowerCase();
  const [, name = '', , provider = ownProvider] = /^@?([^@:]*)(:(.*))?$/.exec(text) ?? [];
  const drawn = readLuxchatIdName(name);
  const isMeant = text.startsWith('@') || text.includes(':');
  if (drawn !== null) return isProvider(provider.trim()) ? `@${drawn}:${provider.trim()}` : 'typo';
  if (!isMeant) return null;
  const isDrawn = /^[a-z0-9]{10,12}$/.test(name.replace(/[\s-]/g, ''));
  const picked = `@${name}:${provider}`;
  return !isDrawn && isUserId(picked) ? picked : 'typo';
}

/** An id as people read it, in groups: `@k3m9 x7qp 2ta:provider`. Picked ids and anything else stay as they are. */
export function luxchatIdInGroups(userId: string): string {
  const [, name = '', provider = ''] = /^@([^:]*):(.*)$/.exec(userId) ?? [];
  if (!isLuxchatIdName(name)) return userId;
  return `@${name.slice(0, 4)} ${name.slice(4, 8)} ${name.slice(8)}:${provider}`;
}

// Horner's rule: after the last character the sum is that of character times x^(how many follow).
function weightedSum(text: string): number | null {
  let sum = 0;
  for (const letter of text) {
    const value = idLetters.indexOf(letter);
    if (value < 0) return null;
    sum = timesX(sum) ^ value;
  }
  return sum;
}

function timesX(value: number): number {
  const doubled = value << 1;
  return doubled & 0b100000 ? doubled ^ 0b100101 : doubled;
}
