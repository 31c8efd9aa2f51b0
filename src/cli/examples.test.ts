// Whatever a newcomer copies out of a manual works with the people that the stand-in LuxID of `npm start` has.
import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { defaultUsers } from '../luxid/people.ts';
import { helpText } from './help.ts';

const root = new URL('../../', import.meta.url).pathname;

// The story logged in as ann and ben, whom the stand-in sends away.
it('logs in as people that there are', () => {
  const manuals = ['README.md', ...globSync('{proto,actors,src,bench,deploy}/**/README.md', { cwd: root })];
  const texts = [helpText('luxchat'), ...manuals.map((name) => readFileSync(`${root}${name}`, 'utf8'))];
  const named = texts.flatMap((text) => Array.from(text.matchAll(/--user ([a-z]+)\b/g), ([, user = '']) => user));
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((user) => !defaultUsers.includes(user))).toEqual([]);
});
