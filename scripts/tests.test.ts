// Every test that is written down is run: none is skipped, left for later or run alone. So a list that names a test names one that runs.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { sourceFiles } from './imports.ts';

const root = new URL('..', import.meta.url).pathname;

/** How the test runner is told to leave a test out: in a chain, as an option, or from within. */
const ways = ['skip', 'only', 'todo', 'skipIf', 'runIf', 'fails'].join('|');
const leftOut = new RegExp(
  `\\b(?:it|test|describe)(?:\\.\\w+)*\\.(?:${ways})\\b|\\bx(?:it|test|describe)\\(|[{,]\\s*(?:${ways}): true|[^\\w.](?:\\w+\\.)?skip\\(`,
);

it('no test is skipped, left for later, or run alone', () => {
  const files = sourceFiles(root, ['proto', 'actors', 'src', 'bench', 'scripts', 'deploy']);
  const tests = files.filter((file) => /\.(?:test|contract)\.ts$|\/(?:test|testing|contract)\//.test(file));
  expect(tests.length).toBeGreaterThan(100);
  const found = tests.flatMap((file) => {
    const lines = readFileSync(`${root}/${file}`, 'utf8').split('\n');
    return lines.flatMap((line, at) => (leftOut.test(line) ? [`${file}:${at + 1}`] : []));
  });
  expect(found).toEqual([]);
});

it.each(['it', 'describe', 'test.concurrent'])('%s is noticed', (word) => {
  for (const way of ways.split('|')) {
    expect(`${word}.${way}('x', () => {});`).toMatch(leftOut);
    expect(`${word}('x', { timeout: 1, ${way}: true }, () => {});`).toMatch(leftOut);
  }
  expect(`${word}('says only what it is asked to', () => {});`).not.toMatch(leftOut);
});

it('every suite of real processes stands in the manual of its folder', () => {
  const manual = readFileSync(`${root}/src/server/test/README.md`, 'utf8');
  const suites = sourceFiles(root, ['src/server/test']).filter((file) => file.endsWith('.test.ts'));
  const names = suites.map((file) => file.replace('src/server/test/', '').replace('.test.ts', ''));
  expect(names.length).toBeGreaterThan(20);
  const told = (name: string) =>
    manual.includes(`\`${name}\``) || manual.includes(`\`${name.replace('.cassandra', '')}\``);
  expect(names.filter((name) => !told(name) && !manual.includes(`\`${name.split('/')[0]}/\``))).toEqual([]);
});
