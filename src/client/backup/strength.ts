// How many guesses a password of a person's own would stand: an estimate that errs on the low side. The provider keeps the sealed header and can
// guess as long as it likes, so what is worth less than 2^60 is refused; at 2^60 of Argon2id no budget on earth suffices.
//
// A guesser writes the password as pieces, each the cheapest there is: a word of our lists, something that people type (`patterns.ts`), a word with
// digits for letters, or single letters as they follow each other in five languages (`letters.ts`). The estimate is the cheapest way to write it.
//
// Limits. A quotation, a line of a song, a name with a street: the words are counted as if drawn apart, which a guesser who knows the song does better.
// What is known of this one person (children, dogs) is not known here. Words of other languages count by their letters. So it is for those who
// insist; a generated password needs no estimate and is what the app offers first.
import { ClientError } from '../errors.ts';
import { type LetterModel, letterModel } from './letters.ts';
import { isPasswordLength, normalizePassword } from './password.ts';
import { patternsAt } from './patterns.ts';
import { languages, wordList } from './words.ts';

/** Least worth of a person's own password, in bits (powers of two of guesses). Less: WEAK_PASSWORD. */
export const ownPasswordBitsMin = 60;

/** Bits of a word that a person chose: as out of the 2,048 that come to mind first. */
const wordBits = 11;
/** Bits for saying that letters of a word were written as digits. */
const disguiseBits = 1;
const separatorBits = 1;
const digitBits = Math.log2(10);
/** Signs and letters of other scripts: people use few of them. */
const signBits = 4;

/** Rejects with WEAK_PASSWORD below 2^60 guesses, with BAD_ARGUMENT for one of no or too many characters. */
export async function requireStrong(password: string): Promise<void> {
  if (!isPasswordLength(normalizePassword(password)))
    throw new ClientError('BAD_ARGUMENT', 'A password has 1 to 256 characters');
  if ((await estimateBits(password)) < ownPasswordBitsMin)
    throw new ClientError('WEAK_PASSWORD', 'This password can be guessed: take the generated one, or more words');
}

/** Estimated guesses of a password, as a power of two. Reads at most 256 characters. Loads the word lists (150 KB) at the first call. */
export async function estimateBits(password: string): Promise<number> {
  return cheapest(plain(normalizePassword(password)).slice(0, 256), await learned());
}

interface Knowledge {
  words: ReadonlySet<string>;
  letters: LetterModel;
}

let knowledge: Promise<Knowledge> | undefined;

function learned(): Promise<Knowledge> {
  knowledge ??= learn().catch((error) => {
    // Lists that could not be loaded are loaded at the next call.
    knowledge = undefined;
    throw error;
  });
  return knowledge;
}

async function learn(): Promise<Knowledge> {
  const lists = await Promise.all(languages.map(wordList));
  return { words: new Set(lists.flat()), letters: letterModel(lists) };
}

// Accents away: they are worth nothing here. Characters outside the basic plane become one unit, so that positions are characters.
function plain(normalized: string): string {
  return normalized
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replaceAll('ß', 'ss')
    .replace(/[\u{10000}-\u{10ffff}]/gu, '\u2606');
}

function cheapest(text: string, known: Knowledge): number {
  const bits = new Float64Array(text.length + 1).fill(Number.POSITIVE_INFINITY);
  bits[0] = 0;
  for (let at = 0; at < text.length; at += 1) {
    const reach = (length: number, more: number) => {
      bits[at + length] = Math.min(bits[at + length] ?? Number.POSITIVE_INFINITY, (bits[at] ?? 0) + more);
    };
    reach(1, characterBits(text, at, known.letters));
    for (const { length, bits: more } of patternsAt(text, at)) reach(length, more);
    for (const { length, disguised } of wordsAt(text, at, known.words))
      reach(length, wordBits + (disguised ? disguiseBits : 0));
  }
  return bits[text.length] ?? 0;
}

function characterBits(text: string, at: number, letters: LetterModel): number {
  const character = text[at] ?? '';
  if (/[a-z]/.test(character))
    return letters(/[a-z]*$/.exec(text.slice(Math.max(0, at - 2), at))?.[0] ?? '', character);
  if (/[0-9]/.test(character)) return digitBits;
  return /[ \-_.,;:/]/.test(character) ? separatorBits : signBits;
}

const disguises: Readonly<Record<string, string>> = {
  0: 'o',
  1: 'i',
  3: 'e',
  4: 'a',
  5: 's',
  7: 't',
  8: 'b',
  '@': 'a',
  $: 's',
  '!': 'i',
  '€': 'e',
};

function wordsAt(text: string, at: number, words: ReadonlySet<string>): { length: number; disguised: boolean }[] {
  const found: { length: number; disguised: boolean }[] = [];
  for (let length = 3; length <= Math.min(9, text.length - at); length += 1) {
    const piece = text.slice(at, at + length);
    const undisguised = piece.replace(/[^a-z]/g, (sign) => disguises[sign] ?? sign);
    if (words.has(undisguised)) found.push({ length, disguised: undisguised !== piece });
  }
  return found;
}
