// Names by which people are found: what may be one, and how it is folded so that accents, case and punctuation do not count. A name and what is searched
// for go through the same function, and the beginning of a name folds to the beginning of what the name folds to; so a prefix stays one.
import { limits } from './limits.ts';

/** Letters that no accent can be taken from. */
const plain: Readonly<Record<string, string>> = {
  ...{ ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', ł: 'l', đ: 'd', ð: 'd', þ: 'th', ħ: 'h', ŧ: 't', ı: 'i', ŋ: 'n' },
  // At the end of a word and inside it.
  ς: 'σ',
  // A letter to Unicode, an apostrophe to people.
  ʼ: ' ',
};
const special = new RegExp(`[${Object.keys(plain).join('')}]`, 'gu');
/** Control, format (invisible, or turning the direction of text), half characters, separators of lines. */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
/** Characters of a folded text that count; compatibility characters may fold to many. */
const foldedMax = 96;
/** Words of a name by which it is found; names with more are found by these. */
const wordsMax = 8;
/** Characters with which a folded text is looked up. */
const beginningLength = 3;

/** A place at which a name is found. */
export interface NamePlace {
  /** Not at its first word. */
  readonly later: boolean;
  /** The folded name from that word on, then the words before it: so `juncker jean` finds Jean Juncker. */
  readonly text: string;
}

/** Words of letters and digits without accents, in lower case, with one space between. */
export function foldName(text: string): string {
  const bare = text.normalize('NFKD').toLowerCase().normalize('NFKD').replace(/\p{M}/gu, '');
  const words = bare.replace(special, (letter) => plain[letter]!).replace(/[^\p{L}\p{N}]+/gu, ' ');
  return cut(words.trim());
}

/** May somebody be found by it? */
export function isListingName(name: string): boolean {
  const length = [...name].length;
  if (length < 1 || length > limits.listingNameCharactersMax || unseen.test(name) || name !== name.trim()) return false;
  return hasLetters(foldName(name));
}

/** May one search for it? */
export function isSearchText(text: string): boolean {
  return [...text].length <= limits.searchCharactersMax && hasLetters(foldName(text));
}

/** Where a name is found, the first word's place first. */
export function namePlaces(name: string): readonly NamePlace[] {
  const words = foldName(name).split(' ');
  const texts = words.slice(0, wordsMax).map((_, at) => cut([...words.slice(at), ...words.slice(0, at)].join(' ')));
  return [...new Set(texts)].map((text, at) => ({ later: at > 0, text }));
}

/** Under what a folded text, or one that begins with it, is looked up. */
export function beginningOf(folded: string): string {
  return [...folded].slice(0, beginningLength).join('');
}

function hasLetters(folded: string): boolean {
  return [...folded.replaceAll(' ', '')].length >= limits.listingLettersLeast;
}

function cut(text: string): string {
  return text.length <= foldedMax ? text : [...text].slice(0, foldedMax).join('').trimEnd();
}
