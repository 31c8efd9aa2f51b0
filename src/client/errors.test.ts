import { expect, it } from 'vitest';
import { ClientError, unlessBug } from './errors.ts';

it('a failure with a code may be gone on without, a bug never', async () => {
  const offline = new ClientError('OFFLINE', 'There is no connection.');
  expect(unlessBug(offline)).toBe(offline);
  for (const bug of [new TypeError('x is not a function'), new Error('assertion failed'), 'thrown text'])
    await expect(Promise.reject(bug).catch(unlessBug)).rejects.toBe(bug);
});
