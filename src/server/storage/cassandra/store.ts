// The store on Cassandra: what many nodes of one provider share. Guarantees: an answered write is on a quorum of the replicas in this datacenter; what is
// read was answered before or may have been; nothing is retried. Content leaves by its TTL. It brings its own schema (schema.cql, schema.ts).
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
import type { AccountStore } from '../../auth/ports.ts';
import type { BackupStore } from '../backups.ts';
import type { DirectoryStore } from '../directory.ts';
import type { Store } from '../store.ts';
import type { Table } from '../table.ts';
import { cassandraAccounts, hasAccounts } from './accounts.ts';
import { CassandraBackups } from './backups.ts';
import { askSkews, type ClockSkew, middleOf } from './clock.ts';
import { Connection } from './connection.ts';
import { CassandraDirectory } from './directory.ts';
import { FamilyEnds } from './family-ends.ts';
import { Floors } from './floors.ts';
import { LogDue } from './log-due.ts';
import { LogMetas } from './log-metas.ts';
import { LogRows } from './log-rows.ts';
import { LogStates } from './log-states.ts';
import { Owners } from './owners.ts';
import { legalRetention } from './retention.ts';
import { Parts } from './rows/parts.ts';
import { applySchema, type SchemaOptions } from './schema.ts';
import { CassandraTable } from './table.ts';

export interface CassandraOptions extends SchemaOptions {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** The store's clock, unless a test has another one. */
  readonly storeNow?: () => Promise<number>;
}

export class CassandraStore implements Store {
  /** A row that one replica has may be seen by one read and not by the next. */
  readonly readsAreDurable = false;
  readonly writeCallsMax = 8;
  /** Several times what one takes under load, a fraction of what Cassandra and the driver wait for servers that do not answer. */
  readonly slowCallMs = 250;
  readonly #connection: Connection;
  readonly #now: () => number;
  readonly #owners: Owners;
  readonly #metas: LogMetas;
  readonly #rows: LogRows;
  readonly #states: LogStates;
  readonly #due: LogDue;
  readonly #ends: FamilyEnds;
  readonly #backups: CassandraBackups;
  readonly #directory: CassandraDirectory;

  /** Connects and brings the schema up. Rejects with StorageError UNREACHABLE, NEWER or UNUSABLE. */
  static async open(options: CassandraOptions): Promise<CassandraStore> {
    const { createdMs } = await applySchema(options);
    return new CassandraStore(await Connection.open(options, options.keyspace), { ...options, createdMs });
  }

  private constructor(connection: Connection, options: CassandraOptions & { readonly createdMs: number }) {
    const { now, createdMs, retention = legalRetention, storeNow = () => earliestOf(connection, now) } = options;
    this.#connection = connection;
    this.#now = now;
    this.#owners = new Owners(connection);
    this.#metas = new LogMetas(connection);
    this.#rows = new LogRows(connection, { retention, now });
    this.#states = new LogStates(connection);
    // An hour for clocks that differed when the keyspace was made.
    const floors = new Floors(connection, { sinceMs: createdMs - 3_600_000, storeNow });
    this.#due = new LogDue(connection, { floors, now, keptMs: retention.text.lifeMs });
    this.#ends = new FamilyEnds(connection, { floors, now });
    this.#backups = new CassandraBackups(connection);
    this.#directory = new CassandraDirectory(connection);
  }

  /** This node's clock against those of the servers. Rejects when none answers. */
  async clockSkew(): Promise<ClockSkew> {
    return middleOf(await askSkews(this.#connection, this.#now));
  }

  /** A table for what is no log; see ../table.ts. */
  table(name: string): Table {
    return new CassandraTable(this.#connection, name);
  }

  /** What login keeps. */
  accounts(): AccountStore {
    return cassandraAccounts(this.#connection, { ends: this.#ends, now: this.#now });
  }

  /** What users back up. */
  backups(): BackupStore {
    return this.#backups;
  }

  /** Who wants to be found by name. */
  directory(): DirectoryStore {
    return this.#directory;
  }

  /** Has anybody ever logged in? */
  holdsSubjects(): Promise<boolean> {
    return hasAccounts(this.#connection);
  }

  createGeneration(node: string): Promise<Generation> {
    return this.#owners.createGeneration(node);
  }

  fence(generation: Generation): Promise<void> {
    return this.#owners.fence(generation);
  }

  readFence(generation: Generation): Promise<Fence> {
    return this.#owners.readFence(generation);
  }

  readAlive(node: string, own: Generation): Promise<readonly Generation[]> {
    return this.#owners.readAlive(node, own);
  }

  readShard(shard: number): Promise<ShardOwner | null> {
    return this.#owners.readShard(shard);
  }

  casShard(shard: number, expected: ShardOwner | null, owner: Generation): Promise<boolean> {
    return this.#owners.casShard(shard, expected, owner);
  }

  readMeta(log: string): Promise<LogMeta | null> {
    return this.#metas.read(log);
  }

  casMeta(log: string, meta: LogMeta): Promise<boolean> {
    return this.#metas.change(log, meta);
  }

  async writeRows(writes: readonly RowWrite[], done: (at: number) => void = () => {}): Promise<void> {
    const parts = new Parts(writes.length, done);
    const asked = writes.flatMap((write, at) => (write.dueMs === null ? [] : [this.#remember(at, write, parts)]));
    asked.push(this.#rows.write(writes, parts));
    for (const at of writes.keys()) parts.ended(at);
    for (const result of await Promise.allSettled(asked)) if (result.status === 'rejected') throw result.reason;
  }

  /** Rule 12: a write is not done before it is remembered when its segment is to be sealed. */
  async #remember(at: number, { log, segment, dueMs }: RowWrite, parts: Parts): Promise<void> {
    parts.began(at);
    await this.#connection.inSlot(() => this.#due.write({ log, segment, dueMs: dueMs! }));
    parts.ended(at);
  }

  readRows(log: string, segment: number, range: RowRange): Promise<readonly StoredRow[]> {
    return this.#rows.read(log, segment, range);
  }

  readDue(shard: number, throughMs: number, limit: number): Promise<readonly DueSegment[]> {
    return this.#due.read(shard, throughMs, limit);
  }

  dropDue(shard: number, due: readonly DueSegment[]): Promise<void> {
    return this.#due.drop(shard, due);
  }

  readState(log: string, keys?: readonly string[]): Promise<readonly StoredState[]> {
    return this.#states.read(log, keys);
  }

  writeState(writes: readonly StateWrite[]): Promise<void> {
    return this.#states.write(writes);
  }

  /** Nothing to do: Cassandra lets expired rows go by itself. */
  async expire(): Promise<void> {}

  close(): Promise<void> {
    return this.#connection.close();
  }
}

/** The time at the server that is farthest behind: floors stay behind all of them. */
async function earliestOf(connection: Connection, now: () => number): Promise<number> {
  const skews = await askSkews(connection, now);
  return now() - Math.max(...skews);
}
