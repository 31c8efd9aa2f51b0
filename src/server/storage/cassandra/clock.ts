// What time it is at Cassandra. Its servers have clocks of their own, and one that is wrong must not speak for all. Guarantees: a node's clock is held for
// wrong only if most of the servers that answer say so; a single one that says otherwise is outvoted.

import type { Connection } from './connection.ts';

/** How far clocks are apart, milliseconds. */
export interface ClockSkew {
  /** This node's clock less that of the servers, by their middle one. */
  readonly skewMs: number;
  /** Between that middle and the server that is farthest from it. */
  readonly spreadMs: number;
}

const select = 'select toUnixTimestamp(now()) as now_ms from system.local';

/** This node's clock less each server's, milliseconds; right to half of the time that asking took. */
export async function askSkews(connection: Connection, now: () => number): Promise<readonly number[]> {
  const asked = now();
  return await connection.readEach(select, (row) => (asked + now()) / 2 - Number(row.now_ms));
}

/**
 * The middle of what servers say. One alone is believed. Of two nobody knows which is wrong, and of any even number there are two in the middle: the one
 * that is nearer to this node's clock counts, so that one bad server of two ends nobody, and a node that both contradict still learns it. Of three and more the
 * majority decides. Throws where there is none.
 */
export function middleOf(skews: readonly number[]): ClockSkew {
  if (skews.length === 0) throw new Error('no server said what time it is');
  const sorted = [...skews].sort((a, b) => a - b);
  const low = sorted[(sorted.length - 1) >> 1] as number;
  const high = sorted[sorted.length >> 1] as number;
  const skewMs = Math.abs(low) <= Math.abs(high) ? low : high;
  return { skewMs, spreadMs: Math.max(...sorted.map((each) => Math.abs(each - skewMs))) };
}
