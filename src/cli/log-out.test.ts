// What logging the last device out costs, and what to do before; and what to do with one that is logged out.
import { expect, it } from 'vitest';
import { ClientError } from '#client/errors.ts';
import { lossSentence, withNextStep } from './log-out.ts';

it('tells a wait from what no wait mends', () => {
  expect(lossSentence('everything', {}, 'luxchat')).toMatch(/not secured.*Run luxchat secure first/);
  expect(lossSentence('newest', {}, 'luxchat')).toMatch(/not secured yet\. Wait a moment/);
  expect(lossSentence('newest', { full: true }, 'luxchat')).toMatch(/full.*Run luxchat keys export FILE first/);
});

// One long text for everybody: whoever had erased the account was told to log in.
it('says what to do next on a logged-out device, by why it is', () => {
  const next = (more: object) =>
    (withNextStep(new ClientError('LOGIN_NEEDED', 'Out.', more), { call: 'luxchat' }) as ClientError).message;
  expect(next({})).toBe('Out. To go on: luxchat log-out, then luxchat login.');
  expect(next({ closed: 'deactivated' })).toBe('Out. To switch it on again: luxchat log-out, then luxchat login.');
  expect(next({ closed: 'erased' })).toBe('Out. luxchat log-out removes what is left here.');
  const other = new ClientError('OFFLINE', 'nobody there');
  expect(withNextStep(other, { call: 'luxchat' })).toBe(other);
});
