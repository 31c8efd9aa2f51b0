// What a log asks of its driver, and what comes back, as data. The driver (the server's runner, the simulator, a test) carries a request out on
// a store and answers under the same number, later, in any order, once. It adds nothing of its own but delays.
import type { Fence, LogMeta, RowRange, RowWrite, StoredRow } from '../ports/log-store.ts';
import type { StateWrite, StoredState } from '../ports/state-store.ts';

/** A request about one log. */
export type StoreRequest =
  /** A read of the own fence row that starts after this request was made: see fence-reader.ts. */
  | { readonly op: 'cover' }
  | { readonly op: 'readMeta' }
  | { readonly op: 'casMeta'; readonly meta: LogMeta }
  | { readonly op: 'writeRows'; readonly write: RowWrite }
  | { readonly op: 'readRows'; readonly segment: number; readonly range: RowRange }
  | { readonly op: 'readState' }
  | { readonly op: 'writeState'; readonly rows: StateWrite['rows'] };

/** `unknown`: the request failed or nothing was heard of it. It may have happened, may happen later, or never. */
export type StoreReply =
  | { readonly op: 'cover'; readonly fence: Fence }
  | { readonly op: 'readMeta'; readonly meta: LogMeta | null }
  | { readonly op: 'casMeta'; readonly applied: boolean }
  | { readonly op: 'writeRows' }
  | { readonly op: 'readRows'; readonly rows: readonly StoredRow[] }
  | { readonly op: 'readState'; readonly rows: readonly StoredState[] }
  | { readonly op: 'writeState' }
  | { readonly op: 'unknown' };

/** The answers that a driver gives again and again. */
export const unknownReply: StoreReply = { op: 'unknown' };
export const rowsWritten: StoreReply = { op: 'writeRows' };
export const stateWritten: StoreReply = { op: 'writeState' };

/** The log can't go on. Thrown inside the log's steps, caught by the log, never seen outside. */
export class LogLost extends Error {
  readonly code: 'FENCED' | 'UNAVAILABLE';
  constructor(code: 'FENCED' | 'UNAVAILABLE') {
    super(code);
    this.code = code;
  }
}

/** Steps that ask for something and go on with the answer: the protocol reads from top to bottom, and stops where the driver stops. */
export type Steps<T> = Generator<StoreRequest, T, StoreReply>;

/** Ends the steps unless the own generation was alive when a read started after this. */
export function* mustBeAlive(): Steps<void> {
  const reply = yield { op: 'cover' };
  if (reply.op !== 'cover') throw new LogLost('UNAVAILABLE');
  if (reply.fence !== 'alive') throw new LogLost('FENCED');
}

export function* readMeta(): Steps<LogMeta | null> {
  const reply = yield { op: 'readMeta' };
  if (reply.op !== 'readMeta') throw new LogLost('UNAVAILABLE');
  return reply.meta;
}

/** The only request that is not repeated: after `unknown` the meta must be read again. */
export function* casMeta(meta: LogMeta): Steps<'applied' | 'refused' | 'unknown'> {
  const reply = yield { op: 'casMeta', meta };
  if (reply.op !== 'casMeta') return 'unknown';
  return reply.applied ? 'applied' : 'refused';
}

export function* writeRows(write: RowWrite): Steps<void> {
  const reply = yield { op: 'writeRows', write };
  if (reply.op !== 'writeRows') throw new LogLost('UNAVAILABLE');
}

export function* readRows(segment: number, range: RowRange): Steps<readonly StoredRow[]> {
  const reply = yield { op: 'readRows', segment, range };
  if (reply.op !== 'readRows') throw new LogLost('UNAVAILABLE');
  return reply.rows;
}

export function* readState(): Steps<readonly StoredState[]> {
  const reply = yield { op: 'readState' };
  if (reply.op !== 'readState') throw new LogLost('UNAVAILABLE');
  return reply.rows;
}

export function* writeState(rows: StateWrite['rows']): Steps<void> {
  const reply = yield { op: 'writeState', rows };
  if (reply.op !== 'writeState') throw new LogLost('UNAVAILABLE');
}
