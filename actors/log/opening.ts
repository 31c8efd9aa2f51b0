// Opening a log: read the meta, check oneself, read state and rows, make the prefix durable, seal it and open a segment of one's own. Guarantees:
// when it returns, no earlier owner's row can become visible any more but those returned, and every row that anyone acked is among them or
// covered by state. Does not need to know whether an earlier owner is gone: that was settled when the shard was taken.
import type { Generation, LogMeta, Segment, StoredRow } from '../ports/log-store.ts';
import type { StoredState } from '../ports/state-store.ts';
import { type Covered, nothingCovered, splitState } from './covered.ts';
import { wakeLater } from './due.ts';
import type { LogLimits } from './limits.ts';
import type { Redo } from './redo.ts';
import {
  casMeta,
  LogLost,
  mustBeAlive,
  readMeta,
  readRows,
  readState,
  type Steps,
  writeRows,
  writeState,
} from './requests.ts';
import type { Rule } from './rules.ts';
import { emptySpan, extend, firstMeta, openSegment, type Span, sealAndOpen } from './segments.ts';

/** What every step of one log knows. */
export interface LogContext {
  readonly log: string;
  readonly generation: Generation;
  readonly readsAreDurable: boolean;
  readonly limits: LogLimits;
  readonly omit: Rule | undefined;
  readonly redo: Redo;
  /** Epoch milliseconds, as told with the last message. */
  now(): number;
}

/** What a clean close leaves in the memory of its generation. */
export interface Stub {
  readonly version: number;
  readonly nextSeq: number;
  readonly covered: Covered;
  readonly span: Span;
  readonly floor: number;
}

/** A log that was opened, or that does not exist (`meta` null). */
export interface Opened {
  readonly meta: LogMeta | null;
  readonly covered: Covered;
  readonly state: readonly StoredState[];
  /** After what state covers. */
  readonly rows: readonly StoredRow[];
  readonly nextSeq: number;
  readonly floor: number;
  /** Of the open segment. */
  readonly span: Span;
  /** Of the returned rows: state must cover them by then. */
  readonly rowsSpan: Span;
}

const nothing = { state: [], rows: [], nextSeq: 1, floor: 1, span: emptySpan, rowsSpan: emptySpan };

export function* openLog(context: LogContext, create: boolean, stub: Stub | null): Steps<Opened> {
  for (let attempt = 1; attempt <= context.limits.openAttemptsMax; attempt++) {
    const meta = yield* readMeta();
    if (meta !== null && stub?.version === meta.version) return yield* goOn(context, meta, stub);
    // Rule 1: after the meta was read and before it is changed, on every attempt. Whoever fences this generation later finds the meta as this
    // opening leaves it; whoever fenced it before is seen here.
    if (context.omit !== 1) yield* mustBeAlive();
    const covered = nothingCovered;
    if (meta === null) {
      if (!create) return { ...nothing, meta: null, covered };
      const first = firstMeta(context.generation);
      if ((yield* casMeta(first)) === 'applied') return { ...nothing, meta: first, covered };
      continue;
    }
    const opened = yield* takeOver(context, meta);
    if (opened !== null) return opened;
    // Refused or unknown, someone else's change or one's own that came late: nothing read so far counts.
  }
  throw new LogLost('UNAVAILABLE');
}

/** Makes a log that was found not to exist; the check of rule 1 was made then. */
export function* createLog(context: LogContext): Steps<LogMeta> {
  const meta = firstMeta(context.generation);
  const outcome = yield* casMeta(meta);
  if (outcome === 'applied') return meta;
  throw new LogLost(outcome === 'refused' ? 'FENCED' : 'UNAVAILABLE');
}

/** The same generation closed this log cleanly and nobody has opened it since: the segment goes on. */
function* goOn(context: LogContext, meta: LogMeta, stub: Stub): Steps<Opened> {
  const state = yield* readState();
  const { own } = splitState(state, context);
  context.redo.found(state);
  const { covered, nextSeq, span } = stub;
  const floor = yield* findFloor(context, meta, stub.nextSeq);
  // Nothing is changed here that rule 1 would guard. But what was read must not be another owner's, whose state would be ahead of the stub.
  if (context.omit !== 1) yield* mustBeAlive();
  return { meta, covered, state: own, rows: [], nextSeq, floor, span, rowsSpan: emptySpan };
}

