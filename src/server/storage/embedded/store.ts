// The embedded store: a folder on this machine behind the ports of logs, state and owners. Guarantees: every promise that resolves is on disk, after
// kill -9 at any instant too; one process at a time; content leaves the disk with its week (content.ts). State, metas, owners and tables live in
// `state.lmdb`, which stays: pages that it frees may keep old bytes, of ciphertext only.
import { join } from 'node:path';
import { shardOf } from '#actors/log/shards.ts';
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
import { isOlder, type StateStamp, type StateWrite, type StoredState } from '#actors/ports/state-store.ts';
import type { AccountStore } from '../../auth/ports.ts';
import { holdsSubjects, tableAccounts } from '../accounts.ts';
import type { BackupStore } from '../backups.ts';
import type { DirectoryStore } from '../directory.ts';
import { StorageError, type Store } from '../store.ts';
import type { Table } from '../table.ts';
import { EmbeddedBackups } from './backups.ts';
import { Content } from './content.ts';
import { EmbeddedDirectory } from './directory.ts';
import { Environment, type Shared } from './environment.ts';
import { Exit } from './exit.ts';
import { Failure } from './failure.ts';
import { lockFolder } from './folder.ts';
import { after, dueKey, kinds, nameKey, numberKey, pairKey, parseDueKey, RowKeys, secondOf, shardKey } from './keys.ts';
import { RenewedFile } from './renewed-file.ts';
import { EmbeddedTable } from './table.ts';
import { weekOf } from './week.ts';

/** Of the folder's layout. Newer folders are refused; older ones are brought up to date here, once there are any. */
export const layoutVersion = 1;

export interface EmbeddedOptions {
  /** Made if missing. */
  readonly folder: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** A write did not reach the disk, and why by the system's name (ENOSPC): everything fails from now on, the process should end. Called once. */
  readonly failed?: (failure: StorageError, cause: string) => void;
}

interface Parts {
  readonly state: Environment;
  readonly backups: Environment;
  readonly directory: RenewedFile;
  readonly content: Content;
  readonly shared: Shared;
  readonly unlock: () => void;
}

/** Weeks remembered per segment in memory; the oldest entry goes. */
const weeksKeptMax = 50_000;
const stampBytes = 25;
const alive = Buffer.from([1]);
const fenced = Buffer.from([0]);

export class EmbeddedStore implements Store {
  /** lmdb shows nothing that is not on disk. */
  readonly readsAreDurable = true;
  readonly writeCallsMax = 2;
  readonly slowCallMs: number = Number.POSITIVE_INFINITY;
  readonly #now: () => number;
  readonly #state: Environment;
  readonly #backups: Environment;
  readonly #directory: RenewedFile;
  readonly #content: Content;
  readonly #shared: Shared;
  readonly #unlock: () => void;
  /** By log and segment: the weeks in which rows of it expire. */
  readonly #weeks = new Map<string, readonly number[]>();
  /** The newest write of weeks; rows are not durable before it, or nobody would find them. */
  #weeksWritten: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | null = null;

  /** Opens or makes the folder. Rejects with StorageError LOCKED, NEWER or UNUSABLE. */
  static async open(options: EmbeddedOptions): Promise<EmbeddedStore> {
    const unlock = lockFolder(options.folder, ['text', 'names']);
    const shared = { failure: new Failure((error, cause) => options.failed?.(error, cause)), exit: new Exit() };
    let state: Environment | null = null;
    let backups: Environment | null = null;
    let directory: RenewedFile | null = null;
    let content: Content | null = null;
    try {
      state = new Environment(join(options.folder, 'state.lmdb'), shared);
      backups = new Environment(join(options.folder, 'backups.lmdb'), shared);
      directory = await RenewedFile.open(join(options.folder, 'names'), shared);
      content = new Content(join(options.folder, 'text'), shared);
      const store = new EmbeddedStore(options.now, { state, backups, directory, content, shared, unlock });
      await store.#stamp();
      await content.expire(options.now());
      // A full disk, which has no room for a copy, must not keep anyone from starting: each hour it is tried again, and told.
      await directory.renew().catch(() => {});
      return store;
    } catch (cause) {
      await content?.close();
      await directory?.close();
      await backups?.close();
      await state?.close();
      shared.exit.close();
      unlock();
      if (cause instanceof StorageError) throw cause;
      throw new StorageError('UNUSABLE', `The data folder ${options.folder} can't be read`, { cause });
    }
  }

  private constructor(now: () => number, { state, backups, directory, content, shared, unlock }: Parts) {
    this.#now = now;
    this.#unlock = unlock;
    this.#state = state;
    this.#backups = backups;
    this.#directory = directory;
    this.#content = content;
    this.#shared = shared;
  }

  /** A write did not reach the disk: everything fails. */
  get hasFailed(): boolean {
    return this.#shared.failure.isThere;
  }

