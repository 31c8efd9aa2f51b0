// How long messages live, as room, log and store are told. By law, unless the setting `textSeconds` tries out what happens at the end of their lives.
import { defaultLogLimits, type LogLimits } from '#actors/log/limits.ts';
import { defaultRoomLimits, type RoomLimits } from '#actors/room/limits.ts';
import type { Config } from './config.ts';
import { legalRetention, type Retention, trialRetention } from './storage/cassandra/retention.ts';

/** The lives of what a node keeps. */
export interface Lives {
  readonly rooms: RoomLimits;
  readonly logs: LogLimits;
  readonly retention: Retention;
}

/** By the setting; 0 = by law. */
export function livesOf({ textSeconds }: Pick<Config, 'textSeconds'>): Lives {
  if (textSeconds === 0) return { rooms: defaultRoomLimits, logs: defaultLogLimits, retention: legalRetention };
  const retentionMs = textSeconds * 1000;
  return {
    rooms: { ...defaultRoomLimits, retentionMs },
    // A row must outlive the opening of its log.
    logs: { ...defaultLogLimits, rowLifeMsMin: Math.min(defaultLogLimits.rowLifeMsMin, retentionMs / 4) },
    retention: trialRetention(retentionMs),
  };
}
