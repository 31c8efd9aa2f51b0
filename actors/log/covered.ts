// The log's own state row: through which seq the actor's state rows are complete, and what is known of the open segment's rows. It is written
// with or after the state rows that it speaks of, so it may be late but never wrong, whoever wrote it. Applying starts after it.
import type { StoredState } from '../ports/state-store.ts';
import type { StateChange } from './messages.ts';
import { emptySpan, type Span } from './segments.ts';

/** Of one state row. */
const keyCharsMax = 128;
const valueBytesMax = 1024 * 1024;

/** Keys from `~` on are the log's own; an actor must not use them. */
export const reservedPrefix = '~';
export const coveredKey = '~covered';

export interface Covered {
  /** State rows hold everything up to and including this seq; 0 = nothing. */
  readonly through: number;
  /** The segment that was open then. */
  readonly segment: number;
  readonly span: Span;
}

export const nothingCovered: Covered = { through: 0, segment: 0, span: emptySpan };

export function encodeCovered({ through, segment, span }: Covered): Uint8Array {
  const view = new DataView(new ArrayBuffer(48));
  const numbers = [through, segment, span.dueMs, span.firstExpiresMs, span.lastExpiresMs, span.bytes];
  for (const [index, number] of numbers.entries()) view.setFloat64(index * 8, number);
  return new Uint8Array(view.buffer);
}

export function decodeCovered(bytes: Uint8Array): Covered {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const at = (index: number) => view.getFloat64(index * 8);
  const span = { dueMs: at(2), firstExpiresMs: at(3), lastExpiresMs: at(4), bytes: at(5) };
  return { through: at(0), segment: at(1), span };
}

/** The covered row among state rows, and the actor's own. */
export function splitState(rows: readonly StoredState[]): { covered: Covered; own: StoredState[] } {
  const row = rows.find(({ key }) => key === coveredKey);
  return {
    covered: row === undefined ? nothingCovered : decodeCovered(row.value),
    own: rows.filter(({ key }) => !key.startsWith(reservedPrefix)),
  };
}

/** Why an actor must not ask for these changes; null = it may. */
export function wrongWith(changes: readonly StateChange[], coveredThrough: number): string | null {
  for (const { key, value, seq } of changes) {
    if (key.length === 0 || key.length > keyCharsMax || key.startsWith(reservedPrefix))
      return 'a state row with a bad key';
    if (value !== null && value.length > valueBytesMax) return 'a state row is too large';
    if (seq > coveredThrough) return 'a state row of an event that is not covered';
  }
  return null;
}
