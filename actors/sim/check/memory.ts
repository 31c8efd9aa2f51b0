// What a process holds in memory: while it works nothing beyond its bound, and nothing at all once nobody is there and nothing is to be done.
import type { Audiences } from '#actors/kernel/audience.ts';
import type { System } from '#actors/kernel/system.ts';

/** What there is to look at. */
export interface InMemory {
  readonly system: System;
  /** User and room actors at the very most. */
  readonly activeHardMax: number;
  readonly audiences: Audiences;
  /** Logs in the hands of an actor. */
  readonly logs: number;
  /** Lists of heads that are being gathered. */
  readonly gatherings: number;
  /** What is kept for other nodes, by name. */
  readonly board: Readonly<Record<string, number>>;
}

/** The first thing that is beyond its bound; null = none. */
export function overfull({ system, activeHardMax }: InMemory): string | null {
  if (system.active > activeHardMax) return `${system.active} actors are in memory, of ${activeHardMax}`;
  for (const { address, what, count, max } of system.kept()) {
    if (count > max) return `${address} keeps ${count} ${what}, of ${max}`;
  }
  return null;
}

/** What is still there; null = nothing. */
export function leftOver({ system, audiences, logs, gatherings, board }: InMemory): string | null {
  const left = { addresses: system.size, timers: system.timers, sessions: audiences.size, logs, gatherings, ...board };
  const found = Object.entries(left).filter(([, count]) => count > 0);
  if (found.length === 0) return null;
  const kept = [...system.kept()].filter(({ count }) => count > 0);
  const what = [...found.map(([name, count]) => `${count} ${name}`)];
  return `${what.join(', ')}: ${kept.map(({ address, what: thing, count }) => `${address} ${count} ${thing}`).join(', ')}`;
}
