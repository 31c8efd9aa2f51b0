// Rows of logs in Cassandra: plain writes, each with its own timestamp and TTL, so that writing one again changes nothing. Guarantees: once answered a
// row is on a quorum, and later reads return it or a later version until it expires. Says nothing of rows whose write did not answer: one read may see
// such a row and the next one not, and the log rewrites its uncertain tail before it is sealed (rule 10).
import type { RowRange, RowWrite, StoredRow } from '#actors/ports/log-store.ts';
import type { Connection } from './connection.ts';
import { type Retention, ttlSeconds } from './retention.ts';
import { type Piece, Pieces, together } from './rows/batches.ts';
import { Cursor, fillAll, pageRows, takeNext } from './rows/cursor.ts';
import { encodeRow, rowBytes } from './rows/row.ts';
import { tablesOfLog } from './rows/tables.ts';

const none: ReadonlySet<number> = new Set();

export class LogRows {
  readonly #connection: Connection;
  readonly #retention: Retention;
  readonly #now: () => number;

  constructor(connection: Connection, { retention, now }: { retention: Retention; now: () => number }) {
    this.#connection = connection;
    this.#retention = retention;
    this.#now = now;
  }

  async write(writes: readonly RowWrite[]): Promise<void> {
    const fresh = writes.filter(({ replace }) => !replace).flatMap((write) => this.#pieces(write, none));
    const replacing = writes.filter(({ replace }) => replace);
    const written = replacing.map(async (write) => this.#send(this.#pieces(write, await this.#lateOf(write))));
    await allOf([this.#send(fresh), ...written]);
  }

  async #send(pieces: readonly Piece[]): Promise<void> {
    const batches = together(pieces);
    await allOf(batches.map((batch) => this.#connection.inSlot(() => this.#connection.writeTogether(batch))));
  }

  /** Which of these rows have a version that came late: what empties it must lie beside it, or its bytes can't be let go (garbagecollect). */
  async #lateOf({ log, segment, rows }: RowWrite): Promise<ReadonlySet<number>> {
    if (rows.length === 0) return none;
    const seqs = rows.map(({ seq }) => seq);
    const params = [log, segment, BigInt(Math.min(...seqs)), BigInt(Math.max(...seqs))];
    const found = await this.#connection.inSlot(() => this.#connection.read(tablesOfLog(log).selectLate, params));
    return new Set(found.map(({ seq }) => Number(seq)));
  }

  /** Rows of one partition, those of each table in pieces. */
  #pieces({ log, segment, rows }: RowWrite, late: ReadonlySet<number>): Piece[] {
    const now = this.#now();
    const tables = tablesOfLog(log);
    const { slackMs, [tables.kind]: kept } = this.#retention;
    const [inTimePieces, latePieces] = [new Pieces(), new Pieces()];
    for (const row of rows) {
      const ttl = ttlSeconds(row.expiresMs, { now, slackMs });
      if (ttl === null) continue;
      const isLate = now - row.writeMicros / 1000 > kept.windowMs;
      const params = [BigInt(row.writeMicros), ttl, encodeRow(row), log, segment, BigInt(row.seq)];
      const bytes = row.bytes.length + rowBytes;
      if (!isLate) inTimePieces.add({ query: tables.inTime.update, params }, bytes);
      if (isLate || late.has(row.seq)) latePieces.add({ query: tables.late.update, params }, bytes);
    }
    return [...inTimePieces.all, ...latePieces.all];
  }

  async read(log: string, segment: number, range: RowRange): Promise<readonly StoredRow[]> {
    const { from, through, limit, bytesMax, backwards } = range;
    const params = [log, segment, BigInt(from), BigInt(Math.min(through, Number.MAX_SAFE_INTEGER))];
    const { inTime, late } = tablesOfLog(log);
    const cursors = [inTime, late].map((table) => {
      const query = backwards ? table.down : table.up;
      return new Cursor(this.#connection, { statement: { query, params }, rows: Math.min(limit, pageRows) });
    });
    const now = this.#now();
    const found: StoredRow[] = [];
    let bytes = 0;
    while (found.length < limit) {
      for (const cursor of cursors) if (cursor.isEmpty) await fillAll(cursors);
      const row = takeNext(cursors, backwards);
      if (row === null) break;
      if (row.expiresMs <= now) continue;
      bytes += row.bytes.length;
      if (bytes > bytesMax && found.length > 0) break;
      found.push(row);
    }
    return backwards ? found.reverse() : found;
  }
}

/** All of them have ended when this does: what is under way is never more than the caller knows of. */
async function allOf(asked: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(asked)) if (result.status === 'rejected') throw result.reason;
}
