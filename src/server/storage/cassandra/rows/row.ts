// A row of a log as it lies in its one cell: when it expires, then its bytes. Its time of writing is the cell's own.
import type { types } from 'cassandra-driver';
import type { StoredRow } from '#actors/ports/log-store.ts';
import { bytesOf } from '../bytes.ts';

/** Of a row's value before its bytes. */
const headBytes = 8;
/** What a row weighs besides its bytes. */
export const rowBytes = 64;

export function encodeRow({ expiresMs, bytes }: StoredRow): Buffer {
  const value = Buffer.allocUnsafe(headBytes + bytes.length);
  value.writeBigUInt64BE(BigInt(Math.floor(expiresMs)));
  value.set(bytes, headBytes);
  return value;
}

export function decodeRow(row: types.Row): StoredRow {
  const value = row.row as Buffer;
  return {
    seq: Number(row.seq),
    bytes: bytesOf(value.subarray(headBytes)),
    writeMicros: Number(row.written),
    expiresMs: Number(value.readBigUInt64BE()),
  };
}
