// Rows of logs in Cassandra: plain writes, each with its own timestamp and TTL, so that writing one again changes nothing. Guarantees: once answered a
// row is on a quorum, and later reads return it or a later version until it expires. Says nothing of rows whose write did not answer: one read may see
// such a row and the next one not, and the log rewrites its uncertain tail before it is sealed (rule 10).
import type { types } from 'cassandra-driver';
import type { RowRange, RowWrite, StoredRow } from '#actors/ports/log-store.ts';
import type { Connection, Statement } from './connection.ts';
import { type Retention, ttlSeconds } from './retention.ts';

/** Bytes of rows that leave in one batch; a larger row leaves alone. Well below Cassandra's batch_size_fail_threshold of 50 KiB. */
const batchBytesMax = 32 * 1024;
/** Partitions that share a batch: as many as Cassandra's defaults find right. A request with ten rows costs it, and us, little more than one with one. */
const partitionsMax = 10;
/** Of a row's value before its bytes. */
const headBytes = 8;
/** What a row weighs besides its bytes. */
const rowBytes = 64;
/** Rows of a first page; later ones are as large as the rows seen let them be. */
const pageRows = 128;
const pageRowsMax = 1_000;
const pageBytesMax = 1024 * 1024;

const tables = ['log_rows', 'log_rows_late'] as const;
type RowTable = (typeof tables)[number];

