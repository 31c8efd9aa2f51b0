// What people type when they need a password: what any guesser tries first. Found at one place of a text, each with its worth in bits.
// Guarantees: finds all kinds listed here. Does not: know every habit; see the limits in `strength.ts`.

/** A stretch of text from where it was looked for, and what it is worth at most. */
export interface Pattern {
  readonly length: number;
  readonly bits: number;
}

/** Bits of a run along the alphabet, the digits or the keys, before its length. */
const runBits = 4;
/** Bits of one of the common passwords. */
const commonBits = 7;
/** 100 years of 366 days. */
const dateBits = Math.log2(36_600);
/** A year alone: most are of one's own life. */
const yearBits = 7;

// Along the rows and columns of the keyboards that are sold here, in both directions.
const rows = [
  '1234567890',
  'qwertzuiop',
  'qwertyuiop',
  'azertyuiop',
  'asdfghjkl',
  'qsdfghjklm',
  'yxcvbnm',
  'zxcvbnm',
  'wxcvbn',
  '1qay2wsx3edc4rfv5tgb6zhn7ujm',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm',
  '1aqw2zsx3edc4rfv5tgb6yhn7uj',
  '789456123',
  '147258369',
].flatMap((row) => [row, [...row].reverse().join('')]);

const common = new Set(
  `password passwort passwuert motdepasse mot de passe senha palavrapasse letmein iloveyou ichliebedich jetaime teamo welcome willkommen wellkomm
   bienvenue bemvindo admin administrator login master dragon monkey football fussball benfica sporting porto football bonjour moien hallo hello
   princess sunshine shadow superman batman starwars pokemon minecraft freedom whatever trustno1 qwerty qwertz azerty passw0rd secret geheim
   luxembourg letzebuerg luxemburg luxchat luxid lux esch roudeleiw backup computer internet iphone samsung
   correct horse battery staple correcthorsebatterystaple chouchou loulou doudou soleil schatz schatzi hase mausi amor princesa familia`
    .split(/\s+/)
    .filter((word) => word !== ''),
);

const dates = [
  /^(?:0?[1-9]|[12][0-9]|3[01])([./ -]?)(?:0?[1-9]|1[0-2])\1(?:(?:19|20)[0-9]{2}|[0-9]{2})/,
  /^(?:0?[1-9]|1[0-2])([./ -]?)(?:0?[1-9]|[12][0-9]|3[01])\1(?:(?:19|20)[0-9]{2}|[0-9]{2})/,
  /^(?:19|20)[0-9]{2}([./ -]?)(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12][0-9]|3[01])/,
];

/** Common passwords are at most so long, in characters. */
const commonCharactersMax = 25;

/** All patterns that begin at `at`. `text` is normalised and without accents. */
export function patternsAt(text: string, at: number): Pattern[] {
  const rest = text.slice(at);
  return [...datesIn(rest), ...commonIn(rest), ...runsIn(rest), ...repeatsIn(text, at)];
}

function datesIn(rest: string): Pattern[] {
  const found = dates.flatMap((form) => form.exec(rest)?.[0].length ?? []);
  const patterns = found.map((length) => ({ length, bits: dateBits }));
  return /^(?:19|20)[0-9]{2}/.test(rest) ? [...patterns, { length: 4, bits: yearBits }] : patterns;
}

function commonIn(rest: string): Pattern[] {
  const patterns: Pattern[] = [];
  for (let length = 3; length <= Math.min(rest.length, commonCharactersMax); length += 1) {
    if (common.has(rest.slice(0, length))) patterns.push({ length, bits: commonBits });
  }
  return patterns;
}

function runsIn(rest: string): Pattern[] {
  const lengths = [stepRun(rest, 1), stepRun(rest, -1), stepRun(rest, 0), keyRun(rest)];
  return lengths.filter((length) => length >= 3).map((length) => ({ length, bits: runBits + Math.log2(length) }));
}

function stepRun(rest: string, step: number): number {
  let length = 1;
  while (length < rest.length && rest.charCodeAt(length) - rest.charCodeAt(length - 1) === step) length += 1;
  return length;
}

function keyRun(rest: string): number {
  let length = 2;
  while (length < rest.length && rows.some((row) => row.includes(rest.slice(0, length + 1)))) length += 1;
  return length;
}

// What stood before already, forwards or backwards: a guesser says from where and how long.
function repeatsIn(text: string, at: number): Pattern[] {
  const before = text.slice(0, at);
  const backwards = [...before].reverse().join('');
  const patterns: Pattern[] = [];
  for (let length = 3; length <= Math.min(at, text.length - at); length += 1) {
    const again = text.slice(at, at + length);
    if (!before.includes(again) && !backwards.includes(again)) break;
    patterns.push({ length, bits: 1 + Math.log2(at) + Math.log2(length) });
  }
  return patterns;
}
