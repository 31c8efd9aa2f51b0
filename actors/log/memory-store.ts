// A store in memory: what ports/log-store.ts and ports/state-store.ts promise, as synchronous code. The server's memory store wraps it in
// promises; the simulator and the interleaving test put delays, losses and time-outs that took effect between it and the logs.
// Guarantees: an expired row reads as absent and is forgotten by `expire`. Keeps nothing when the process ends.
import type {
  DueSegment,
  Fence,
  Generation,
  LogMeta,
  RowRange,
  RowWrite,
  ShardOwner,
  StoredRow,
} from '../ports/log-store.ts';
import { isOlder, type StateStamp, type StateWrite, type StoredState } from '../ports/state-store.ts';
import { shardOf } from './shards.ts';

/** A state row; null value = deleted, kept so that an older write still loses. */
type Kept = StateStamp & { readonly value: Uint8Array | null };

export class MemoryStore {
  readonly #now: () => number;
  readonly #fences = new Map<string, { generation: Generation; fence: Fence }>();
  readonly #shards = new Map<number, ShardOwner>();
  readonly #metas = new Map<string, LogMeta>();
  /** By log, then by segment: rows ascending. */
  readonly #rows = new Map<string, Map<number, StoredRow[]>>();
  readonly #due = new Map<string, DueSegment>();
  readonly #state = new Map<string, Map<string, Kept>>();

  constructor(now: () => number) {
    this.#now = now;
  }

  createGeneration(node: string): Generation {
    let gen = 1;
    while (this.#fences.has(nameOf({ node, gen }))) gen++;
    const generation = { node, gen };
    this.#fences.set(nameOf(generation), { generation, fence: 'alive' });
    return generation;
  }

  fence(generation: Generation): void {
    this.#fences.set(nameOf(generation), { generation, fence: 'fenced' });
  }

  readFence(generation: Generation): Fence {
    return this.#fences.get(nameOf(generation))?.fence ?? 'fenced';
  }

  readAlive(node: string, own: Generation): Generation[] {
    return [...this.#fences.values()]
      .filter(({ generation, fence }) => generation.node === node && fence === 'alive' && generation.gen !== own.gen)
      .map(({ generation }) => generation);
  }

  readShard(shard: number): ShardOwner | null {
    return this.#shards.get(shard) ?? null;
  }

  casShard(shard: number, expected: ShardOwner | null, { node, gen }: Generation): boolean {
    const version = expected?.version ?? 0;
    if ((this.readShard(shard)?.version ?? 0) !== version) return false;
    this.#shards.set(shard, { node, gen, version: version + 1 });
    return true;
  }

  readMeta(log: string): LogMeta | null {
    return this.#metas.get(log) ?? null;
  }

  casMeta(log: string, meta: LogMeta): boolean {
    if ((this.#metas.get(log)?.version ?? 0) !== meta.version - 1) return false;
    this.#metas.set(log, meta);
    return true;
  }

  writeRows(writes: readonly RowWrite[]): void {
    for (const { log, segment, rows, dueMs } of writes) {
      const stored = this.#segment(log, segment);
      for (const row of rows) putRow(stored, row);
      if (dueMs !== null) this.#due.set(`${log} ${segment} ${dueMs}`, { dueMs, log, segment });
    }
  }

  readRows(log: string, segment: number, { from, through, limit, bytesMax, backwards }: RowRange): StoredRow[] {
    const stored = this.#rows.get(log)?.get(segment) ?? [];
    const now = this.#now();
    const found: StoredRow[] = [];
    let bytes = 0;
    const first = backwards ? indexOf(stored, through + 1) - 1 : indexOf(stored, from);
    for (let index = first; found.length < limit; index += backwards ? -1 : 1) {
      const row = stored[index];
      if (row === undefined || row.seq < from || row.seq > through) break;
      if (row.expiresMs <= now) continue;
      bytes += row.bytes.length;
      if (bytes > bytesMax && found.length > 0) break;
      found.push(row);
    }
    return backwards ? found.reverse() : found;
  }

  readDue(shard: number, throughMs: number, limit: number): DueSegment[] {
    return [...this.#due.values()]
      .filter(({ dueMs, log }) => dueMs <= throughMs && shardOf(log) === shard)
      .sort((a, b) => a.dueMs - b.dueMs)
      .slice(0, limit);
  }

  dropDue(due: readonly DueSegment[]): void {
    for (const { dueMs, log, segment } of due) this.#due.delete(`${log} ${segment} ${dueMs}`);
  }

  readState(log: string, keys?: readonly string[]): StoredState[] {
    const found: StoredState[] = [];
    for (const [key, { value, ...stamp }] of this.#state.get(log) ?? []) {
      if (value !== null && (keys === undefined || keys.includes(key))) found.push({ key, value, ...stamp });
    }
    return found;
  }

  writeState(writes: readonly StateWrite[]): void {
    for (const { log, rows } of writes) {
      const kept = getOrMake(this.#state, log, () => new Map<string, Kept>());
      for (const { key, ...row } of rows) {
        const before = kept.get(key);
        if (before === undefined || !isOlder(row, before)) kept.set(key, row);
      }
    }
  }

  /** Forgets rows that have expired. */
  expire(): void {
    const now = this.#now();
    for (const segments of this.#rows.values()) {
      for (const [segment, rows] of segments) {
        const living = rows.filter(({ expiresMs }) => expiresMs > now);
        if (living.length === 0) segments.delete(segment);
        else segments.set(segment, living);
      }
    }
  }

  #segment(log: string, segment: number): StoredRow[] {
    const segments = getOrMake(this.#rows, log, () => new Map<number, StoredRow[]>());
    return getOrMake(segments, segment, () => []);
  }
}

function nameOf({ node, gen }: Generation): string {
  return `${node}/${gen}`;
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

/** Where the seq is, or would be. */
function indexOf(rows: readonly StoredRow[], seq: number): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle]!.seq < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

function putRow(rows: StoredRow[], row: StoredRow): void {
  const newest = rows.at(-1);
  if (newest === undefined || newest.seq < row.seq) {
    rows.push(row);
    return;
  }
  const index = indexOf(rows, row.seq);
  const before = rows[index];
  if (before?.seq !== row.seq) rows.splice(index, 0, row);
  else if (isLater(row, before)) rows[index] = row;
}

/** Last write wins; at a tie the larger bytes. */
function isLater(a: StoredRow, b: StoredRow): boolean {
  if (a.writeMicros !== b.writeMicros) return a.writeMicros > b.writeMicros;
  for (let i = 0; i < Math.min(a.bytes.length, b.bytes.length); i++) {
    if (a.bytes[i] !== b.bytes[i]) return a.bytes[i]! > b.bytes[i]!;
  }
  return a.bytes.length > b.bytes.length;
}
