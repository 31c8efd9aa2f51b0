// A failure that is dropped hides the next bug. Where dropping it is right the reason stands beside it, as a comment; everywhere else it is told, counted or thrown on.
// This looks at lines by their shape: it does not see what is spread over several of them (the second part of a `then` on a line of its own), what is caught and looked
// at without being told, nor what a function does to which a failure is handed, and it can't judge whether a comment gives a reason.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { sourceFiles } from './imports.ts';

const root = new URL('..', import.meta.url).pathname;

/** What drops a failure without a look at it. */
const drops = [
  // The error has no name, or one that nothing can read.
  /\.catch\((?:async )?\(_?\) =>|\bcatch(?: \(_\w*\))? \{|\.catch\((?:async )?\(?_\w*\)? =>/,
  // It has one, and nothing is done.
  /\.catch\((?:async )?\(?\w+(?:: \w+)?\)? => \{\s*\}\)|\bcatch \(\w+(?:: \w+)?\) \{\s*\}/,
  /\.then\(.*, (?:\(_?\w*\)|_\w*) => \{\s*\}|\.then\(.*, \(\) =>|\.on(?:ce)?\('error', \(\w*\) => \{\s*\}\)/,
  /^\s*await Promise\.allSettled/,
  // Whoever calls this gets the failure as a value, and here nobody takes it.
  /(?:\.catch\(|\.then\(.*, )unlessBug\);/,
];
const asValue = /\b(?:return|const|let)\b| = /;
const comment = /^\s*(?:\/\/|\*\/?|\/\*)/;
const commentBehind = /[;,{})(] \/\/ /;

/** Numbers of the lines that drop a failure and have no comment on them, directly above, or as the first thing within. */
function dropping(text: string): number[] {
  const lines = text.split('\n');
  const isDrop = (line: string) =>
    !comment.test(line) && drops.some((drop, at) => drop.test(line) && (at < 4 || !asValue.test(line)));
  const isTold = (at: number) => {
    const line = lines[at] as string;
    const within = /\{\s*$/.test(line) && /(?:^\s*|;) ?\/\//.test(lines[at + 1] ?? '');
    return commentBehind.test(line) || within || comment.test(lines[at - 1] ?? '');
  };
  return lines.flatMap((line, at) => (isDrop(line) && !isTold(at) ? [at + 1] : []));
}

it('by the shape of its lines no failure is dropped without a reason beside it', () => {
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
  'await ask().catch((error) => {});',
  'await ask().catch((_) => undefined);',
  'await client.flushed().catch(unlessBug);',
  'await command.run(session).then(() => done(), unlessBug);',
  '  } catch {',
  '  } catch (_) {',
  '  } catch (error) {}',
  'asked.then(reply, () => reply(unknown));',
  "server.on('error', () => {});",
  '  await Promise.allSettled(asked);',
])('%s is noticed, and not where a reason stands beside it', (line) => {
  expect(dropping(`before();\n${line}\nafter();`)).toEqual([2]);
  expect(dropping(`before(); // The one before.\nmore();\n${line}`)).toEqual([3]);
  expect(dropping(`${line}\n\n/** Of the next one. */\nfunction next() {}`)).toEqual([1]);
  const within = line.endsWith('{') ? [`${line}\n  // Why.`, `${line}\n  return undefined; // Why.`] : [];
  for (const told of [`// Why.\n${line}`, `${line} // Why.`, ...within]) expect(dropping(told)).toEqual([]);
});

it.each([
  'const failure = await client.flushed().catch(unlessBug);',
  '  } catch (error) {',
  'await ask().catch((error) => tell(error));',
  'for (const result of await Promise.allSettled(asked)) if (isBad(result)) throw result.reason;',
])('%s is none', (line) => {
  expect(dropping(line)).toEqual([]);
});
