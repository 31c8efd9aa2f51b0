// The command that somebody may have meant.

/** The word among these that is nearest to what was typed: one that it begins with, as in `devices-remove`, or one that a slip or two away is it. */
export function nearest(typed: string, words: readonly string[]): string | undefined {
  const near = words
    .map((word) => ({ word, slips: slipsBetween(typed, word) }))
    .sort((one, other) => one.slips - other.slips);
  const [best] = near;
  if (best && best.slips <= (typed.length > 4 ? 2 : 1)) return best.word;
  return words.find((word) => typed.startsWith(`${word}-`));
}

/** How many letters have to be put in, taken out or changed, or stand the other way round. */
function slipsBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  let above = row;
  for (const [i, letter] of [...one].entries()) {
    const next = [i + 1];
    for (const [j, wanted] of [...other].entries()) {
      const isSwapped = i > 0 && j > 0 && letter === other[j - 1] && one[i - 1] === wanted;
      const swap = isSwapped ? (above[j - 1] ?? 0) + 1 : Number.POSITIVE_INFINITY;
      const change = (row[j] ?? 0) + (letter === wanted ? 0 : 1);
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1, swap));
    }
    above = row;
    row = next;
  }
  return row[other.length] ?? 0;
}
