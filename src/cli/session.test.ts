// What people are told while a command runs.
import { describe, expect, it } from 'vitest';
import type { Alarm } from '#client/alarms.ts';
import { Emitter } from '#client/emitter.ts';
import { ClientError } from '#client/errors.ts';
import { bringOut, onNewAlarm } from './session.ts';

describe('an alarm', () => {
  it('is shown once for each room and kind', () => {
    const events = new Emitter<{ alarm: Alarm }>();
    const client = { on: events.on.bind(events) };
    const shown: Alarm[] = [];
    onNewAlarm(client as never, (alarm) => shown.push(alarm));
    const alarms: Alarm[] = [
      { code: 'HISTORY_FORKED', room: '!a', user: '@eve:x' },
      { code: 'HISTORY_FORKED', room: '!b' },
      { code: 'RECORD_INVALID', room: '!a' },
      { code: 'MANIFEST_INVALID', user: '@eve:x' },
      { code: 'MANIFEST_INVALID', user: '@bob:x' },
    ];
    for (const alarm of [...alarms, ...alarms, { ...alarms[0], user: '@bob:x' } as Alarm]) events.emit('alarm', alarm);
    expect(shown).toEqual(alarms);
  });
});

describe('what waits', () => {
  const failing = (error: unknown) => bringOut({ flushed: () => Promise.reject(error) }, 1_000);

  it('goes out later where it can not now', async () => {
    await failing(new ClientError('OFFLINE', 'Not everything could be sent yet.'));
  });

  it('is not called on its way where it never goes out, nor where the program has a bug', async () => {
    const loggedOut = new ClientError('LOGIN_NEEDED', 'This device was logged out.');
    for (const error of [loggedOut, new TypeError('bug')]) await expect(failing(error)).rejects.toBe(error);
  });
});
