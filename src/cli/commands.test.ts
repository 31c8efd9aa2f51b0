// What commands find by a person's word, and what they show while they run.
import { describe, expect, it } from 'vitest';
import type { Alarm } from '#client/alarms.ts';
import { Emitter } from '#client/emitter.ts';
import type { RoomInfo } from '#client/shown.ts';
import { awaitRoom, type Named, onNewAlarm } from './commands.ts';

interface Events extends Record<string, unknown> {
  room: RoomInfo;
  alarm: Alarm;
}

function device(rooms: Partial<RoomInfo>[], timeoutMs = 30_000) {
  const events = new Emitter<Events>();
  const client = {
    rooms: () => rooms.map((room) => ({ invitedBy: '', name: '', direct: false, status: 2, ...room })),
    members: () => [],
    on: events.on.bind(events),
  };
  return { events, client, session: { client, args: { call: 'npx luxchat -p bob', timeoutMs } } as unknown as Named };
}

describe('a room that a person names', () => {
  // Its slots are read a moment after the invitation was accepted: `chat Hiking` right after `accept` found nothing.
  it('may have its name in a moment', async () => {
    const group: Partial<RoomInfo> = { room: '!g1' };
    const { events, session } = device([group]);
    const found = awaitRoom(session, 'Hiking');
    events.emit('room', {} as RoomInfo);
    Object.assign(group, { name: 'Hiking' });
    events.emit('room', {} as RoomInfo);
    expect(await found).toMatchObject({ room: '!g1' });
  });

  it('is not waited for without end, and not at all where every group has its name', async () => {
    const begun = performance.now();
    const unknown = { code: 'UNKNOWN', message: expect.stringContaining('npx luxchat -p bob rooms') };
    await expect(awaitRoom(device([{ room: '!g1', name: 'Work' }]).session, 'Hiking')).rejects.toMatchObject(unknown);
    expect(performance.now() - begun).toBeLessThan(1_000);
    await expect(awaitRoom(device([{ room: '!g1' }], 100).session, 'Hiking')).rejects.toMatchObject(unknown);
  });
});

describe('an alarm', () => {
  it('is shown once for each room and kind', () => {
    const { events, client } = device([]);
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
