// Seals what nobody wakes. Every segment with rows is remembered as due (rule 12); this goes through those that are past their time, wakes the actors whose
// logs are still to be sealed or whose state does not cover them, and forgets the rest. Run it once an hour; a segment may wait for weeks without
// harm, since it is due at half of its shortest row's life at the latest.
import { coveredKey, decodeCovered } from '#actors/log/covered.ts';
import type { Log } from '#actors/log/log.ts';
import { shardCount } from '#actors/log/shards.ts';
import type { DueSegment } from '#actors/ports/log-store.ts';
import type { Store } from './store.ts';

/** Segments looked at per shard and sweep; the others have their turn at the next one. */
const segmentsMax = 100;

export interface SweepOptions {
  readonly store: Store;
  /** The log of this name, if an actor has it. */
  readonly get: (log: string) => Log | undefined;
  readonly now: number;
  /** Starts the actor of a log; opening it is all that is needed. */
  readonly wake: (log: string) => void;
}

/** Resolves to how many segments are still to be sealed. */
export async function sweepDue(options: SweepOptions): Promise<number> {
  const { store, get, now, wake } = options;
  let waiting = 0;
  for (let shard = 0; shard < shardCount; shard++) {
    const settled: DueSegment[] = [];
    for (const due of await store.readDue(shard, now, segmentsMax)) {
      if (await isSettled(store, due)) {
        settled.push(due);
        continue;
      }
      waiting++;
      const log = get(due.log);
      if (log === undefined) wake(due.log);
      else log.tick(now);
    }
    if (settled.length > 0) await store.dropDue(shard, settled);
  }
  return waiting;
}

/** Sealed, and state holds all of it; or gone from the list because its rows have expired or it had none. */
async function isSettled(store: Store, due: DueSegment): Promise<boolean> {
  const meta = await store.readMeta(due.log);
  const segment = meta?.segments.find(({ id }) => id === due.segment);
  if (segment === undefined) return true;
  if (segment.end === null) return false;
  const [covered] = await store.readState(due.log, [coveredKey]);
  return covered !== undefined && decodeCovered(covered.value).through >= segment.end - 1;
}
