// The store in memory behind the ports of the durable ones. For tests and try-outs: it forgets everything when the process ends.
import { MemoryStore } from '#actors/log/memory-store.ts';
import type {
  DueSegment,
  Fence,
  Generation,
  LogMeta,
  RowRange,
  RowWrite,
  ShardOwner,
  StoredRow,
} from '#actors/ports/log-store.ts';
import type { StateWrite, StoredState } from '#actors/ports/state-store.ts';
import type { Store } from '../store.ts';

export class InMemoryStore implements Store {
  readonly readsAreDurable = true;
  readonly writeCallsMax: number = 2;
  readonly slowCallMs: number = Number.POSITIVE_INFINITY;
  readonly #store: MemoryStore;

  constructor(now: () => number) {
    this.#store = new MemoryStore(now);
  }

  async createGeneration(node: string): Promise<Generation> {
    return this.#store.createGeneration(node);
  }

  async fence(generation: Generation): Promise<void> {
    this.#store.fence(generation);
  }

  async readFence(generation: Generation): Promise<Fence> {
    return this.#store.readFence(generation);
  }

  async readAlive(node: string, own: Generation): Promise<readonly Generation[]> {
    return this.#store.readAlive(node, own);
  }

  async readShard(shard: number): Promise<ShardOwner | null> {
    return this.#store.readShard(shard);
  }

  async casShard(shard: number, expected: ShardOwner | null, owner: Generation): Promise<boolean> {
    return this.#store.casShard(shard, expected, owner);
  }

  async readMeta(log: string): Promise<LogMeta | null> {
    return this.#store.readMeta(log);
  }

  async casMeta(log: string, meta: LogMeta): Promise<boolean> {
    return this.#store.casMeta(log, meta);
  }

  async writeRows(writes: readonly RowWrite[]): Promise<void> {
    this.#store.writeRows(writes);
  }

  async readRows(log: string, segment: number, range: RowRange): Promise<readonly StoredRow[]> {
    return this.#store.readRows(log, segment, range);
  }

  async readDue(shard: number, throughMs: number, limit: number): Promise<readonly DueSegment[]> {
    return this.#store.readDue(shard, throughMs, limit);
  }

  async dropDue(_shard: number, due: readonly DueSegment[]): Promise<void> {
    this.#store.dropDue(due);
  }

  async readState(log: string, keys?: readonly string[]): Promise<readonly StoredState[]> {
    return this.#store.readState(log, keys);
  }

  async writeState(writes: readonly StateWrite[]): Promise<void> {
    this.#store.writeState(writes);
  }

  async expire(): Promise<void> {
    this.#store.expire();
  }

  async close(): Promise<void> {}
}
