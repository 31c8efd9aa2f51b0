// How likely one letter follows two others, in the five languages: what a guesser of pronounceable passwords knows.
// Guarantees: never more than an even draw of 26 letters would be worth. Does not: know words (`strength.ts` does).

/** Bits that a letter is worth after those before it. `context`: the letters of the word so far. */
export type LetterModel = (context: string, letter: string) => number;

const size = 27;
const evenBits = Math.log2(26);

/** Learns from word lists; for each letter the language counts that makes it cheapest. */
export function letterModel(lists: readonly (readonly string[])[]): LetterModel {
  const models = lists.map(learn);
  return (context, letter) => {
    const [first, second] = [codeOf(context.at(-2)), codeOf(context.at(-1))];
    const at = (first * size + second) * size;
    const bits = models.map((counts) => {
      const all = counts.subarray(at, at + size).reduce((sum, count) => sum + count, 0);
      return Math.log2((all + size / 2) / ((counts[at + codeOf(letter)] ?? 0) + 0.5));
    });
    return Math.min(evenBits, ...bits);
  };
}

function learn(words: readonly string[]): Uint32Array {
  const counts = new Uint32Array(size ** 3);
  for (const word of words) {
    for (let at = 0; at < word.length; at += 1) {
      const place = (codeOf(word[at - 2]) * size + codeOf(word[at - 1])) * size + codeOf(word[at]);
      counts[place] = (counts[place] ?? 0) + 1;
    }
  }
  return counts;
}

// 0: the beginning of a word.
function codeOf(letter: string | undefined): number {
  const code = (letter ?? '').charCodeAt(0) - 96;
  return code >= 1 && code <= 26 ? code : 0;
}
