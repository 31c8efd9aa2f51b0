// How long content stays, and what follows from it for Cassandra: TTLs, windows, when files may go. Deployments use `legalRetention`; tests make months
// minutes. A keyspace is made for one retention and refuses another one (schema.ts).
import { StorageError } from '../store.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** Kinds of content that live for different times. Each has tables of its own, since a file goes when the last row in it has expired. */
export type ContentKind = 'text' | 'inbox' | 'attachments';

/** How long one kind of content stays. */
export interface Kept {
  /** Life of a row: the deadline less one window, less the grace. */
  readonly lifeMs: number;
  /** Rows written in one window lie in one file. Whole minutes, hours or days. */
  readonly windowMs: number;
}

export interface Retention extends Readonly<Record<ContentKind, Kept>> {
  /** From a row's expiry to when its file may go (gc_grace_seconds). */
  readonly graceMs: number;
  /** A row leaves memory for a file within this, and the commit log with it, however little is written. */
  readonly flushMs: number;
  /** How often Cassandra looks for files that may go. At least a second. */
  readonly checkMs: number;
  /** The TTL outlasts `expiresMs` by so much, so that a row that still counts is there although clocks differ. Readers go by `expiresMs`. */
  readonly slackMs: number;
  /**
   * A file goes when all of it has expired, though a younger one reaches back into its window: those flushed across the boundary of two windows do. False =
   * it waits until the younger one has expired too, one window longer. True needs Cassandra's flag (see schema.cql); without it `open` is refused.
   */
  readonly dropOverlapping: boolean;
}

/** 24 months of text, 12 of attachments, at the latest and on disk. What waits for devices is read for 30 days and gone after 32. */
export const legalRetention: Retention = {
  text: { lifeMs: 722 * dayMs, windowMs: 7 * dayMs },
  inbox: { lifeMs: 30 * dayMs, windowMs: dayMs },
  attachments: { lifeMs: 357 * dayMs, windowMs: 7 * dayMs },
  graceMs: dayMs,
  flushMs: dayMs,
  checkMs: 10 * minuteMs,
  slackMs: minuteMs,
  dropOverlapping: true,
};

/** Seconds of TTL for a row that expires then; null = it has expired, there is nothing to write. */
export function ttlSeconds(expiresMs: number, { now, slackMs }: { now: number; slackMs: number }): number | null {
  return expiresMs <= now ? null : Math.ceil((expiresMs - now + slackMs) / 1000);
}

/** What schema.cql calls by $names. */
export function schemaNames(retention: Retention): Record<string, string> {
  const { text, inbox, attachments, graceMs, flushMs, checkMs, slackMs, dropOverlapping } = retention;
  return {
    ...namesOf('text', text, slackMs),
    ...namesOf('inbox', inbox, slackMs),
    ...namesOf('attachment', attachments, slackMs),
    gc_grace_s: seconds(graceMs),
    check_s: seconds(checkMs),
    drop_overlapping: String(dropOverlapping),
    flush_ms: String(flushMs),
  };
}

function namesOf(kind: string, { lifeMs, windowMs }: Kept, slackMs: number): Record<string, string> {
  const [unit, unitMs] = unitOf(windowMs);
  return {
    [`${kind}_ttl_s`]: seconds(lifeMs + slackMs),
    [`${kind}_window`]: `'compaction_window_unit': '${unit}', 'compaction_window_size': '${windowMs / unitMs}'`,
    // Files of late rows are rewritten when they have something to let go, each once in a seventh of a window: of text, a day.
    [`${kind}_late_check_s`]: seconds(windowMs / 7),
  };
}

function unitOf(windowMs: number): [string, number] {
  const units: [string, number][] = [
    ['DAYS', dayMs],
    ['HOURS', 60 * minuteMs],
    ['MINUTES', minuteMs],
  ];
  const found = units.find(([, ms]) => windowMs > 0 && windowMs % ms === 0);
  if (found === undefined) throw new StorageError('UNUSABLE', 'A window of retention must be whole minutes');
  return found;
}

function seconds(ms: number): string {
  return String(Math.max(1, Math.ceil(ms / 1000)));
}
