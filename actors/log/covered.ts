// The log's own state row: through which seq the actor's state rows are complete, what is known of the open segment's rows, and whether the actor
// had something left to do. It is written after the state rows that it speaks of, by an owner that was alive then (rule 13), so it may be late but never
// wrong, whoever wrote it. Applying starts after it.
import type { StateWrite, StoredState } from '../ports/state-store.ts';
import { stateLimits } from './limits.ts';
import type { StateChange } from './messages.ts';
import { missing } from './redo.ts';
import type { Rule } from './rules.ts';
import { emptySpan, type Span } from './segments.ts';

/** Keys from `~` on are the log's own; an actor must not use them. */
export const reservedPrefix = '~';
export const coveredKey = '~covered';

export interface Covered {
  /** State rows hold everything up to and including this seq; 0 = nothing. */
  readonly through: number;
  /** The segment that was open then. */
  readonly segment: number;
  readonly span: Span;
  /** The actor must be woken although nobody asks for it: see due.ts. */
  readonly restless: boolean;
  /** Of the row's stamp: grows with each version under one segment and seq. */
  readonly sub: number;
}

export const nothingCovered: Covered = { through: 0, segment: 0, span: emptySpan, restless: false, sub: 0 };

const numbersCount = 7;

export function encodeCovered({ through, segment, span, restless }: Covered): Uint8Array {
  const view = new DataView(new ArrayBuffer(numbersCount * 8));
  const { dueMs, firstExpiresMs, lastExpiresMs, bytes } = span;
  const numbers = [through, segment, dueMs, firstExpiresMs, lastExpiresMs, bytes, Number(restless)];
  for (const [index, number] of numbers.entries()) view.setFloat64(index * 8, number);
  return new Uint8Array(view.buffer);
}

/** The row of `coveredKey`; undefined = there is none. */
export function decodeCovered(row: StoredState | undefined): Covered {
  if (row === undefined) return nothingCovered;
  const { value, sub } = row;
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  // The first rows that were ever written had six numbers.
  const at = (index: number) => (index * 8 < value.length ? view.getFloat64(index * 8) : 0);
  const span = { dueMs: at(2), firstExpiresMs: at(3), lastExpiresMs: at(4), bytes: at(5) };
  return { through: at(0), segment: at(1), span, restless: at(6) === 1, sub };
}

/** What follows `before` in the store. */
export function nextCovered(before: Covered, next: Omit<Covered, 'sub'>): Covered {
  const isSame = before.segment === next.segment && before.through === next.through;
  return { ...next, sub: isSame ? before.sub + 1 : 0 };
}

/** The covered row among state rows, the actor's own as one save left them, and which of these were not read so (`torn`). */
export function splitState(
  rows: readonly StoredState[],
  { omit }: { readonly omit: Rule | undefined },
): { covered: Covered; own: StoredState[]; torn: StateWrite['rows'] } {
  const covered = decodeCovered(rows.find(({ key }) => key === coveredKey));
  const read = rows.filter(({ key }) => !key.startsWith(reservedPrefix));
  const torn = omit === 15 ? [] : missing(rows);
  if (torn.length === 0) return { covered, own: read, torn };
  const own = new Map(read.map((row) => [row.key, row]));
  for (const { value, ...row } of torn) {
    if (value === null) own.delete(row.key);
    else own.set(row.key, { ...row, value });
  }
  return { covered, own: [...own.values()], torn };
}

/** Why an actor must not ask for these changes; null = it may. */
export function wrongWith(changes: readonly StateChange[], coveredThrough: number): string | null {
  const { keyCharsMax, valueBytesMax } = stateLimits;
  for (const { key, value, seq } of changes) {
    if (key.length === 0 || key.length > keyCharsMax || key.startsWith(reservedPrefix))
      return 'a state row with a bad key';
    if (value !== null && value.length > valueBytesMax) return 'a state row is too large';
    if (seq > coveredThrough) return 'a state row of an event that is not covered';
  }
  return null;
}
