// Rows of logs in Cassandra: plain writes, each with its own timestamp and TTL, so that writing one again changes nothing. Guarantees: once answered a
// row is on a quorum, and later reads return it or a later version until it expires. Says nothing of rows whose write did not answer: one read may see
// such a row and the next one not, and the log rewrites its uncertain tail before it is sealed (rule 10).
import type { RowRange, RowWrite, StoredRow } from '#actors/ports/log-store.ts';
import type { Connection } from './connection.ts';
import { type Retention, ttlSeconds } from './retention.ts';
import { type Batch, type Piece, Pieces, together } from './rows/batches.ts';
import { Cursor, fillAll, takeNext } from './rows/cursor.ts';
import type { Parts } from './rows/parts.ts';
import { Replicas } from './rows/replicas.ts';
import { encodeRow, rowBytes } from './rows/row.ts';
import { tablesOfLog } from './rows/tables.ts';

const none: ReadonlySet<number> = new Set();

/** What is needed of a connection. */
export type RowConnection = Pick<Connection, 'inSlot' | 'writeTogether' | 'read' | 'page' | 'ring'>;

export class LogRows {
  readonly #connection: RowConnection;
  readonly #retention: Retention;
  readonly #now: () => number;
  readonly #replicas: Replicas;

  constructor(connection: RowConnection, { retention, now }: { retention: Retention; now: () => number }) {
    this.#connection = connection;
    this.#retention = retention;
    this.#now = now;
    this.#replicas = new Replicas(connection.ring);
  }

  /** `parts` hears what becomes of each write. */
  async write(writes: readonly RowWrite[], parts: Parts): Promise<void> {
    const fresh: Piece[] = [];
    const asked: Promise<void>[] = [];
    for (const [at, write] of writes.entries()) {
      if (write.replace) asked.push(this.#replace(at, write, parts));
      else fresh.push(...this.#pieces(at, write, none));
    }
    await allOf([this.#send(fresh, parts), ...asked]);
  }

  async #replace(at: number, write: RowWrite, parts: Parts): Promise<void> {
    parts.began(at);
    await this.#send(this.#pieces(at, write, await this.#lateOf(write)), parts);
    parts.ended(at);
  }

  async #send(pieces: readonly Piece[], parts: Parts): Promise<void> {
    for (const { at } of pieces) parts.began(at);
    await allOf(together(pieces).map((batch) => this.#connection.inSlot(() => this.#sendBatch(batch, parts))));
  }

  async #sendBatch({ statements, of }: Batch, parts: Parts): Promise<void> {
    await this.#connection.writeTogether(statements);
    for (const at of of) parts.ended(at);
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
  #pieces(at: number, { log, segment, rows }: RowWrite, late: ReadonlySet<number>): Piece[] {
    if (rows.length === 0) return [];
    const now = this.#now();
    const tables = tablesOfLog(log);
    const { slackMs, lateMs } = this.#retention;
    const place = { at, replicas: this.#replicas.of(log, segment) };
    const [inTimePieces, latePieces] = [new Pieces(place), new Pieces(place)];
    for (const row of rows) {
      const ttl = ttlSeconds(row.expiresMs, { now, slackMs });
      if (ttl === null) continue;
      const isLate = now - row.writeMicros / 1000 > lateMs;
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
      return new Cursor(this.#connection, { statement: { query, params }, wanted: { rows: limit, bytes: bytesMax } });
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
