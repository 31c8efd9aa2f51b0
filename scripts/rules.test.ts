// The rules of the fence are named in the code where the log's manual says that they are kept, so that nobody changes such a line unawares.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const root = new URL('../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

/** What the manual says in words. */
const places: Readonly<Record<string, string>> = {
  'the driver': 'src/server/storage/log-runner.ts',
  'the keeper': 'actors/cluster/keeper.ts',
  'the sweep': 'src/server/storage/sweep.ts',
  '`Log.drop`': 'actors/log/log.ts',
};

const rows = read('actors/log/README.md')
  .split('\n')
  .flatMap((line) => {
    const [, number, kept] = /^\| (\d+) [^|]*\| ([^|]*) \|/.exec(line) ?? [];
    return number === undefined || kept === undefined ? [] : [{ rule: Number(number), kept: kept.split(', ') }];
  });

it('the manual lists all rules', () => {
  expect(rows.map(({ rule }) => rule)).toEqual(Array.from({ length: 15 }, (_, index) => index + 1));
});

it.each(rows)('rule $rule is named where it is kept: $kept', ({ rule, kept }) => {
  const files = kept.flatMap((place) => {
    if (place === 'every store') return [];
    return [places[place] ?? `actors/log/${place.replaceAll('`', '')}`];
  });
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) expect(read(file), file).toMatch(new RegExp(`[Rr]ule ${rule}\\b`));
});
