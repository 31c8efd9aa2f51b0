// The open end of a log as its writer knows it: which rows went out, are complete, are covered; what is known of the segment that they lie in, and
// when that must be sealed. Bookkeeping: it asks for nothing and answers nobody.
import type { LogMeta, RowWrite, StoredRow } from '../ports/log-store.ts';
import { Appends } from './appends.ts';
import { type Covered, nextCovered, nothingCovered } from './covered.ts';
import type { LogCommand } from './messages.ts';
import type { LogContext, Opened, Stub } from './opening.ts';
import type { Last, Rest } from './sealing.ts';
import { emptySpan, extend, openSegment, type Span } from './segments.ts';

export type Append = Extract<LogCommand, { kind: 'append' }>;

export class Tail {
  readonly #context: LogContext;
  readonly #appends: Appends;
  /** The open segment; 0 = the log is not made yet. */
  #segment = 0;
  #start = 1;
  #issuedThrough = 0;
  #coveredThrough = 0;
  /** Of the open segment's rows. */
  #span: Span = emptySpan;
  /** Recovered rows that state does not cover yet must be covered by then; 0 = none. */
  #recoveredDueMs = 0;
  /** As the store has it, or is about to. */
  #covered: Covered = nothingCovered;

  constructor(context: LogContext) {
    this.#context = context;
    this.#appends = new Appends(context.omit);
  }

  /** Id of the open segment. */
  get segment(): number {
    return this.#segment;
  }

  /** Every row up to this one may be acked. */
  get coveredThrough(): number {
    return this.#coveredThrough;
  }

  /** Every row that went out is covered. */
  get quiet(): boolean {
    return this.#appends.empty && this.#coveredThrough === this.#issuedThrough;
  }

  /** The store remembers that the actor must be woken. */
  get restless(): boolean {
    return this.#covered.restless;
  }

  /** The log was opened. */
  opened({ meta, covered, nextSeq, span, rowsSpan }: Opened): void {
    if (meta !== null) this.begins(meta);
    this.#issuedThrough = nextSeq - 1;
    this.#coveredThrough = nextSeq - 1;
    this.#span = span;
    this.#recoveredDueMs = rowsSpan.dueMs;
    this.#covered = covered;
  }

  /** The log was made, or all that is left of it is sealed or covered. */
  begins(meta: LogMeta): void {
    const { id, start } = openSegment(meta);
    this.#segment = id;
    this.#start = start;
    this.#span = emptySpan;
    this.#recoveredDueMs = 0;
  }

  /** The write that brings these rows, which go out now. */
  write({ fromSeq, rows: wanted }: Append): RowWrite {
    const { limits, omit, log } = this.#context;
    const now = this.#context.now();
    const dueBefore = this.#span.dueMs;
    const rows: StoredRow[] = [];
    let seq = fromSeq;
    for (const { bytes, acceptedMs, expiresMs: wish } of wanted) {
      const expiresMs = Math.max(wish, now + limits.rowLifeMsMin);
      rows.push({ seq: seq++, bytes, writeMicros: Math.min(acceptedMs, now) * 1000, expiresMs });
      this.#span = extend(this.#span, { writtenMs: now, expiresMs, bytes: bytes.length }, limits.segmentAgeMs);
    }
    this.#issuedThrough = seq - 1;
    const due = this.#span.dueMs;
    const dueMs = omit !== 12 && (dueBefore === 0 || due < dueBefore) ? due : null;
    return { log, segment: this.#segment, rows, replace: false, dueMs };
  }

  /** A write of rows up to `through` is under way; those before it began earlier. */
  issued(id: number, through = this.#issuedThrough): void {
    this.#appends.issued(id, through);
  }

  /** It is done: rows up to the returned seq are complete and not covered yet; 0 = none more. */
  completed(id: number): number {
    const through = this.#appends.completed(id);
    return through > this.#coveredThrough ? through : 0;
  }

  /** The fence covered rows up to this one. False = it is not news. */
  cover(through: number): boolean {
    if (through <= this.#coveredThrough) return false;
    this.#coveredThrough = through;
    return true;
  }

  /** The open segment is full or old, or too much would have to be applied again. Rule 12: or its first row would expire. */
  get rollDue(): boolean {
    const { limits, omit } = this.#context;
    const now = this.#context.now();
    const rows = this.#issuedThrough - this.#start + 1;
    if (rows >= limits.segmentRowsMax || this.#span.bytes >= limits.segmentBytesMax) return true;
    if (this.#issuedThrough - this.#covered.through >= limits.segmentRowsMax) return true;
    if (omit === 12) return false;
    return isPast(this.#span.dueMs, now) || isPast(this.#recoveredDueMs, now);
  }

  /** What must be stored with the actor's last word; from here on it counts as stored. */
  rests({ changes, restless = false }: Last): Rest {
    const now = { through: this.#coveredThrough, segment: this.#segment, span: this.#span, restless };
    return this.#covers({ changes, isAll: true }, now);
  }

  /** What must be stored for an actor that has something to do from now on; from here on it counts as stored. */
  unrest(): Rest {
    const { through, segment, span } = this.#covered;
    const known = segment === this.#segment ? span : emptySpan;
    return this.#covers(
      { changes: [], isAll: false },
      { through, segment: this.#segment, span: known, restless: true },
    );
  }

  /** For a clean close. */
  stub(version: number, floor: number): Stub {
    return { version, nextSeq: this.#issuedThrough + 1, covered: this.#covered, span: this.#span, floor };
  }

  #covers(last: Pick<Rest, 'changes' | 'isAll'>, next: Omit<Covered, 'sub'>): Rest {
    const before = this.#covered;
    this.#covered = nextCovered(before, next);
    return { ...last, before, covered: this.#covered };
  }
}

function isPast(dueMs: number, now: number): boolean {
  return dueMs !== 0 && dueMs <= now;
}
