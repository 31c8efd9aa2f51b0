// What a log writes when it rolls or closes: the actor's last changes, then how far state is complete, then the next segment. Guarantees: what is
// sealed need never be applied again; an actor with something left to do is remembered as due before its rows are not due any more.
import type { LogMeta } from '../ports/log-store.ts';
import type { StateWrite } from '../ports/state-store.ts';
import { type Covered, coveredKey, encodeCovered } from './covered.ts';
import { wakeLater } from './due.ts';
import type { LogCommand, StateChange } from './messages.ts';
import { findFloor, type LogContext } from './opening.ts';
import { casMeta, LogLost, mustBeAlive, type Steps, writeRows, writeState } from './requests.ts';
import { openSegment, sealAndOpen } from './segments.ts';

/** An actor's last word in a segment. */
export type Last = Omit<Extract<LogCommand, { kind: 'close' }>, 'kind'>;

/** The actor's last changes, and how far they cover the log. */
export interface Rest {
  readonly changes: readonly StateChange[];
  /** As it is in the store. */
  readonly before: Covered;
  /** As it will be. */
  readonly covered: Covered;
  /** Nothing else is being saved: what was kept to redo it goes. */
  readonly isAll: boolean;
}

/** A log with a new open segment. */
export interface Rolled {
  readonly meta: LogMeta;
  readonly floor: number;
}

/** Saves the changes and says how far state is complete. */
export function* saveCovered(context: LogContext, { changes, before, covered, isAll }: Rest): Steps<void> {
  const { through, segment, restless, sub } = covered;
  if (changes.length === 0 && through === before.through && restless === before.restless) return;
  // Not in one write: the row must not be seen before what it speaks of.
  if (changes.length > 0) {
    yield* save(context, changes, segment);
    // Rule 13: nor by a reader that began earlier. Whoever takes over reads after the fence, so alive here means that it reads what is complete here,
    // however late the row below arrives.
    if (context.omit !== 13) yield* mustBeAlive();
  }
  const spent = isAll ? context.redo.spent() : [];
  yield* writeState([{ key: coveredKey, value: encodeCovered(covered), segment, seq: through, sub }, ...spent]);
  // After the row, or a sweep that finds nobody restless forgets it. An open log that the store calls restless is remembered already.
  if (restless && !before.restless) yield* writeRows(wakeLater(context.log, context.now()));
}

/** Saves all that is left, seals the open segment where it has rows, and opens the next one. */
export function* roll(context: LogContext, meta: LogMeta, rest: Rest): Steps<Rolled> {
  yield* saveCovered(context, rest);
  const { through, span } = rest.covered;
  const end = through + 1;
  if (end <= openSegment(meta).start) return { meta, floor: yield* findFloor(context, meta, end) };
  const next = sealAndOpen(meta, context.generation, { end, span, now: context.now() });
  // Rule 6. Refused: the version is another owner's. Unknown: opening anew finds out.
  const outcome = yield* casMeta(next);
  if (outcome !== 'applied') throw new LogLost(outcome === 'refused' ? 'FENCED' : 'UNAVAILABLE');
  return { meta: next, floor: yield* findFloor(context, next, end) };
}

/** Writes changes, all or none also for whoever reads them page by page. */
export function* save(context: LogContext, changes: readonly StateChange[], segment: number): Steps<void> {
  const rows = stamped(changes, segment);
  if (context.omit !== 15) yield* context.redo.write(rows);
  yield* writeState(rows);
}

/** Changes as rows of the segment that is open. */
function stamped(changes: readonly StateChange[], segment: number): StateWrite['rows'] {
  return changes.map(({ key, value, seq, sub }) => ({ key, value, segment, seq, sub }));
}
