// State rows in Cassandra: plain writes whose order is in the rows. Guarantees: the greater (segment, seq, sub) wins, whatever arrives when, deletions
// too; rows of one log are written all or none. How that is kept stands at `log_state` in schema.cql.
import assert from 'node:assert';
import type { types } from 'cassandra-driver';
import type { StateStamp, StateWrite, StoredState } from '#actors/ports/state-store.ts';
import { bytesOf } from './bytes.ts';
import type { Connection, Statement } from './connection.ts';

const seqEnd = 2 ** 40;
const segmentEnd = 2 ** 23;
const seqBits = 40n;
/** `sub`, then whether there is a value. */
const headBytes = 9;
/** Rows may be as large as 1 MiB. */
const pageRows = 32;

const update = 'update log_state using timestamp ? set value = ? where log = ? and key = ?';
const columns = 'select key, value, writetime(value) as written from log_state';

export class LogStates {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async write(writes: readonly StateWrite[]): Promise<void> {
    const written = writes.map(({ log, rows }) => {
      const statements = rows.map(
        (row): Statement => ({ query: update, params: [timestampOf(row), encode(row), log, row.key] }),
      );
      return this.#connection.inSlot(() => this.#connection.writeTogether(statements));
    });
    for (const result of await Promise.allSettled(written)) if (result.status === 'rejected') throw result.reason;
  }

  async read(log: string, keys?: readonly string[]): Promise<readonly StoredState[]> {
    if (keys?.length === 0) return [];
    const statement =
      keys === undefined
        ? { query: `${columns} where log = ?`, params: [log] }
        : { query: `${columns} where log = ? and key in ?`, params: [log, keys] };
    const found: StoredState[] = [];
    let from: string | null = null;
    do {
      const page = await this.#connection.page(statement, { rows: pageRows, from });
      for (const row of page.rows) {
        const state = decode(row);
        if (state !== null) found.push(state);
      }
      from = page.next;
    } while (from !== null);
    return found;
  }
}

/** Cassandra keeps the greater timestamp. */
export function timestampOf({ segment, seq }: StateStamp): bigint {
  assert(segment >= 0 && segment < segmentEnd && seq >= 0 && seq < seqEnd, 'a state stamp out of bounds');
  return (BigInt(segment) << seqBits) | BigInt(seq);
}

/** At equal timestamps Cassandra keeps the larger value. */
function encode({ sub, value }: { readonly sub: number; readonly value: Uint8Array | null }): Buffer {
  const bytes = Buffer.alloc(headBytes + (value?.length ?? 0));
  bytes.writeBigUInt64BE(BigInt(sub));
  bytes[headBytes - 1] = value === null ? 0 : 1;
  if (value !== null) bytes.set(value, headBytes);
  return bytes;
}

function decode({ key, value, written }: types.Row): StoredState | null {
  const bytes = value as Buffer;
  if (bytes[headBytes - 1] === 0) return null;
  const timestamp = written as bigint;
  return {
    key: key as string,
    segment: Number(timestamp >> seqBits),
    seq: Number(timestamp & ((1n << seqBits) - 1n)),
    sub: Number(bytes.readBigUInt64BE()),
    value: bytesOf(bytes.subarray(headBytes)),
  };
}
