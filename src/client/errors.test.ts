import { expect, it } from 'vitest';
import { ClientError, type ClientErrorCode, countLater, unlessBug } from './errors.ts';

it('a failure with a code may be gone on without, a bug never', async () => {
  const offline = new ClientError('OFFLINE', 'There is no connection.');
  expect(unlessBug(offline)).toBe(offline);
  for (const bug of [new TypeError('x is not a function'), new Error('assertion failed'), 'thrown text'])
    await expect(Promise.reject(bug).catch(unlessBug)).rejects.toBe(bug);
});

it('what is done again later is counted by its code, but for what no waiting mends', () => {
  const counted: string[] = [];
  const failing = (code: ClientErrorCode) => new ClientError(code, 'no');
  for (const code of ['OFFLINE', 'REJECTED', 'CLOSED'] as const)
    countLater((name) => counted.push(name), failing(code));
  expect(counted).toEqual(['later.OFFLINE', 'later.REJECTED', 'later.CLOSED']);
  for (const error of [failing('STORE'), new TypeError('x is not a function')])
    expect(() => countLater((name) => counted.push(name), error)).toThrow(error);
  expect(counted).toHaveLength(3);
});
