// What commands show while they run.
import { describe, expect, it } from 'vitest';
import type { Alarm } from '#client/alarms.ts';
import { Emitter } from '#client/emitter.ts';
import { commands, onNewAlarm } from './commands.ts';

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

describe('approve', () => {
  it('passes on the number that was compared, however it was typed, and none where there was none', async () => {
    const passed: unknown[] = [];
    const client = { approveIdentity: async (...given: unknown[]) => void passed.push(given) };
    const out = { say: () => {} };
    const number = '01234 56789 11111 22222 33333 44444 55555 66666';
    for (const rest of [['@a:x'], ['@a:x', ...number.split(' ')], ['@a:x', number.replaceAll(' ', '')], ['@a:x', 'no']])
      await commands.approve?.run({ client, out, args: { rest } } as never);
    const compared = ['@a:x', { fingerprint: number }];
    expect(passed).toEqual([['@a:x', {}], compared, compared, ['@a:x', { fingerprint: '' }]]);
  });
});
