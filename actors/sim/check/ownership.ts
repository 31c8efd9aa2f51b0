// Who may have a log in hand: the process that owns its shard by the store. Only one that was fenced may not know better (rule 9 of the fence).
import type { MemoryStore } from '#actors/log/memory-store.ts';
import { sameGeneration } from '#actors/log/segments.ts';
import { shardOf } from '#actors/log/shards.ts';
import type { Generation } from '#actors/ports/log-store.ts';

/** The first of these logs, in the hands of actors of this process, that is not its own; null = all are. */
export function foreignLog(logs: Iterable<string>, memory: MemoryStore, generation: Generation): string | null {
  for (const log of logs) {
    if (sameGeneration(memory.readShard(shardOf(log)), generation)) continue;
    if (memory.readFence(generation) === 'alive') return `${log} runs where it does not belong`;
  }
  return null;
}
