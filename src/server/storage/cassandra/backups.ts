// Backups in Cassandra: a user's head and entries are one partition, so that each change of either is one conditional batch: of the head on its revision,
// of entries on that and the number of puts under it. Guarantees: the bounds hold exactly, over all nodes; a head that replaces a version takes its
// entries away in the same change, by one range tombstone below the version in force, which no read passes over: each names one version.
import { setTimeout as sleep } from 'node:timers/promises';
import type { types } from 'cassandra-driver';
import {
  type BackupHead,
  type BackupPut,
  type BackupRange,
  type BackupStore,
  byKey,
  cutPage,
  type EntryPage,
  entryOf,
  type KeptBackup,
  keysOf,
  type PutResult,
  type SealedEntry,
  sizeAfter,
} from '../backups.ts';
import { StorageError } from '../store.ts';
import { blob, bytesOf } from './bytes.ts';
import type { Connection, Statement } from './connection.ts';
import { Turns } from './turns.ts';

/** The head's row. */
const headRow = "user_id = ? and version = 0 and item = ''";
const select = `select revision, in_force, last_version, header, hash, openings, puts, entry_count, byte_count from backups where ${headRow}`;
const selectCounts = `select revision, in_force, puts, entry_count, byte_count from backups where ${headRow}`;
const selectSizes = 'select item, size from backups where user_id = ? and version = ? and item in ?';
const selectPage = 'select item, sealed from backups where user_id = ? and version = ? and item > ? and item < ?';
const updateHead = `update backups set revision = ?, in_force = ?, last_version = ?, header = ?, hash = ?, openings = ?
  where ${headRow} if revision = ?`;
const beginAnew = `update backups set puts = 0, entry_count = 0, byte_count = 0 where ${headRow}`;
const updateCounts = `update backups set puts = ?, entry_count = ?, byte_count = ? where ${headRow} if revision = ? and puts = ?`;
const insertEntry = 'insert into backups (user_id, version, item, size, sealed) values (?, ?, ?, ?, ?)';
const removeBelow = 'delete from backups where user_id = ? and version > 0 and version < ?';

/** A put that meets another node's change of the same backup begins anew, so often at most; of those who meet one gets through each time. */
const triesMax = 10;
/** Milliseconds up to which one waits before that, times the tries. */
const waitMs = 20;
/** Entries are a few hundred bytes to 8 KiB. */
const pageRows = 32;

export class CassandraBackups implements BackupStore {
  readonly #connection: Connection;
  /** What is read is changed by nobody else in this process meanwhile. */
  readonly #turns = new Turns();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async readHead(user: string): Promise<KeptBackup | null> {
    const [row] = await this.#connection.readSerial(select, [user]);
    if (row === undefined) return null;
    const { revision, version, entries, bytes } = countsOf(row);
    return {
      ...{ revision, version, entries, bytes },
      lastVersion: Number(row.last_version),
      header: bytesOf(row.header),
      hash: bytesOf(row.hash),
      openings: JSON.parse(row.openings as string),
    };
  }

  changeHead(user: string, head: BackupHead): Promise<boolean> {
    return this.#turns.run(user, async () => {
      const before = await this.#counts(user);
      const { revision, version, lastVersion, header, hash, openings } = head;
      if ((before?.revision ?? 0) !== revision - 1) return false;
      const values = [
        ...[revision, version, lastVersion].map(BigInt),
        blob(header),
        blob(hash),
        JSON.stringify(openings),
      ];
      const expected = before === null ? null : BigInt(before.revision);
      const statements: Statement[] = [{ query: updateHead, params: [...values, user, expected] }];
      if (before?.version !== version) statements.push({ query: beginAnew, params: [user] });
      if (before !== null && before.version > 0 && before.version !== version)
        statements.push({ query: removeBelow, params: [user, BigInt(before.version + 1)] });
      return await this.#connection.changeTogether(`backup ${user}`, statements);
    });
  }

  async put(user: string, put: BackupPut): Promise<PutResult> {
    for (let tries = 1; tries <= triesMax; tries++) {
      const result = await this.#turns.run(user, () => this.#tryPut(user, put));
      if (result !== null) return result;
      await sleep(Math.random() * waitMs * tries);
    }
    throw new StorageError('UNANSWERED', 'Others change the same backup all the time');
  }

  async page(user: string, range: BackupRange): Promise<EntryPage> {
    const params = [user, BigInt(range.version), ...keysOf(range)];
    const rows: SealedEntry[] = [];
    let from: string | null = null;
    let bytes = 0;
    do {
      const found = await this.#connection.page({ query: selectPage, params }, { rows: pageRows, from });
      for (const { item, sealed } of found.rows) {
        rows.push(entryOf(item as string, bytesOf(sealed)));
        bytes += (sealed as Buffer).length;
      }
      from = found.next;
    } while (from !== null && rows.length < range.limit && bytes <= range.bytesMax);
    return cutPage(rows, range, from === null);
  }

  /** They went with the change that replaced them. */
  async sweep(): Promise<boolean> {
    return false;
  }

  /** null = somebody changed the backup meanwhile. */
  async #tryPut(user: string, { version, entries, ...bounds }: BackupPut): Promise<PutResult | null> {
    const kept = await this.#counts(user);
    if (kept === null || version === 0 || kept.version !== version) return 'stale';
    const wanted = byKey(entries);
    const sizes = await this.#sizes(user, version, [...wanted.keys()]);
    const size = sizeAfter(kept, wanted, { ...bounds, before: (key) => sizes.get(key) });
    if (size === null) return 'full';
    const counts = [
      BigInt(kept.puts + 1),
      size.entries,
      BigInt(size.bytes),
      user,
      BigInt(kept.revision),
      BigInt(kept.puts),
    ];
    const statements: Statement[] = [{ query: updateCounts, params: counts }];
    for (const [key, sealed] of wanted)
      statements.push({ query: insertEntry, params: [user, BigInt(version), key, sealed.length, blob(sealed)] });
    return (await this.#connection.changeTogether(`backup ${user}`, statements)) ? 'kept' : null;
  }

  /** Serial: what was decided before is committed to a quorum then, so that the plain reads that follow see all of this revision. */
  async #counts(user: string) {
    const [row] = await this.#connection.readSerial(selectCounts, [user]);
    return row === undefined ? null : countsOf(row);
  }

  async #sizes(user: string, version: number, keys: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#connection.read(selectSizes, [user, BigInt(version), keys]);
    return new Map(rows.map(({ item, size }) => [item as string, size as number]));
  }
}

function countsOf(row: types.Row) {
  const { revision, in_force, puts, entry_count, byte_count } = row;
  return {
    revision: Number(revision),
    version: Number(in_force),
    puts: Number(puts ?? 0),
    entries: entry_count as number,
    bytes: Number(byte_count),
  };
}
