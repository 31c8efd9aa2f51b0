// How long content stays, and what follows from it for Cassandra: TTLs, windows, when files may go. Deployments use `legalRetention`; tests make months
// minutes. A keyspace is made for one retention and refuses another one (schema.ts).
import { StorageError } from '../store.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** Kinds of content that live for different times. Each has tables of its own, since a file goes when the last row in it has expired. */
export type ContentKind = 'text' | 'inbox' | 'attachments';

/** How long one kind of content stays. */
export interface Kept {
  /** Life of a row: the deadline less one window, and less what stands below. */
  readonly lifeMs: number;
  /** Rows written in one window lie in one file. Whole minutes, hours or days. */
  readonly windowMs: number;
}

export interface Retention extends Readonly<Record<ContentKind, Kept>> {
  /** A row that is written so long after its own time came late: in a file with younger ones it would stay for as long as they do. */
  readonly lateMs: number;
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
  lateMs: 30 * minuteMs,
  graceMs: 22 * hourMs,
  flushMs: hourMs,
  checkMs: 10 * minuteMs,
  slackMs: minuteMs,
  dropOverlapping: true,
};

/** To try it out: text lives so long, in the shortest windows that Cassandra has, and everything that follows happens at once. */
export function trialRetention(textMs: number): Retention {
  const text = { lifeMs: textMs, windowMs: minuteMs };
  return { ...legalRetention, text, lateMs: 5_000, graceMs: 1_000, flushMs: 5_000, checkMs: 1_000, slackMs: 1_000 };
}

/**
 * From a row's own time until its bytes have left the disk, at the longest: it comes late, waits in memory, lies in one file with what is written until the
 * end of the next window, and the last of that lives, is held for expired, stays for the grace, and is found at the next look.
 */
export function goneAfterMs(
  kind: ContentKind,
  { lateMs, flushMs, slackMs, graceMs, checkMs, ...kinds }: Retention,
): number {
  const { lifeMs, windowMs } = kinds[kind];
  return lateMs + flushMs + windowMs + lifeMs + slackMs + graceMs + checkMs;
}

/** Seconds of TTL for a row that expires then; null = it has expired, there is nothing to write. */
export function ttlSeconds(expiresMs: number, { now, slackMs }: { now: number; slackMs: number }): number | null {
  return expiresMs <= now ? null : Math.ceil((expiresMs - now + slackMs) / 1000);
}

/** What schema.cql calls by $names. */
export function schemaNames(retention: Retention): Record<string, string> {
  const { text, inbox, attachments, lateMs, graceMs, flushMs, checkMs, slackMs, dropOverlapping } = retention;
  return {
    ...namesOf('text', text, slackMs),
    ...namesOf('inbox', inbox, slackMs),
    ...namesOf('attachment', attachments, slackMs),
    late_s: seconds(lateMs),
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
    ['HOURS', hourMs],
    ['MINUTES', minuteMs],
  ];
  const found = units.find(([, ms]) => windowMs > 0 && windowMs % ms === 0);
  if (found === undefined) throw new StorageError('UNUSABLE', 'A window of retention must be whole minutes');
  return found;
}

function seconds(ms: number): string {
  return String(Math.max(1, Math.ceil(ms / 1000)));
}
