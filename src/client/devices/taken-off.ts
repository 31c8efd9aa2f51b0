// When a device of a person was taken off, and what came too late to be from the time when it was not. Two clocks say so, each alone: the stamp of the hub beside
// the time that the owner signed, and, since a hub may stamp what it likes, this device's own: before that moment no honest hub had the record, and this device knew.
import type { LocalPerson } from '#proto/gen/local.ts';
import type { ManifestDevice } from '#proto/gen/record.ts';

/** How long after a device was taken off something of it may still come: clocks differ, and what was under way arrives. Milliseconds. */
export const removalGraceMs = 5 * 60_000;

/** When a record came. */
export interface Came {
  /** As the hub says. */
  readonly acceptedMs: number;
  /** The hub had not accepted it before, by this device's clock; 0 = not known. */
  readonly afterMs: number;
}

/** Parallel lists, the newest last: what was taken off, when its owner signed that, and when this device learnt of it. */
export type Retired = Pick<LocalPerson, 'retired' | 'retiredMs' | 'retiredLearntMs'>;

/** So many are kept of a person. */
const retiredMax = 32;

/** Those of before and what a list that was signed at `signedMs` takes off, which this device learns `now`. */
export function withRetired(
  before: Retired | undefined,
  dropped: readonly ManifestDevice[],
  { signedMs, now }: { readonly signedMs: number; readonly now: number },
): Retired {
  const { retired = [], retiredMs = [], retiredLearntMs = [] } = before ?? {};
  // Rows of before this was kept have none.
  const learntMs = retired.map((_, at) => retiredLearntMs[at] ?? 0);
  return {
    retired: [...retired, ...dropped].slice(-retiredMax),
    retiredMs: [...retiredMs, ...dropped.map(() => signedMs)].slice(-retiredMax),
    retiredLearntMs: [...learntMs, ...dropped.map(() => learntAt(signedMs, now))].slice(-retiredMax),
  };
}

/** Did it come when the device at this place of `retired` was off already? -1 = one that is not kept there. `listMs`: when its owner signed the newest list. */
export function cameTooLate(row: LocalPerson, at: number, { came, listMs }: { came: Came; listMs: number }): boolean {
  const kept = keptPlace(row, at);
  // From the manifest that dropped it, not from the newest: later ones must not give a stolen device its voice back.
  const droppedMs = row.retiredMs[kept] ?? (row.knownMs > 0 ? Math.min(listMs, row.knownMs) : listMs);
  return came.acceptedMs > droppedMs + removalGraceMs || isKnownLate(row, kept, came.afterMs);
}

/** The same by this device's clock alone: what no clock of others makes look so. */
export function isKnownLate(row: LocalPerson, at: number, afterMs: number): boolean {
  const learntMs = (at < 0 ? row.knownMs : row.retiredLearntMs[at]) ?? 0;
  return learntMs > 0 && afterMs > learntMs + removalGraceMs;
}

/** When a list that was signed at `signedMs` was learnt of, where this device's clock says `now`: not before it was signed, or the clock is behind. */
export function learntAt(signedMs: number, now: number): number {
  return Math.max(signedMs, now);
}

/** Who is not kept was off before this device first kept a list, or before all of those that are, where more were taken off than that. */
function keptPlace({ retired }: LocalPerson, at: number): number {
  return at < 0 && retired.length >= retiredMax ? 0 : at;
}
