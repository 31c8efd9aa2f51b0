// What a sweep finds in the simulated store, as that of the server does in its own.
import { coveredKey, decodeCovered } from '#actors/log/covered.ts';
import { isSettled } from '#actors/log/due.ts';
import type { MemoryStore } from '#actors/log/memory-store.ts';
import { shardCount } from '#actors/log/shards.ts';

/** Logs with something due that is not settled; what is settled is forgotten. */
export function dueLogs(memory: MemoryStore, throughMs: number, isOwn: (shard: number) => boolean): readonly string[] {
  const logs = new Set<string>();
  for (let shard = 0; shard < shardCount; shard++) {
    if (!isOwn(shard)) continue;
    for (const due of memory.readDue(shard, throughMs, 1_000)) {
      const [covered] = memory.readState(due.log, [coveredKey]);
      if (isSettled(due, memory.readMeta(due.log), decodeCovered(covered))) memory.dropDue([due]);
      else logs.add(due.log);
    }
  }
  return [...logs];
}
