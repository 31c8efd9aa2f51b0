// What the server refused, in words: no code of the protocol reaches whoever reads it.
import { expect, it } from 'vitest';
import { ClientError, rejectionName } from '#client/errors.ts';
import { Disconnect, Rejection } from '#proto/gen/codes.ts';
import { createOutput } from './output.ts';
import { plainMessage, refusalWords } from './refusals.ts';

const refused = (rejection: Rejection, retryAfterMs = 0) =>
  new ClientError('REJECTED', `The server refused: ${rejectionName(rejection)}.`, { rejection, retryAfterMs });

it('has words for whatever a server may answer, one of a later version included', () => {
  for (const rejection of Object.values(Rejection)) expect(plainMessage(refused(rejection))).not.toMatch(/[A-Z]{2,}/);
  expect(plainMessage(refused(77 as Rejection))).not.toMatch(/[A-Z]{2,}/);
  expect(refusalWords('NOT_MEMBER')).toContain('not in this room any more');
  const disconnect = Disconnect.DISCONNECT_FLOODING;
  const ended = new ClientError('DISCONNECTED', 'The server ended the session: FLOODING.', { disconnect });
  expect(plainMessage(ended)).not.toContain('FLOODING');
});

it('says how long to wait', () => {
  const limited = (ms: number) => plainMessage(refused(Rejection.REJECTION_RATE_LIMITED, ms));
  expect(limited(0)).toMatch(/too often\.$/);
  expect(limited(45_000)).toMatch(/too often\. Try again in 45 seconds\.$/);
  expect(limited(40 * 60_000)).toMatch(/in 40 minutes\.$/);
  expect(limited(5 * 3_600_000)).toMatch(/in 5 hours\.$/);
});

// Each error ended with a code in brackets, with which nobody could do anything.
it('leaves codes to --json', () => {
  const said = (json: boolean) => {
    const lines: string[] = [];
    const console = { log: () => {}, error: (line: string) => void lines.push(line) };
    createOutput(json, console).fail(new ClientError('UNTRUSTED', 'Not sent.'));
    return lines.join('\n');
  };
  expect(said(false)).toBe('Not sent.');
  expect(JSON.parse(said(true))).toEqual({ type: 'error', code: 'UNTRUSTED', message: 'Not sent.' });
});
