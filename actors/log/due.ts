// What is due: segments that must be sealed although nobody uses them (rule 12), and actors with something left to do whom nobody else wakes.
// A store remembers both under a time; whoever sweeps wakes the actor, until this says that there is no more reason to. Pure.
import type { DueSegment, LogMeta, RowWrite } from '../ports/log-store.ts';
import type { Covered } from './covered.ts';

/** In place of a segment: the actor of this log is to be woken while it is restless. */
export const noSegment = 0;
/** From a seal or close with something left to do to when the actor may be woken for it. */
export const restMs = 60_000;

/** Remembers that the actor of this log must be woken. */
export function wakeLater(log: string, now: number): RowWrite {
  return { log, segment: noSegment, rows: [], replace: false, dueMs: now + restMs };
}

/** No reason is left to wake the actor for this. */
export function isSettled(due: DueSegment, meta: LogMeta | null, { through, restless }: Covered): boolean {
  if (due.segment === noSegment) return !restless;
  const segment = meta?.segments.find(({ id }) => id === due.segment);
  // Gone from the list: its rows have expired, or it had none.
  if (segment === undefined) return true;
  return segment.end !== null && through >= segment.end - 1;
}