  /** A table for what is no log; see table.ts. Names are ASCII, without a zero. */
  table(name: string): Table {
    return new EmbeddedTable(this.#state, name);
  }

  /** Has anybody ever logged in? */
  holdsSubjects(): Promise<boolean> {
    return holdsSubjects(this.table('accounts'));
  }

  /** What login keeps. */
  accounts(): AccountStore {
    return tableAccounts(this.table('accounts'));
  }

  /** What users back up. */
  backups(): BackupStore {
    return new EmbeddedBackups(this.#backups);
  }

  /** Who wants to be found by name. */
  directory(): DirectoryStore {
    return new EmbeddedDirectory(this.#directory);
  }

  async createGeneration(node: string): Promise<Generation> {
    return await this.#state.change((change) => {
      const key = nameKey(kinds.lastGeneration, node);
      const gen = (change.get(key)?.readUInt32BE(0) ?? 0) + 1;
      change.put(key, uint32(gen));
      change.put(numberKey(kinds.generation, node, gen), alive);
      return { node, gen };
    });
  }

  async fence({ node, gen }: Generation): Promise<void> {
    await this.#state.written(this.#state.put(numberKey(kinds.generation, node, gen), fenced));
  }

  async readFence({ node, gen }: Generation): Promise<Fence> {
    return this.#state.get(numberKey(kinds.generation, node, gen))?.[0] === 1 ? 'alive' : 'fenced';
  }

  async readAlive(node: string, own: Generation): Promise<readonly Generation[]> {
    const start = nameKey(kinds.generation, node);
    const found: Generation[] = [];
    for (const { key, value } of this.#state.range({ start, end: after(start) })) {
      const gen = key.readUInt32BE(key.length - 4);
      if (value[0] === 1 && !(node === own.node && gen === own.gen)) found.push({ node, gen });
    }
    return found;
  }

  async readShard(shard: number): Promise<ShardOwner | null> {
    return decodeOwner(this.#state.get(shardKey(shard)));
  }

  async casShard(shard: number, expected: ShardOwner | null, { node, gen }: Generation): Promise<boolean> {
    const version = expected?.version ?? 0;
    return await this.#state.change((change) => {
      if ((decodeOwner(change.get(shardKey(shard)))?.version ?? 0) !== version) return false;
      change.put(shardKey(shard), encodeJson({ node, gen, version: version + 1 }));
      return true;
    });
  }

