// Codes in step: what the contract lists, the SDK handles; what the SDK lists, its README explains.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Disconnect, Rejection } from '#proto/gen/codes.ts';
import { alarmCodes, troubleCauses } from './alarms.ts';
import { clientErrorCodes, disconnectReturn, isRetryable, mayReturn, rejectionHandling } from './errors.ts';

const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8');

/** First cells of the table that stands below a heading. */
function cells(heading: string): string[] {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return Array.from(section.matchAll(/^\| `?([A-Z_]+)`? \|/gm), ([, name]) => name as string);
}

describe('codes', () => {
  it('every rejection is handled as the range of its number says', () => {
    for (const code of Object.values(Rejection)) {
      const byNumber = isRetryable(code) ? 'retry' : code >= 20 && code <= 39 ? 'refetch' : 'tell';
      expect([code, rejectionHandling[code]]).toEqual([code, byNumber]);
    }
  });

  it('every disconnect is followed as the range of its number says', () => {
    for (const code of Object.values(Disconnect)) {
      const refresh = code === Disconnect.DISCONNECT_TOKEN_EXPIRED;
      const byNumber = mayReturn(code) ? (refresh ? 'refresh' : 'resume') : 'stay away';
      expect([code, disconnectReturn[code]]).toEqual([code, byNumber]);
    }
  });

  it('codes of a later version are followed by their range', () => {
    expect([isRetryable(19 as Rejection), isRetryable(20 as Rejection)]).toEqual([true, false]);
    expect([4499, 4500, 4999, 5000].map(mayReturn)).toEqual([true, false, false, true]);
  });

  it('README lists exactly the codes of errors, and says of each when and what next', () => {
    expect(cells('When a call fails')).toEqual([...clientErrorCodes]);
  });

  it('README lists exactly the causes of trouble', () => {
    expect(cells('When a message can not be shown')).toEqual([...troubleCauses]);
  });

  it('README lists exactly the alarms', () => {
    expect(cells('Alarms')).toEqual([...alarmCodes]);
  });
});
