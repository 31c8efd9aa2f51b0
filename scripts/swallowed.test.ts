// A failure that is dropped hides the next bug. Where dropping it is right the reason stands beside it, as a comment; everywhere else it is told, counted or thrown on.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { sourceFiles } from './imports.ts';

const root = new URL('..', import.meta.url).pathname;

/** What drops a failure without a look at it. */
const drops =
  /\.catch\(\(\) =>|\bcatch \{|\.then\(.*, \(\) =>|\.on\('error', \(\) => \{\}|^\s*await Promise\.allSettled/;
const comment = /^\s*(?:\/\/|\/\*\*|\*)|[;,{)] \/\/ /;

/** Numbers of the lines that drop a failure and have no comment on them, right above or right below. */
function dropping(text: string): number[] {
  const lines = text.split('\n');
  const isTold = (at: number) => lines.slice(Math.max(0, at - 1), at + 2).some((line) => comment.test(line));
  return lines.flatMap((line, at) => (drops.test(line) && !isTold(at) ? [at + 1] : []));
}

it('no failure is dropped without a reason beside it', () => {
  const isTest = (file: string) => /\.(?:test|contract)\.ts$|\/(?:test|testing|contract)\//.test(file);
  const files = sourceFiles(root, ['proto', 'actors', 'src', 'bench', 'deploy']).filter((file) => !isTest(file));
  expect(files.length).toBeGreaterThan(100);
  const found = files.flatMap((file) =>
    dropping(readFileSync(`${root}/${file}`, 'utf8')).map((line) => `${file}:${line}`),
  );
  expect(found).toEqual([]);
});

it.each([
  'await client.flushed().catch(() => {});',
  'const found = await ask().catch(() => undefined);',
  '  } catch {',
  'asked.then(reply, () => reply(unknown));',
  "server.on('error', () => {});",
  '  await Promise.allSettled(asked);',
])('%s is noticed, and not where a reason stands beside it', (line) => {
  expect(dropping(`before();\n${line}\nafter();`)).toEqual([2]);
  expect(dropping(`before(); // The one before.\nmore();\n${line}`)).toEqual([3]);
  for (const told of [`// Why.\n${line}`, `${line}\n  // Why.`, `${line} // Why.`]) expect(dropping(told)).toEqual([]);
});

it.each([
  'await client.flushed().catch(unlessBug);',
  '  } catch (error) {',
  'for (const result of await Promise.allSettled(asked)) if (isBad(result)) throw result.reason;',
])('%s is none', (line) => {
  expect(dropping(line)).toEqual([]);
});