/** An update, not an insert: one cell a row, and so one tombstone where rows have expired and Cassandra has not let them go yet. */
const updates = inEach(
  (table) => `update ${table} using timestamp ? and ttl ? set row = ? where log = ? and segment = ? and seq = ?`,
);
const selects = inEach((table) => ({ up: select(table, 'asc'), down: select(table, 'desc') }));
const selectLate = 'select seq from log_rows_late where log = ? and segment = ? and seq >= ? and seq <= ?';
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
    const found = await this.#connection.inSlot(() => this.#connection.read(selectLate, params));
    return new Set(found.map(({ seq }) => Number(seq)));
  }

  /** Rows of one partition, those of each table in pieces. */
  #pieces({ log, segment, rows }: RowWrite, late: ReadonlySet<number>): Piece[] {
    const now = this.#now();
    const { windowMs, slackMs } = this.#retention;
    const pieces = inEach(() => new Pieces());
    for (const row of rows) {
      const ttl = ttlSeconds(row.expiresMs, { now, slackMs });
      if (ttl === null) continue;
      const isLate = now - row.writeMicros / 1000 > windowMs;
      const params = [BigInt(row.writeMicros), ttl, encode(row), log, segment, BigInt(row.seq)];
      for (const table of tables) {
        if (table === 'log_rows' ? isLate : !isLate && !late.has(row.seq)) continue;
        pieces[table].add({ query: updates[table], params }, row.bytes.length + rowBytes);
      }
    }
    return tables.flatMap((table) => pieces[table].all);
  }

  async read(log: string, segment: number, range: RowRange): Promise<readonly StoredRow[]> {
    const { from, through, limit, bytesMax, backwards } = range;
    const params = [log, segment, BigInt(from), BigInt(Math.min(through, Number.MAX_SAFE_INTEGER))];
    const cursors = tables.map((table) => {
      const query = selects[table][backwards ? 'down' : 'up'];
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

/** Rows of one partition. */
interface Piece {
  readonly statements: Statement[];
  bytes: number;
}

/** Rows of one partition in pieces that are not too large. */
class Pieces {
  readonly all: Piece[] = [];

  add(statement: Statement, bytes: number): void {
    const last = this.all.at(-1);
    if (last === undefined || last.bytes + bytes > batchBytesMax) {
      this.all.push({ statements: [statement], bytes });
      return;
    }
    last.statements.push(statement);
    last.bytes += bytes;
  }
}

/** Small pieces share batches, in which each is written or not by itself. */
function together(pieces: readonly Piece[]): Statement[][] {
  const batches: Statement[][] = [];
  let [bytes, count] = [0, partitionsMax];
  for (const piece of pieces) {
    if (count === partitionsMax || bytes + piece.bytes > batchBytesMax) {
      batches.push(piece.statements);
      [bytes, count] = [piece.bytes, 1];
    } else {
      batches.at(-1)!.push(...piece.statements);
      bytes += piece.bytes;
      count++;
    }
  }
  return batches;
}

/** All of them have ended when this does: what is under way is never more than the caller knows of. */
async function allOf(asked: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(asked)) if (result.status === 'rejected') throw result.reason;
}

/** Rows of one table in the order asked for, page by page. */
class Cursor {
  readonly #connection: Connection;
  readonly #statement: Statement;
  #rows: StoredRow[] = [];
  #at = 0;
  #pageRows: number;
  #next: string | null = null;
  #begun = false;

  constructor(connection: Connection, { statement, rows }: { statement: Statement; rows: number }) {
    this.#connection = connection;
    this.#statement = statement;
    this.#pageRows = rows;
  }

  /** Nothing is at hand, but there may be more. */
  get isEmpty(): boolean {
    return this.#at === this.#rows.length && !(this.#begun && this.#next === null);
  }

  get first(): StoredRow | undefined {
    return this.#rows[this.#at];
  }

  pass(): void {
    this.#at++;
  }

  async fill(): Promise<void> {
    const { rows, next } = await this.#connection.page(this.#statement, { rows: this.#pageRows, from: this.#next });
    this.#begun = true;
    this.#next = next;
    this.#rows = rows.map(rowOf);
    this.#at = 0;
    const bytes = this.#rows.reduce((sum, row) => sum + row.bytes.length + rowBytes, 0);
    if (rows.length > 0)
      this.#pageRows = Math.max(16, Math.min(pageRowsMax, Math.floor((pageBytesMax * rows.length) / bytes)));
  }
}

async function fillAll(cursors: readonly Cursor[]): Promise<void> {
  await Promise.all(cursors.map((cursor) => (cursor.isEmpty ? cursor.fill() : null)));
}

/** The next row of both tables; of two versions the later one, at a tie the larger bytes, as Cassandra itself decides within one table. */
function takeNext(cursors: readonly Cursor[], backwards: boolean): StoredRow | null {
  let next: StoredRow | null = null;
  for (const { first } of cursors) {
    if (first === undefined) continue;
    if (next === null || (backwards ? first.seq > next.seq : first.seq < next.seq)) next = first;
    else if (first.seq === next.seq && isLater(first, next)) next = first;
  }
  for (const cursor of cursors) if (cursor.first?.seq === next?.seq) cursor.pass();
  return next;
}

function isLater(a: StoredRow, b: StoredRow): boolean {
  if (a.writeMicros !== b.writeMicros) return a.writeMicros > b.writeMicros;
  return Buffer.compare(a.bytes, b.bytes) > 0;
}

function rowOf(row: types.Row): StoredRow {
  const value = row.row as Buffer;
  return {
    seq: Number(row.seq),
    bytes: bytesOf(value.subarray(headBytes)),
    writeMicros: Number(row.written),
    expiresMs: Number(value.readBigUInt64BE()),
  };
}

/** When it expires, then the bytes. */
function encode({ expiresMs, bytes }: StoredRow): Buffer {
  const value = Buffer.allocUnsafe(headBytes + bytes.length);
  value.writeBigUInt64BE(BigInt(Math.floor(expiresMs)));
  value.set(bytes, headBytes);
  return value;
}

/** Bytes for the driver, which knows Buffers only. */
export function blob(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Bytes of the driver, as the ports give them. */
export function bytesOf(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

function select(table: RowTable, order: 'asc' | 'desc'): string {
  return `select seq, row, writetime(row) as written from ${table}
    where log = ? and segment = ? and seq >= ? and seq <= ? order by seq ${order}`;
}

function inEach<T>(make: (table: RowTable) => T): Record<RowTable, T> {
  return { log_rows: make('log_rows'), log_rows_late: make('log_rows_late') };
}
