// Whether a login was fresh, by what the token says, at every edge.
import { expect, it } from 'vitest';
import { defaultAuthLimits } from '../limits.ts';
import { freshLoginParameters, freshnessFault } from './fresh-login.ts';

const nowMs = 1_700_000_000_000;
const seconds = nowMs / 1000;
const maxMs = defaultAuthLimits.freshLoginMs;
const fault = (claims: Record<string, unknown>, acr = '') => freshnessFault(claims, { maxMs, acr, nowMs });

it('asks for a login now, and for one with a code where LuxID has a name for that', () => {
  expect(freshLoginParameters({ maxMs, acr: '' })).toEqual({ max_age: '0' });
  expect(freshLoginParameters({ maxMs, acr: 'sms' })).toEqual({ max_age: '0', acr_values: 'sms' });
});

it('takes a login of the last five minutes', () => {
  for (const age of [0, 1, 299, 300, -1, -300]) expect(fault({ auth_time: seconds - age })).toBeNull();
  for (const age of [301, 3_600, -301]) expect(fault({ auth_time: seconds - age })).toBe('stale');
});

it.each([undefined, null, '', String(seconds), Number.NaN, Number.POSITIVE_INFINITY, nowMs, {}])(
  'takes no login that says %j of its time',
  (auth_time) => {
    expect(fault({ auth_time })).toBe('stale');
  },
);

it('takes a login with a code only, where that has a name', () => {
  const auth_time = seconds;
  expect(fault({ auth_time, acr: 'sms' }, 'sms')).toBeNull();
  expect(fault({ auth_time, acr: 'app' }, 'sms  app')).toBeNull();
  for (const acr of [undefined, '', 'pwd', 'sms app', ['sms'], 0])
    expect(fault({ auth_time, acr }, 'sms app')).toBe('weak');
});
