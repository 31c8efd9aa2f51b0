// What a store must supply for fenced logs: plain reads and writes, and three things that change conditionally (fences, shard owners, log
// metas). Everything else about logs, and all safety, is in actors/log. Rows are opaque bytes; nothing here reads them.
//
// Every method may reject with any error, and that proves nothing: what was asked may have happened, may happen later, or never. Callers repeat
// what is idempotent (reads, rows, fencing) and read again after a conditional change. A store never retries a conditional change by itself.
// What a method promises is promised once its answer is there.

/** One run of one node process. `gen` counts from 1 per node and is never used twice. Its fence row is made with it. */
export interface Generation {
  readonly node: string;
  readonly gen: number;
}

/** Who owns a shard, and how often that was changed: from 1. */
export interface ShardOwner extends Generation {
  readonly version: number;
}

/** `fenced` is for ever. A generation that nobody created counts as fenced. */
export type Fence = 'alive' | 'fenced';

/** A part of a log that one generation writes. Ids are never used twice in a log. */
export interface Segment {
  readonly id: number;
  readonly owner: Generation;
  /** Seq of its first row. */
  readonly start: number;
  /** Seq after its last row: rows at or beyond it do not exist, whatever is stored. null = open; the last segment only. */
  readonly end: number | null;
  /** When the first row expires; 0 = not known. Only of sealed segments. */
  readonly firstExpiresMs: number;
  /** When the last row expires: from then on the segment leaves the list. Only of sealed segments. */
  readonly lastExpiresMs: number;
}

/** The meta row of a log, without TTL. */
export interface LogMeta {
  /** Of the row, from 1; each change adds one. */
  readonly version: number;
  /** Id of the next segment that is opened. */
  readonly nextSegment: number;
  /** Ascending, contiguous; the last one is open. */
  readonly segments: readonly Segment[];
}

/** A row as it is stored. */
export interface StoredRow {
  readonly seq: number;
  readonly bytes: Uint8Array;
  /** Microseconds since the epoch. Of two versions of a row the later one wins, at a tie the larger bytes. */
  readonly writeMicros: number;
  /** Epoch milliseconds. From then on the row reads as absent; its bytes leave the disk within a week and a day. */
  readonly expiresMs: number;
}

/** Rows for one segment of one log; without rows it only remembers `dueMs`. */
export interface RowWrite {
  readonly log: string;
  readonly segment: number;
  readonly rows: readonly StoredRow[];
  /** An older version may be there (an emptied body, the sealer's copy). False = new rows: a store may write without looking. */
  readonly replace: boolean;
  /** Also remembers that this segment is to be sealed by then (epoch ms), see `readDue`. null = already remembered. */
  readonly dueMs: number | null;
}

/** Which rows of a segment: seqs from `from` to `through`, at most `limit` rows of together at most `bytesMax` bytes, but always the first one. */
export interface RowRange {
  readonly from: number;
  readonly through: number;
  readonly limit: number;
  readonly bytesMax: number;
  /** Starts at `through` and goes down. The answer is ascending all the same. */
  readonly backwards: boolean;
}

/** A segment that is to be sealed, or an actor that is to be woken: see actors/log/due.ts. */
export interface DueSegment {
  readonly dueMs: number;
  readonly log: string;
  /** 0 = of no segment. */
  readonly segment: number;
}

/** A number of rows that a store may cut a write at: callers put at most this many rows and bytes into one `writeRows`. */
export const writeLimits = { rows: 4_096, bytes: 8 * 1024 * 1024 };

/** Generations and their fences, and who owns which shard of the logs. */
export interface OwnershipStore {
  /** Makes a generation of this node that never was, alive. Conditional. A lost answer leaves one that nobody uses. */
  createGeneration(node: string): Promise<Generation>;
  /** Sets the generation fenced, for ever. Idempotent. Once answered, every `readFence` that starts later says `fenced`. */
  fence(generation: Generation): Promise<void>;
  /** A plain read: cheap, done all the time. Says `fenced` if a `fence` was answered before the read started. */
  readFence(generation: Generation): Promise<Fence>;
  /** null = nobody yet. Sees every conditional change that was answered, and settles those that were not. */
  readShard(shard: number): Promise<ShardOwner | null>;
  /**
   * Conditional on the version only: true = `expected` was there (null: nobody) and `owner` is now, with the next version; false = it was not. So a change
   * that nobody heard of and that comes late changes nothing once another one was made.
   */
  casShard(shard: number, expected: ShardOwner | null, owner: Generation): Promise<boolean>;
  /** Generations of this node that are not fenced, other than `own`: those of earlier processes. */
  readAlive(node: string, own: Generation): Promise<readonly Generation[]>;
}

/** Rows and metas of logs. */
export interface LogStore {
  /** Whether a row that a read returned stays. False where a write that did not finish may be seen by one read and not by the next. */
  readonly readsAreDurable: boolean;
  /** null = no such log. Sees every conditional change that was answered, and settles those that were not. */
  readMeta(log: string): Promise<LogMeta | null>;
  /** Conditional on the version only: true = the row's version was `meta.version - 1` (no row: 0) and `meta` is stored now; false = it was not. */
  casMeta(log: string, meta: LogMeta): Promise<boolean>;
  /**
   * Plain writes, of many logs in one call. Once answered all are durable, and every later read returns them or a later version. No order among them.
   * `done` hears the place in `writes` of one that is so already while others are under way; a rejection says nothing of those. Stores whose writes share
   * one fate never call it.
   */
  writeRows(writes: readonly RowWrite[], done?: (at: number) => void): Promise<void>;
  /** The rows that there are; a missing seq is simply missing, and must not end the answer. */
  readRows(log: string, segment: number, range: RowRange): Promise<readonly StoredRow[]>;
  /** Segments due by then, earliest first, at most `limit`. May name some that were sealed meanwhile; forgets none that was not. */
  readDue(shard: number, throughMs: number, limit: number): Promise<readonly DueSegment[]>;
  /** Forgets that a segment is due: it is sealed and state covers it. */
  dropDue(shard: number, due: readonly DueSegment[]): Promise<void>;
}
