// What logging the last device out costs, and what to do before.
import { expect, it } from 'vitest';
import { lossSentence } from './log-out.ts';

it('tells a wait from what no wait mends', () => {
  expect(lossSentence('everything', {}, 'luxchat')).toMatch(/not secured.*Run luxchat secure first/);
  expect(lossSentence('newest', {}, 'luxchat')).toMatch(/not secured yet\. Wait a moment/);
  expect(lossSentence('newest', { full: true }, 'luxchat')).toMatch(/full.*Run luxchat keys export FILE first/);
});
