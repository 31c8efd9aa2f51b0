// What a logged actor (a room, a user) and its log say to each other. One log per actor: rows with contiguous seqs, and state rows beside them,
// a cache of the log that outlives it. Commands go out as effects of kind `log`, answers come back as messages of kind `log`.
//
// Life: `open` -> `opened` (apply the rows to the state rows: that is the state) -> append, read, save … -> `close` -> `closed`.
// Whatever goes wrong for good is `failed`: the log says nothing more, the actor answers those who wait with UNAVAILABLE and stops; the next
// message starts it again and opens the log anew. Rows that were under way may or may not be there then; only covered rows were ever acked.

/** A row to append. `acceptedMs` is the row's write time, `expiresMs` when it must be gone from every disk (epoch milliseconds). */
export interface NewRow {
  readonly bytes: Uint8Array;
  readonly acceptedMs: number;
  readonly expiresMs: number;
}

/** A row as it is kept. */
export interface LogRow {
  readonly seq: number;
  readonly bytes: Uint8Array;
}

/** A state row: opaque value under a key of at most 128 ASCII characters. */
export interface StateRow {
  readonly key: string;
  readonly value: Uint8Array;
}

/**
 * A change of a state row; value null deletes. `seq` is the seq of the event that it follows from and must be covered; `sub` orders changes
 * without an event of their own behind it (receipts, cursors). The greater (segment, seq, sub) wins, an older one loses silently: so a stale
 * owner's late write changes nothing. At most 1 MiB a value.
 */
export interface StateChange {
  readonly key: string;
  readonly value: Uint8Array | null;
  readonly seq: number;
  readonly sub: number;
}

/** What an actor asks of its log. `token` comes back with the answer. */
export type LogCommand =
  /** First. `create` false: where no log exists nothing is made, and the answer has nextSeq 1 and no state: an actor that then stops leaves no trace. */
  | { readonly kind: 'open'; readonly create: boolean }
  /**
   * Rows for the seqs from `fromSeq` on, which must be the next ones (else the actor has a bug: failed). Several appends may be under way; they
   * become durable together. Answered by `appended`, in order. The first append of a log that does not exist makes it. `restless` (default false):
   * these rows bring something to do for which nobody else will wake the actor. Whoever sweeps wakes it from a minute later on, again and again,
   * until it seals or closes at rest.
   */
  | { readonly kind: 'append'; readonly fromSeq: number; readonly rows: readonly NewRow[]; readonly restless?: boolean }
  /** Changes of state rows, all or none. Answered by `saved`. */
  | { readonly kind: 'save'; readonly token: number; readonly changes: readonly StateChange[] }
  /** Covered rows from_seq <= seq <= through_seq, ascending, cut at `limit` rows or `bytesMax` bytes (at least one row). Answered by `rows`. */
  | {
      readonly kind: 'read';
      readonly token: number;
      readonly fromSeq: number;
      readonly throughSeq: number;
      readonly limit: number;
      readonly bytesMax: number;
      readonly backwards: boolean;
    }
  /** Is the log still this actor's? Answered by `confirmed` once a fence read that began after this said alive; else the log has failed. */
  | { readonly kind: 'confirm'; readonly token: number }
  /** Puts other bytes in the place of a covered row (an emptied body). Idempotent. Rows below the floor are skipped. Answered by `rewritten`. */
  | { readonly kind: 'rewrite'; readonly token: number; readonly rows: readonly LogRow[] }
  /**
   * The answer to `sealing`: everything of the state that is not saved yet. The segment is sealed after these are durable. `restless` (default
   * false): something is left to do, as above.
   */
  | { readonly kind: 'sealed'; readonly changes: readonly StateChange[]; readonly restless?: boolean }
  /** Last. Nothing may be under way. A clean close leaves a stub, so that the same node goes on in the same segment. `restless` as above. */
  | { readonly kind: 'close'; readonly changes: readonly StateChange[]; readonly restless?: boolean };

/** What a log answers. */
export type LogAnswer =
  /**
   * The log is this actor's. `rows`: every row after the newest seq that the state rows are known to cover (`coveredThrough` of the last seal or
   * close), ascending: apply them to the state rows again, which must be idempotent. `floor`: seqs below it have expired. `exists`: there is a log.
   */
  | {
      readonly kind: 'opened';
      readonly exists: boolean;
      readonly state: readonly StateRow[];
      readonly rows: readonly LogRow[];
      readonly nextSeq: number;
      readonly floor: number;
    }
  /** Every row up to and including this seq is durable and covered by the fence: it may be acked, shown, fanned out, written into state. */
  | { readonly kind: 'appended'; readonly throughSeq: number }
  | { readonly kind: 'saved'; readonly token: number }
  /** `next`: go on from this seq; 0 = the range is complete. */
  | {
      readonly kind: 'rows';
      readonly token: number;
      readonly rows: readonly LogRow[];
      readonly floor: number;
      readonly next: number;
    }
  | { readonly kind: 'rewritten'; readonly token: number }
  /** Nobody else had written to the log when this was asked. */
  | { readonly kind: 'confirmed'; readonly token: number }
  /** The segment is full or old and about to be sealed: answer at once with `sealed`. Appends go on meanwhile, they wait. */
  | { readonly kind: 'sealing' }
  | { readonly kind: 'closed' }
  /** The log is lost to this actor: another owner took it (FENCED), or the store failed (UNAVAILABLE). */
  | { readonly kind: 'failed'; readonly code: 'FENCED' | 'UNAVAILABLE' };
