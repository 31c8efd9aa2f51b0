// The list of segments of each log, in one row that changes by its version only (rule 6). A change that does not answer may have happened: the caller
// reads again, and a read at LOCAL_SERIAL sees it or makes sure that it never happens.
import type { LogMeta, Segment } from '#actors/ports/log-store.ts';
import type { Connection } from './connection.ts';

const select = 'select version, next_segment, segments from log_meta where log = ?';
const insert = 'insert into log_meta (log, version, next_segment, segments) values (?, ?, ?, ?) if not exists';
const update = 'update log_meta set version = ?, next_segment = ?, segments = ? where log = ? if version = ?';

export class LogMetas {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async read(log: string): Promise<LogMeta | null> {
    const [row] = await this.#connection.readSerial(select, [log]);
    if (row === undefined) return null;
    const segments = JSON.parse(row.segments as string) as Segment[];
    return { version: Number(row.version), nextSegment: row.next_segment as number, segments };
  }

  async change(log: string, { version, nextSegment, segments }: LogMeta): Promise<boolean> {
    const [is, was, list] = [BigInt(version), BigInt(version - 1), JSON.stringify(segments)];
    const statement =
      version === 1
        ? { query: insert, params: [log, is, nextSegment, list] }
        : { query: update, params: [is, nextSegment, list, log, was] };
    return (await this.#connection.change(`log_meta ${log}`, statement)).applied;
  }
}
