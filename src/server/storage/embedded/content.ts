// Rows of content, in one lmdb file per week in which they expire. Guarantees: a row is durable in its file when the write resolves; from the end of
// its week on the file is gone, and with it every byte, also those of emptied bodies. Does not know which weeks hold a segment's rows: its caller does.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { RowRange, StoredRow } from '#actors/ports/log-store.ts';
import { Environment, type Shared } from './environment.ts';
import { RowKeys } from './keys.ts';
import { endOfWeek, parseWeek, weekName } from './week.ts';

const extension = '.lmdb';
const headBytes = 16;

export class Content {
  readonly #folder: string;
  readonly #shared: Shared;
  /** Weeks that have a file, opened at first use. */
  readonly #weeks = new Map<number, Environment | null>();

  /** The folder must exist. */
  constructor(folder: string, shared: Shared) {
    this.#folder = folder;
    this.#shared = shared;
    for (const file of readdirSync(folder)) {
      const week = file.endsWith(extension) ? parseWeek(file.slice(0, -extension.length)) : null;
      if (week !== null) this.#weeks.set(week, null);
    }
  }

  /** New rows that all expire in this week. */
  write(week: number, rows: Iterable<readonly [RowKeys, StoredRow]>): Promise<unknown> {
    const environment = this.#environment(week, true)!;
    let written: Promise<unknown> = Promise.resolve();
    for (const [keys, row] of rows) written = environment.put(keys.of(row.seq), encodeRow(row));
    // All puts of one turn share one commit; the last one's promise is everyone's.
    return environment.written(written);
  }

  /** Rows that may be there already: the later version stays, at a tie the larger bytes. */
  async replace(week: number, rows: Iterable<readonly [RowKeys, StoredRow]>): Promise<void> {
    await this.#environment(week, true)!.change((change) => {
      for (const [keys, row] of rows) {
        const key = keys.of(row.seq);
        const before = change.get(key);
        if (before === undefined || isLater(row, before)) change.put(key, encodeRow(row));
      }
    });
  }

  /** Rows of one segment in one week, in the order asked for; expired ones are left out. */
  *read(week: number, keys: RowKeys, { from, through, backwards }: RowRange, now: number): Generator<StoredRow> {
    const environment = this.#environment(week, false);
    if (environment === null) return;
    // Exclusive ends; seqs begin at 1.
    const range = backwards
      ? { start: keys.of(through), end: keys.of(from - 1), reverse: true }
      : { start: keys.of(from), end: keys.of(through + 1) };
    for (const { key, value } of environment.range(range)) {
      const row = decodeRow(RowKeys.seqOf(key), value);
      if (row.expiresMs > now) yield row;
    }
  }

  /** Closes and removes the files of weeks that are over. */
  async expire(now: number): Promise<void> {
    for (const [week, environment] of this.#weeks) {
      if (endOfWeek(week) > now) continue;
      this.#weeks.delete(week);
      await environment?.close();
      for (const suffix of ['', '-lock']) rmSync(this.#path(week) + suffix, { force: true });
    }
  }

  async close(): Promise<void> {
    for (const environment of this.#weeks.values()) await environment?.close();
  }

  #environment(week: number, make: boolean): Environment | null {
    const known = this.#weeks.get(week);
    if (known != null || (known === undefined && !make)) return known ?? null;
    const environment = make ? this.#make(week) : new Environment(this.#path(week), this.#shared);
    this.#weeks.set(week, environment);
    return environment;
  }

  /** A file that can't be made is a write that failed. */
  #make(week: number): Environment {
    try {
      return new Environment(this.#path(week), this.#shared);
    } catch (cause) {
      throw this.#shared.failure.note(cause);
    }
  }

  #path(week: number): string {
    return join(this.#folder, weekName(week) + extension);
  }
}

function encodeRow({ bytes, writeMicros, expiresMs }: StoredRow): Buffer {
  const value = Buffer.allocUnsafe(headBytes + bytes.length);
  value.writeDoubleBE(writeMicros, 0);
  value.writeDoubleBE(expiresMs, 8);
  value.set(bytes, headBytes);
  return value;
}

function decodeRow(seq: number, value: Buffer): StoredRow {
  const bytes = new Uint8Array(value.subarray(headBytes));
  return { seq, bytes, writeMicros: value.readDoubleBE(0), expiresMs: value.readDoubleBE(8) };
}

function isLater(row: StoredRow, before: Buffer): boolean {
  const micros = before.readDoubleBE(0);
  if (row.writeMicros !== micros) return row.writeMicros > micros;
  return Buffer.compare(row.bytes, before.subarray(headBytes)) > 0;
}
