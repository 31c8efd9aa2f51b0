// Reading covered rows back, and putting emptied bytes in their place. Rows lie in segments; what lies at or beyond a segment's end does not exist.
import type { LogMeta, Segment, StoredRow } from '../ports/log-store.ts';
import type { LogRow } from './messages.ts';
import type { LogContext } from './opening.ts';
import { readRows, type Steps, writeRows } from './requests.ts';

/** What is asked of the rows that are covered. */
export interface Wanted {
  readonly from: number;
  readonly through: number;
  readonly limit: number;
  readonly bytesMax: number;
  readonly backwards: boolean;
}

/** Ascending rows; `next` = where to go on (downwards: the next `through`), 0 = the range is complete. */
export interface Found {
  readonly rows: readonly StoredRow[];
  readonly next: number;
}

export function* readRange(meta: LogMeta, wanted: Wanted): Steps<Found> {
  const { backwards } = wanted;
  const rows: StoredRow[] = [];
  let { limit, bytesMax } = wanted;
  for (const segment of backwards ? meta.segments.toReversed() : meta.segments) {
    const from = Math.max(segment.start, wanted.from);
    const through = Math.min(lastOf(segment), wanted.through);
    if (from > through) continue;
    const page = limit > 0 ? yield* readRows(segment.id, { from, through, limit, bytesMax, backwards }) : [];
    const bytes = bytesOf(page);
    if (limit <= 0 || (rows.length > 0 && bytes > bytesMax)) return { rows, next: backwards ? through : from };
    if (backwards) rows.unshift(...page);
    else rows.push(...page);
    limit -= page.length;
    bytesMax -= bytes;
    // Rows are missing at the low end only, where they have expired. Downwards that looks like a cut; the next read finds nothing and says so.
    const edge = backwards ? page[0] : page.at(-1);
    if (edge !== undefined && backwards && edge.seq > from) return { rows, next: edge.seq - 1 };
    if (edge !== undefined && !backwards && edge.seq < through) return { rows, next: edge.seq + 1 };
  }
  return { rows, next: 0 };
}

/**
 * Other bytes for rows that are covered. The new version is later than the old one by the old one's own clock, so that it wins even if this
 * node's clock is behind; deadlines stay. Rows that have expired are skipped.
 */
export function* rewriteRows(context: LogContext, meta: LogMeta, rows: readonly LogRow[]): Steps<void> {
  for (const segment of meta.segments) {
    const mine = rows.filter(({ seq }) => seq >= segment.start && seq <= lastOf(segment));
    const replaced: StoredRow[] = [];
    for (const { seq, bytes } of mine) {
      const [old] = yield* readRows(segment.id, { from: seq, through: seq, limit: 1, bytesMax: 1, backwards: false });
      if (old === undefined) continue;
      replaced.push({ ...old, bytes, writeMicros: Math.max(context.now() * 1000, old.writeMicros + 1) });
    }
    if (replaced.length === 0) continue;
    yield* writeRows({ log: context.log, segment: segment.id, rows: replaced, replace: true, dueMs: null });
  }
}

function lastOf(segment: Segment): number {
  return segment.end === null ? Number.MAX_SAFE_INTEGER : segment.end - 1;
}

function bytesOf(rows: readonly StoredRow[]): number {
  return rows.reduce((sum, { bytes }) => sum + bytes.length, 0);
}