function* takeOver(context: LogContext, meta: LogMeta): Steps<Opened | null> {
  const state = yield* readState();
  const { covered, own, torn } = splitState(state, context);
  context.redo.found(state);
  // Rule 15: before this owner saves anything itself. With their own stamps, so that it does not matter who writes them, and when.
  if (torn.length > 0) yield* writeState(torn);
  const last = openSegment(meta);
  const earlier: StoredRow[] = [];
  for (const segment of meta.segments) {
    if (segment.end === null || segment.end - 1 <= covered.through) continue;
    const from = Math.max(segment.start, covered.through + 1);
    earlier.push(...(yield* readAll(context, segment, { from, through: segment.end - 1 })));
  }
  const from = Math.max(last.start, covered.through + 1);
  const seen = yield* readAll(context, last, { from, through: Number.MAX_SAFE_INTEGER });
  const { prefix, end } = contiguous(context, seen, from);
  const spanBefore = covered.segment === last.id ? covered.span : emptySpan;
  const span = prefix.reduce((sum, row) => withRow(context, sum, row), spanBefore);
  // Rule 10: a row that this read saw must be seen by every later one, or the sealed prefix has a hole.
  if (!context.readsAreDurable && context.omit !== 10 && prefix.length > 0) {
    yield* writeRows({ log: context.log, segment: last.id, rows: prefix, replace: true, dueMs: null });
  }
  const rows = earlier.concat(prefix);
  const rowsSpan = rows.reduce((sum, row) => withRow(context, sum, row), emptySpan);
  const recovered = { covered, state: own, nextSeq: end, rowsSpan };
  if (context.omit === 7) return { ...recovered, meta, rows, span, floor: last.start };
  // Whoever closed it may have died before that was remembered, and what is sealed here is due no more.
  if (covered.restless) yield* writeRows(wakeLater(context.log, context.now()));
  const next = sealAndOpen(meta, context.generation, { end, span, now: context.now() });
  if (!(yield* changeMeta(context, next))) return null;
  const floor = yield* findFloor(context, next, end);
  // Rule 11: the very rows that were sealed. Left out, also those beyond the end, which no one will ever see again.
  return { ...recovered, meta: next, rows: context.omit === 11 ? earlier.concat(seen) : rows, floor, span: emptySpan };
}

/** Rule 6: the version read is the condition, whatever the owner. Left out, the change is forced upon whatever is there now. */
function* changeMeta(context: LogContext, next: LogMeta): Steps<boolean> {
  if ((yield* casMeta(next)) === 'applied') return true;
  if (context.omit !== 6) return false;
  const current = yield* readMeta();
  return current !== null && (yield* casMeta({ ...next, version: current.version + 1 })) === 'applied';
}

/** Rule 5: what is sealed ends where the first row is missing. Left out, holes are sealed in. */
function contiguous(
  context: LogContext,
  seen: readonly StoredRow[],
  from: number,
): { prefix: StoredRow[]; end: number } {
  if (context.omit === 5) return { prefix: [...seen], end: (seen.at(-1)?.seq ?? from - 1) + 1 };
  let end = from;
  for (const row of seen) {
    if (row.seq !== end) break;
    end++;
  }
  return { prefix: seen.slice(0, end - from), end };
}

function withRow(context: LogContext, span: Span, row: StoredRow): Span {
  const { expiresMs, bytes, writeMicros } = row;
  return extend(span, { writtenMs: writeMicros / 1000, expiresMs, bytes: bytes.length }, context.limits.segmentAgeMs);
}

function* readAll(context: LogContext, segment: Segment, range: { from: number; through: number }): Steps<StoredRow[]> {
  const { pageRows: limit, pageBytes: bytesMax } = context.limits;
  const all: StoredRow[] = [];
  for (let { from } = range; from <= range.through; ) {
    const page = yield* readRows(segment.id, { from, through: range.through, limit, bytesMax, backwards: false });
    const newest = page.at(-1);
    if (newest === undefined) break;
    all.push(...page);
    from = newest.seq + 1;
  }
  return all;
}

/** The seq of the oldest row that has not expired. Rows are taken to expire in their order. */
export function* findFloor(context: LogContext, meta: LogMeta, nextSeq: number): Steps<number> {
  for (const { id, start, end, firstExpiresMs, lastExpiresMs } of meta.segments) {
    if (end !== null && lastExpiresMs <= context.now()) continue;
    if (firstExpiresMs > context.now() || start === nextSeq) return start;
    const through = (end ?? nextSeq) - 1;
    const [row] = yield* readRows(id, { from: start, through, limit: 1, bytesMax: 1, backwards: false });
    if (row !== undefined) return row.seq;
  }
  return nextSeq;
}
