import { errors, types } from 'cassandra-driver';
import { expect, it } from 'vitest';
import { failureKind } from './failures.ts';

const { responseErrorCodes: codes } = types;
const response = (code: number) => new errors.ResponseError(code, '');
const noHost = (inner: Record<string, Error>) => new errors.NoHostAvailableError(inner, '');

it.each([
  ['silent', new errors.OperationTimedOutError('')],
  ['timeout', response(codes.writeTimeout)],
  ['timeout', response(codes.readTimeout)],
  ['failed', response(codes.readFailure)],
  ['unavailable', response(codes.unavailableException)],
  ['unavailable', noHost({})],
  ['overloaded', response(codes.overloaded)],
  ['overloaded', noHost({ '10.0.0.1:9042': new errors.BusyConnectionError('', 1, 1) })],
  ['refused', response(codes.invalid)],
  ['other', response(codes.serverError)],
  ['other', new Error('the connection broke')],
  ['other', undefined],
] as const)('is %s: %s', (kind, cause) => {
  expect(failureKind(cause)).toBe(kind);
});
