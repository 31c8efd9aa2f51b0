// The words that backup passwords are made of: five lists, one a language, loaded when they are needed.
// Guarantees: each has exactly 7,776 different words of the letters a to z. Where they come from: `words/README.md`.

/** Languages of people here; also those of the word lists. */
export const languages = ['lb', 'fr', 'de', 'en', 'pt'] as const;

/** One of the languages. */
export type Language = (typeof languages)[number];

/** Words in a list. */
export const wordsPerList = 7_776;

const packed: Readonly<Record<Language, () => Promise<{ default: string }>>> = {
  lb: () => import('./words/lb.ts'),
  fr: () => import('./words/fr.ts'),
  de: () => import('./words/de.ts'),
  en: () => import('./words/en.ts'),
  pt: () => import('./words/pt.ts'),
};

/** The words of a language, in alphabetical order. */
export async function wordList(language: Language): Promise<readonly string[]> {
  return unpack((await packed[language]()).default);
}

// Each word: how many letters it shares with the one before, as a digit, then its other letters.
function unpack(text: string): string[] {
  const words: string[] = [];
  let before = '';
  for (const [, shared, rest = ''] of text.replaceAll('\n', '').matchAll(/([0-9])([a-z]*)/g)) {
    before = before.slice(0, Number(shared)) + rest;
    words.push(before);
  }
  return words;
}
