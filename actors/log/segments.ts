// The list of segments in a log's meta: what sealing and opening makes of it, where a seq lies, what has expired. Pure.
import type { Generation, LogMeta, Segment } from '../ports/log-store.ts';

/** What is remembered of the rows of one segment, so that sealing needs no second look at them. Zeros = no row yet. */
export interface Span {
  /** When the segment must be sealed at the latest, epoch ms. */
  readonly dueMs: number;
  /** Of all its rows. */
  readonly firstExpiresMs: number;
  readonly lastExpiresMs: number;
  readonly bytes: number;
}

export const emptySpan: Span = { dueMs: 0, firstExpiresMs: 0, lastExpiresMs: 0, bytes: 0 };

/** The span with one more row, written at `writtenMs`. */
export function extend(span: Span, row: { writtenMs: number; expiresMs: number; bytes: number }, ageMs: number): Span {
  // Rule 12: half of the shortest life at most, so that a segment is sealed long before its first row can expire.
  const dueMs = row.writtenMs + Math.max(0, Math.min(ageMs, (row.expiresMs - row.writtenMs) / 2));
  return {
    dueMs: span.dueMs === 0 ? dueMs : Math.min(span.dueMs, dueMs),
    firstExpiresMs: span.firstExpiresMs === 0 ? row.expiresMs : Math.min(span.firstExpiresMs, row.expiresMs),
    lastExpiresMs: Math.max(span.lastExpiresMs, row.expiresMs),
    bytes: span.bytes + row.bytes,
  };
}

export function sameGeneration(a: Generation | null, b: Generation | null): boolean {
  return a === b || (a !== null && b !== null && a.node === b.node && a.gen === b.gen);
}

/** The open segment: there is exactly one, the last. */
export function openSegment(meta: LogMeta): Segment {
  const last = meta.segments.at(-1);
  if (last === undefined || last.end !== null) throw new Error('a log without an open segment');
  return last;
}

/** The meta of a new log. */
export function firstMeta(owner: Generation): LogMeta {
  return { version: 1, nextSegment: 2, segments: [fresh(1, owner, 1)] };
}

/**
 * The next meta: the open segment is sealed at `end`, a new one of `owner` begins there, and what has expired leaves the list. A sealed
 * segment without rows leaves too; its id stays used.
 */
export function sealAndOpen(
  meta: LogMeta,
  owner: Generation,
  sealed: { end: number; span: Span; now: number },
): LogMeta {
  const last = openSegment(meta);
  const segments = meta.segments.slice(0, -1).filter((segment) => segment.lastExpiresMs > sealed.now);
  if (sealed.end > last.start) {
    const { firstExpiresMs, lastExpiresMs } = sealed.span;
    // A segment of which nothing is known never leaves by itself.
    segments.push({
      ...last,
      end: sealed.end,
      firstExpiresMs,
      lastExpiresMs: lastExpiresMs || Number.MAX_SAFE_INTEGER,
    });
  }
  // Rule 7: an id that was never used before.
  segments.push(fresh(meta.nextSegment, owner, sealed.end));
  return { version: meta.version + 1, nextSegment: meta.nextSegment + 1, segments };
}

function fresh(id: number, owner: Generation, start: number): Segment {
  return { id, owner, start, end: null, firstExpiresMs: 0, lastExpiresMs: 0 };
}
