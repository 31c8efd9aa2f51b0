// How rows leave: those of one partition in pieces that are not too large, small pieces of several partitions in one request. Guarantees: what shares a
// request has the same replicas, so that servers that are lost take with them only what they hold.
import type { Statement } from '../connection.ts';

/** Bytes of rows that leave in one batch; a larger row leaves alone. Well below Cassandra's batch_size_fail_threshold of 50 KiB. */
export const batchBytesMax = 32 * 1024;
/** Partitions that share a batch: as many as Cassandra's defaults find right. A request with ten rows costs it, and us, little more than one with one. */
export const partitionsMax = 10;

/** Rows of one partition, of one write. */
export interface Piece {
  /** The place of the write in its call. */
  readonly at: number;
  /** The partition's replicas, by one name. */
  readonly replicas: string;
  readonly statements: Statement[];
  bytes: number;
}

/** What leaves in one request. */
export interface Batch {
  readonly statements: Statement[];
  /** Places of the writes of which something is in it. */
  readonly of: number[];
}

/** Rows of one partition in pieces that are not too large. */
export class Pieces {
  readonly all: Piece[] = [];
  readonly #of: Pick<Piece, 'at' | 'replicas'>;

  constructor(of: Pick<Piece, 'at' | 'replicas'>) {
    this.#of = of;
  }

  add(statement: Statement, bytes: number): void {
    const last = this.all.at(-1);
    if (last === undefined || last.bytes + bytes > batchBytesMax) {
      this.all.push({ ...this.#of, statements: [statement], bytes });
      return;
    }
    last.statements.push(statement);
    last.bytes += bytes;
  }
}

/** Small pieces of the same replicas share batches, in which each is written or not by itself. */
export function together(pieces: readonly Piece[]): Batch[] {
  const batches: Batch[] = [];
  const open = new Map<string, { readonly batch: Batch; bytes: number }>();
  for (const { at, replicas, statements, bytes } of pieces) {
    const last = open.get(replicas);
    if (last === undefined || last.batch.of.length === partitionsMax || last.bytes + bytes > batchBytesMax) {
      const batch = { statements: [...statements], of: [at] };
      batches.push(batch);
      open.set(replicas, { batch, bytes });
    } else {
      last.batch.statements.push(...statements);
      last.batch.of.push(at);
      last.bytes += bytes;
    }
  }
  return batches;
}
