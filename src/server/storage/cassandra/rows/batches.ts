// How rows leave: those of one partition in pieces that are not too large, small pieces of several partitions in one request.
import type { Statement } from '../connection.ts';

/** Bytes of rows that leave in one batch; a larger row leaves alone. Well below Cassandra's batch_size_fail_threshold of 50 KiB. */
export const batchBytesMax = 32 * 1024;
/** Partitions that share a batch: as many as Cassandra's defaults find right. A request with ten rows costs it, and us, little more than one with one. */
export const partitionsMax = 10;

/** Rows of one partition. */
export interface Piece {
  readonly statements: Statement[];
  bytes: number;
}

/** Rows of one partition in pieces that are not too large. */
export class Pieces {
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
export function together(pieces: readonly Piece[]): Statement[][] {
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
