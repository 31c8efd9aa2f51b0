// Which records a member may read: the stays that the chain gives, cut by the room's floor. The hub serves nothing else; what a member's
// devices can decrypt is a matter of keys and may be less.

import type { Stay } from '../control/member-table.ts';
import { limits } from '../limits.ts';

/** Both ends included. */
export interface SeqRange {
  readonly from: number;
  readonly through: number;
}

/** The stays of one who joins with the event `seq`: from there on, or from the floor on where the policy of that moment says so. */
export function openStay(
  stays: readonly Stay[],
  seq: number,
  policy: { readonly fromStart: boolean },
): readonly Stay[] {
  if (policy.fromStart) return [{ from: 1, through: 0 }];
  return [...stays, { from: seq, through: 0 }].slice(-limits.staysMax);
}

/** The stays of one who loses access with the event `seq`: that event is the last that may be read. */
export function afterStay(stays: readonly Stay[], seq: number): readonly Stay[] {
  return stays.map((stay) => (stay.through === 0 ? { from: stay.from, through: seq } : stay));
}

/** What may be read now, ascending and disjoint: the stays within floor…head. `floor` is at least 1; `head` 0 = empty log. */
export function readableRanges(stays: readonly Stay[], floor: number, head: number): SeqRange[] {
  const ranges: SeqRange[] = [];
  for (const stay of stays) {
    const from = Math.max(stay.from, floor, (ranges.at(-1)?.through ?? 0) + 1);
    const through = stay.through === 0 ? head : Math.min(stay.through, head);
    if (from <= through) ranges.push({ from, through });
  }
  return ranges;
}

/** May this seq be read? Says nothing about the floor. */
export function mayRead(stays: readonly Stay[], seq: number): boolean {
  return stays.some((stay) => stay.from <= seq && (stay.through === 0 || seq <= stay.through));
}

/** RoomEntry.readable_from: the first seq that may be read, at least `floor`; 0 while there is none. */
export function readableFrom(stays: readonly Stay[], floor: number): number {
  for (const stay of stays) {
    if (stay.through === 0 || stay.through >= floor) return Math.max(stay.from, floor);
  }
  return 0;
}
