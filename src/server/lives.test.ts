import { expect, it } from 'vitest';
import { defaultLogLimits } from '#actors/log/limits.ts';
import { defaultRoomLimits } from '#actors/room/limits.ts';
import { livesOf } from './lives.ts';
import { goneAfterMs, legalRetention } from './storage/cassandra/retention.ts';

it('are those of the law unless seconds are given', () => {
  expect(livesOf({ textSeconds: 0 })).toEqual({
    rooms: defaultRoomLimits,
    logs: defaultLogLimits,
    retention: legalRetention,
  });
});

it('are as short as the seconds say, for room, log and store alike, and only those of text', () => {
  const { rooms, logs, retention } = livesOf({ textSeconds: 20 });
  expect(rooms).toEqual({ ...defaultRoomLimits, retentionMs: 20_000 });
  expect(logs).toEqual({ ...defaultLogLimits, rowLifeMsMin: 5_000 });
  expect(retention.text.lifeMs).toBe(20_000);
  expect(goneAfterMs('text', retention)).toBeLessThan(3 * 60_000);
  expect([retention.inbox, retention.attachments]).toEqual([legalRetention.inbox, legalRetention.attachments]);
  expect(livesOf({ textSeconds: 86_400 }).logs).toEqual(defaultLogLimits);
});
