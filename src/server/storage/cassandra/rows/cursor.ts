// Reads rows of one segment from its tables, page by page, as one sequence. Guarantees: in the order asked for; of two versions of a row the one
// that counts.
import type { StoredRow } from '#actors/ports/log-store.ts';
import type { Connection, Statement } from '../connection.ts';
import { decodeRow, rowBytes } from './row.ts';

/** Rows of a first page; later ones are as large as the rows seen let them be. */
export const pageRows = 128;
const pageRowsMax = 1_000;
const pageBytesMax = 1024 * 1024;

/** Rows of one table in the order asked for, page by page. */
export class Cursor {
  readonly #connection: Pick<Connection, 'page'>;
  readonly #statement: Statement;
  #rows: StoredRow[] = [];
  #at = 0;
  #pageRows: number;
  #next: string | null = null;
  #begun = false;

  constructor(connection: Pick<Connection, 'page'>, { statement, rows }: { statement: Statement; rows: number }) {
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
    this.#rows = rows.map(decodeRow);
    this.#at = 0;
    const bytes = this.#rows.reduce((sum, row) => sum + row.bytes.length + rowBytes, 0);
    if (rows.length > 0)
      this.#pageRows = Math.max(16, Math.min(pageRowsMax, Math.floor((pageBytesMax * rows.length) / bytes)));
  }
}

/** Each of them has a row at hand, or no more. */
export async function fillAll(cursors: readonly Cursor[]): Promise<void> {
  await Promise.all(cursors.map((cursor) => (cursor.isEmpty ? cursor.fill() : null)));
}

/** The next row of both tables; of two versions the later one, at a tie the larger bytes, as Cassandra itself decides within one table. */
export function takeNext(cursors: readonly Cursor[], backwards: boolean): StoredRow | null {
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
