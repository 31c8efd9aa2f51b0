import { expect, it } from 'vitest';
import { bytesOf, testPrimitives } from '../../golden/cast.ts';
import { identityNumber } from './number.ts';

const key = bytesOf('identity', 32);

it('is the same for everyone, and another for another person or key', () => {
  const number = identityNumber('@ada:alpha.lu', key, testPrimitives);
  expect(number).toBe('45456 07835 52463 48037 96060 25221 62347 05034');
  expect(number).toMatch(/^(\d{5} ){7}\d{5}$/);
  expect(identityNumber('@adb:alpha.lu', key, testPrimitives)).not.toBe(number);
  expect(identityNumber('@ada:alpha.lu', bytesOf('other', 32), testPrimitives)).not.toBe(number);
});
