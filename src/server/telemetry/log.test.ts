// What reaches the log of an error: its name, its code and where in the source it was thrown; nothing of its message.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type LogFile, openLog } from './log.ts';

const secret = '@alice:localhost';

/** The line that an error leaves. */
function logged(
  error: unknown,
  write = (log: LogFile) => log.error('it failed', error),
): Record<string, string | number> {
  const folder = mkdtempSync(join(tmpdir(), 'luxchat-log-'));
  write(openLog(folder, 'info'));
  const line = readFileSync(join(folder, 'logs', 'server.log'), 'utf8');
  rmSync(folder, { recursive: true });
  expect(line).not.toContain('alice');
  return JSON.parse(line) as Record<string, string | number>;
}

describe('an error in the log', () => {
  it('names where it was thrown, and not what it says', () => {
    const line = logged(Object.assign(new TypeError(`no room for ${secret}`), { code: 'NO_ROOM' }));
    expect(line).toMatchObject({ event: 'it failed', error: 'TypeError', code: 'NO_ROOM' });
    expect(line.at).toMatch(/^at .*\(?src\/server\/telemetry\/log\.test\.ts:\d+:\d+/);
  });

  it('stands as well in a warning, where it is known', () => {
    const cause = Object.assign(new Error(`connect to ${secret}`), { code: 'ECONNREFUSED' });
    const line = logged(cause, (log) => log.warn('it does not answer', { tries: 2 }, cause));
    expect(line).toMatchObject({ event: 'it does not answer', level: 40, tries: 2, code: 'ECONNREFUSED' });
    const unknown = logged(undefined, (log) => log.warn('it does not answer'));
    expect(unknown).not.toHaveProperty('error');
  });

  it.each([
    ['lines that look like frames', () => new Error(`bad input:\n    at ${secret} (src/x.ts:1:1)\n  at ${secret}`)],
    ['an end that looks like one', () => new Error(`x\n    at ${secret}`)],
    ['another text than its stack', () => Object.assign(new Error(`\n    at ${secret}`), { message: 'changed' })],
    ['a name and a code from outside', () => Object.assign(new Error('x'), { name: secret, code: secret })],
    ['a text that is no error', () => secret],
  ])('with %s keeps them out', (_, make) => {
    logged(make());
  });

  it('without a message has its frames too', () => {
    expect(logged(new Error()).at).toContain('log.test.ts');
  });
});
