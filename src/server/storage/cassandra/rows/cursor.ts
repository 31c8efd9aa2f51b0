// Reads rows of one segment from its tables, page by page, as one sequence. Guarantees: in the order asked for; of two versions of a row the one
// that counts.
import type { StoredRow } from '#actors/ports/log-store.ts';
import type { Connection, Statement } from '../connection.ts';
import { decodeRow } from './row.ts';

/** Rows of a first page; later ones are as large as the rows seen, and the bytes that are wanted, let them be. */
const [pageRowsMin, pageRows, pageRowsMax] = [16, 32, 1_000];
const pageBytesMax = 1024 * 1024;

/** What a row of a first page is taken to weigh. Cassandra counts pages in rows, and one may weigh from a hundred bytes to 48 KiB. */
const rowBytesGuess = 8 * 1024;

/** How much is wanted: at most so many rows, of together so many bytes. */
export interface Wanted {
  readonly rows: number;
  readonly bytes: number;
}

/** Rows of one table in the order asked for, page by page. */
export class Cursor {
  readonly #connection: Pick<Connection, 'page'>;
  readonly #statement: Statement;
  #rows: StoredRow[] = [];
  #at = 0;
  readonly #bytes: number;
  #pageRows: number;
  #next: string | null = null;
  #begun = false;

  constructor(connection: Pick<Connection, 'page'>, { statement, wanted }: { statement: Statement; wanted: Wanted }) {
    this.#connection = connection;
    this.#statement = statement;
    this.#bytes = Math.min(wanted.bytes, pageBytesMax);
    this.#pageRows = Math.min(wanted.rows, pageRows, Math.ceil(wanted.bytes / rowBytesGuess));
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
    const bytes = this.#rows.reduce((sum, row) => sum + row.bytes.length, 0);
    if (rows.length > 0)
      this.#pageRows = Math.max(pageRowsMin, Math.min(pageRowsMax, Math.floor((this.#bytes * rows.length) / bytes)));
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
