// Wakes what nobody else wakes: actors whose logs are still to be sealed or whose state does not cover them (rule 12), and those with something left to
// do (actors/log/due.ts); it forgets the rest. Run it every minute, for the sake of the latter; a segment may wait for weeks without harm, since it is
// due at half of its shortest row's life at the latest.
import { coveredKey, decodeCovered } from '#actors/log/covered.ts';
import { isSettled, noSegment } from '#actors/log/due.ts';
import type { Log } from '#actors/log/log.ts';
import { shardCount } from '#actors/log/shards.ts';
import type { DueSegment } from '#actors/ports/log-store.ts';
import type { Store } from './store.ts';

/** Due things read at a time, and those that may be left in a shard when a sweep goes on to the next one. */
export const pageMax = 100;
export const leftMax = 1_000;

export interface SweepOptions {
  readonly store: Store;
  /** The log of this name, if an actor has it. */
  readonly get: (log: string) => Log | undefined;
  readonly now: number;
  /** Shards of this node. Default all. */
  readonly isOwn?: (shard: number) => boolean;
  /** Starts the actor of a log; opening it is all that is needed. */
  readonly wake: (log: string) => void;
}

/** Resolves to how many logs are left. */
export async function sweepDue(options: SweepOptions): Promise<number> {
  let left = 0;
  for (let shard = 0; shard < shardCount; shard++) {
    if (options.isOwn?.(shard) !== false) left += await sweepShard(options, shard);
  }
  return left;
}

async function sweepShard({ store, get, now, wake }: SweepOptions, shard: number): Promise<number> {
  const left = new Set<string>();
  for (let count = 0; count < leftMax; ) {
    // What is left from before comes first.
    const page = (await store.readDue(shard, now, count + pageMax)).slice(count);
    const settled: DueSegment[] = [];
    for (const due of page) {
      // An open log knows it without a read: of thousands of rooms that are just at work none is asked for, minute by minute.
      const isKnownToStay = due.segment === noSegment && get(due.log)?.restless === true;
      if (!isKnownToStay && (await hasSettled(store, due))) settled.push(due);
      else left.add(due.log);
    }
    if (settled.length > 0) await store.dropDue(shard, settled);
    count += page.length - settled.length;
    if (page.length < pageMax) break;
  }
  for (const log of left) {
    const open = get(log);
    if (open === undefined) wake(log);
    else open.tick(now);
  }
  return left.size;
}

async function hasSettled(store: Store, due: DueSegment): Promise<boolean> {
  const [meta, [covered]] = await Promise.all([store.readMeta(due.log), store.readState(due.log, [coveredKey])]);
  return isSettled(due, meta, decodeCovered(covered));
}