  async readMeta(log: string): Promise<LogMeta | null> {
    return decodeJson<LogMeta>(this.#state.get(nameKey(kinds.meta, log)));
  }

  async casMeta(log: string, meta: LogMeta): Promise<boolean> {
    const key = nameKey(kinds.meta, log);
    return await this.#state.change((change) => {
      const version = decodeJson<LogMeta>(change.get(key))?.version ?? 0;
      if (version !== meta.version - 1) return false;
      change.put(key, encodeJson(meta));
      return true;
    });
  }

  async writeRows(writes: readonly RowWrite[]): Promise<void> {
    const fresh = new Map<number, [RowKeys, StoredRow][]>();
    const replaced = new Map<number, [RowKeys, StoredRow][]>();
    const waits: Promise<unknown>[] = [];
    for (const { log, segment, rows, replace, dueMs } of writes) {
      const keys = new RowKeys(log, segment);
      const byWeek = replace ? replaced : fresh;
      let [last, list]: [number, [RowKeys, StoredRow][]] = [-1, []];
      for (const row of rows) {
        const week = weekOf(row.expiresMs);
        if (week !== last) {
          last = week;
          list = byWeek.get(week) ?? [];
          byWeek.set(week, list);
          this.#addWeek(log, segment, week);
        }
        list.push([keys, row]);
      }
      if (dueMs !== null) waits.push(this.#state.put(dueKey(shardOf(log), { dueMs, log, segment }), Buffer.alloc(0)));
    }
    waits.push(this.#weeksWritten);
    for (const [week, rows] of fresh) waits.push(this.#content.write(week, rows));
    for (const [week, rows] of replaced) waits.push(this.#content.replace(week, rows));
    await this.#state.written(Promise.all(waits));
  }

  async readRows(log: string, segment: number, range: RowRange): Promise<readonly StoredRow[]> {
    const keys = new RowKeys(log, segment);
    const weeks = this.#weeksOf(log, segment);
    const found: StoredRow[] = [];
    for (const week of weeks) {
      let [count, bytes] = [0, 0];
      for (const row of this.#content.read(week, keys, range, this.#now())) {
        found.push(row);
        count++;
        bytes += row.bytes.length;
        if (count >= range.limit || bytes > range.bytesMax) break;
      }
    }
    if (weeks.length > 1) found.sort((a, b) => (range.backwards ? b.seq - a.seq : a.seq - b.seq));
    return cut(found, range);
  }

  async readDue(shard: number, throughMs: number, limit: number): Promise<readonly DueSegment[]> {
    const start = dueKey(shard, { dueMs: 0, log: '', segment: 0 });
    const end = dueKey(shard, { dueMs: throughMs + 1, log: '', segment: 0 });
    return [...this.#state.range({ start, end, limit })].map(({ key }) => parseDueKey(key));
  }

  async dropDue(shard: number, due: readonly DueSegment[]): Promise<void> {
    await this.#state.change((change) => {
      for (const each of due) change.remove(dueKey(shard, each));
    });
  }

  async readState(log: string, keys?: readonly string[]): Promise<readonly StoredState[]> {
    const found: StoredState[] = [];
    const take = (key: string, value: Buffer | undefined) => {
      const row = value === undefined ? null : decodeState(value);
      if (row !== null && row.value !== null) found.push({ ...row.stamp, key, value: row.value });
    };
    if (keys !== undefined) {
      for (const key of keys) take(key, this.#state.get(pairKey(kinds.state, log, key)));
      return found;
    }
    const start = nameKey(kinds.state, log);
    for (const { key, value } of this.#state.range({ start, end: after(start) })) take(secondOf(key), value);
    return found;
  }

  async writeState(writes: readonly StateWrite[]): Promise<void> {
    await this.#state.change((change) => {
      for (const { log, rows } of writes) {
        for (const row of rows) {
          const key = pairKey(kinds.state, log, row.key);
          const before = change.get(key);
          if (before === undefined || !isOlder(row, decodeState(before).stamp))
            change.put(key, encodeState(row, row.value));
        }
      }
    });
  }

  async expire(): Promise<void> {
    await this.#content.expire(this.#now());
    await this.#directory.renew();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#content.close();
    await this.#directory.close();
    await this.#backups.close();
    await this.#state.close();
    this.#shared.exit.close();
    this.#unlock();
  }

  async #stamp(): Promise<void> {
    const key = Buffer.from([kinds.version]);
    const found = this.#state.get(key)?.readUInt32BE(0);
    if (found === layoutVersion) return;
    if (found === undefined) {
      await this.#state.written(this.#state.put(key, uint32(layoutVersion)));
      return;
    }
    const text = `The data folder was written by a newer version (layout ${found}, this is ${layoutVersion}): run that version`;
    throw new StorageError('NEWER', text);
  }

  #addWeek(log: string, segment: number, week: number): void {
    const weeks = this.#weeksOf(log, segment);
    if (weeks.includes(week)) return;
    const more = [...weeks, week];
    this.#remember(`${log}\0${segment}`, more);
    const value = Buffer.alloc(more.length * 2);
    for (const [index, each] of more.entries()) value.writeUInt16BE(each, index * 2);
    const written = this.#state.put(numberKey(kinds.weeks, log, segment), value);
    // One promise stands for all: a write of this turn shares its commit, and commits are in order.
    this.#weeksWritten = written;
  }

  #weeksOf(log: string, segment: number): readonly number[] {
    const name = `${log}\0${segment}`;
    const known = this.#weeks.get(name);
    if (known !== undefined) return known;
    const value = this.#state.get(numberKey(kinds.weeks, log, segment)) ?? Buffer.alloc(0);
    const weeks = Array.from({ length: value.length / 2 }, (_, index) => value.readUInt16BE(index * 2));
    this.#remember(name, weeks);
    return weeks;
  }

  #remember(name: string, weeks: readonly number[]): void {
    this.#weeks.set(name, weeks);
    if (this.#weeks.size > weeksKeptMax) this.#weeks.delete(this.#weeks.keys().next().value!);
  }
}

/** The first rows within limit and bytes, ascending. */
function cut(rows: readonly StoredRow[], { limit, bytesMax, backwards }: RowRange): StoredRow[] {
  const kept: StoredRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    bytes += row.bytes.length;
    if (kept.length >= limit || (kept.length > 0 && bytes > bytesMax)) break;
    kept.push(row);
  }
  return backwards ? kept.reverse() : kept;
}

/** The first folders did not count. */
function decodeOwner(value: Buffer | undefined): ShardOwner | null {
  const owner = decodeJson<Generation & { readonly version?: number }>(value);
  return owner && { ...owner, version: owner.version ?? 1 };
}

function uint32(number: number): Buffer {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(number);
  return value;
}

function encodeJson(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function decodeJson<T>(value: Buffer | undefined): T | null {
  return value === undefined ? null : (JSON.parse(value.toString()) as T);
}

/** Whether there is a value, the stamp, the value. */
function encodeState({ segment, seq, sub }: StateStamp, value: Uint8Array | null): Buffer {
  const row = Buffer.alloc(stampBytes + (value?.length ?? 0));
  row[0] = value === null ? 0 : 1;
  for (const [index, number] of [segment, seq, sub].entries()) row.writeDoubleBE(number, 1 + index * 8);
  if (value !== null) row.set(value, stampBytes);
  return row;
}

function decodeState(row: Buffer): { stamp: StateStamp; value: Uint8Array | null } {
  const stamp = { segment: row.readDoubleBE(1), seq: row.readDoubleBE(9), sub: row.readDoubleBE(17) };
  return { stamp, value: row[0] === 0 ? null : new Uint8Array(row.subarray(stampBytes)) };
}
