// What people are told while a command runs.
import { describe, expect, it } from 'vitest';
import type { Alarm } from '#client/alarms.ts';
import { Emitter } from '#client/emitter.ts';
import { onNewAlarm } from './session.ts';

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
