// What the server needs of a store: the ports of logs, their state and their owners, and an end. Memory and embedded are two; contract.ts is what
// both must do.
import type { LogStore, OwnershipStore } from '#actors/ports/log-store.ts';
import type { StateStore } from '#actors/ports/state-store.ts';

export interface Store extends LogStore, StateStore, OwnershipStore {
  /** Calls of `writeRows` under way at once that pay; more are gathered meanwhile. One disk: two, one being synced and one being made ready. */
  readonly writeCallsMax: number;
  /** A call of `writeRows` that takes longer, milliseconds, does not count among them any more. Infinity where all of them wait for the same disk. */
  readonly slowCallMs: number;
  /** Lets bytes of rows go from the disk that have expired. To be called at start and every hour; cheap when there is nothing to do. */
  expire(): Promise<void>;
  /** Waits for what was asked, then lets go of everything. */
  close(): Promise<void>;
}

/** Why a store can't be used. `text` is for the operator. */
export type StorageErrorCode =
  /** Another process has the folder. */
  | 'LOCKED'
  /** The folder or the keyspace was written by a newer version of this program. */
  | 'NEWER'
  /** The folder or the keyspace can't be read or written, or holds something else. */
  | 'UNUSABLE'
  /** At start: no server of the store answers, or too few. */
  | 'UNREACHABLE'
  /** The store did not answer, or only that it could not. What was asked may have happened, may happen later, or never. */
  | 'UNANSWERED'
  /** A write did not reach the disk. */
  | 'WRITE_FAILED'
  /** The store was closed. */
  | 'CLOSED';

/** The one error class of the server's stores; `code` is stable, the text is not. */
export class StorageError extends Error {
  readonly code: StorageErrorCode;
  constructor(code: StorageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StorageError';
    this.code = code;
  }
}
