// Manuals that say what shows a thing name files that are there, and tests: the promises to the public by their numbers, and what who tries against the SDK.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = new URL('..', import.meta.url).pathname;

/** Rows of a manual's tables below a heading, up to the next one, as their cells. */
function tableRows(manual: string, heading: string): string[][] {
  const text = readFileSync(`${root}/${manual}`, 'utf8');
  const section = text.slice(text.indexOf(`\n${heading}\n`) + 1).split(/\n## /)[0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| '));
  const cells = rows.map((line) => line.split('|').slice(1, -1));
  return cells.map((row) => row.map((cell) => cell.trim())).filter((row) => row.at(-1) !== 'shown by');
}

/** Files that a cell names, below the folder of its manual or from the root; with `*` or braces each that fits. */
function filesIn(cell: string, folder: string): string[] {
  const names = [...cell.matchAll(/`([\w./*{},-]+\.(?:ts|proto))`/g)].flatMap(([, name = '']) => spelledOut(name));
  return names.flatMap((name) => {
    const found = [`${folder}/${name}`, name].flatMap(there);
    return found.length > 0 ? found : [`${name} is nowhere`];
  });
}

function spelledOut(name: string): string[] {
  const [, before, choices, after] = /^(.*)\{(.*)\}(.*)$/.exec(name) ?? [];
  return choices === undefined ? [name] : choices.split(',').map((choice) => `${before}${choice}${after}`);
}

function there(path: string): string[] {
  if (!path.includes('*')) return existsSync(`${root}/${path}`) ? [path] : [];
  const ending = path.slice(path.indexOf('*') + 1);
  if (!existsSync(`${root}/${dirname(path)}`)) return [];
  return readdirSync(`${root}/${dirname(path)}`).filter((name) => name.endsWith(ending));
}

const missing = (files: readonly string[]) => files.filter((file) => file.endsWith(' is nowhere'));
const hasTest = (files: readonly string[]) => files.some((file) => file.endsWith('.test.ts'));

describe('a promise to the public', () => {
  const rows = tableRows('src/server/test/README.md', '## What people are promised');

  it('stands there under its number, each once', () => {
    const numbers = rows.flatMap(([cell = '']) =>
      cell.split(', ').flatMap((part) => {
        const [first = 0, last = first] = [...part.matchAll(/S(\d+)/g)].map(([, number]) => Number(number));
        return Array.from({ length: last - first + 1 }, (_, index) => first + index);
      }),
    );
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 61 }, (_, index) => index + 1));
  });

  it.each(rows)('%s (%s) is shown by tests that are there, or said not to be', (_numbers, _promised, shown) => {
    const files = filesIn(shown, 'src/server/test');
    expect(missing(files)).toEqual([]);
    expect([hasTest(files), /\bnot (?:yet|by code)\b/.test(shown)]).toContain(true);
  });
});

describe('what somebody tries against the SDK', () => {
  const rows = tableRows('src/client/README.md', '## Threats');
  const [liar, rest] = ['src/server/test/liar.test.ts', 'attack by attack below'];

  it('is many things', () => {
    expect(rows.length).toBeGreaterThan(60);
    expect(existsSync(`${root}/${liar}`)).toBe(true);
  });

  it.each(rows.map((row) => [row[0] ?? '', row.at(-1) ?? '']))(
    '%s: names tests that are there, or why none',
    (_who, shown) => {
      const files = filesIn(shown, 'src/client');
      expect(missing(files)).toEqual([]);
      const isTold = /^not shown: .{20}/.test(shown) || shown === rest || /^liar\b/.test(shown);
      expect([hasTest(files), isTold]).toContain(true);
    },
  );
});
