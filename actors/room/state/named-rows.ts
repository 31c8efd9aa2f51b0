// Which rows an emptying takes that the log has covered, and so the judge has let through: those that it lists, or of a range what one member wrote there.
// Says nothing of who may.
import { EventHeader, EventKind, type Record, type Slot } from '#proto/gen/record.ts';
import type { EmptyingRow } from '#proto/gen/room.ts';

/** Does it take the body of the record at this seq? */
export function isNamed(emptying: EmptyingRow, seq: number, record: Record): boolean {
  if (emptying.seqs.length > 0) return emptying.seqs.includes(seq);
  if (!isWithin(emptying, seq)) return false;
  const { member, kind } = EventHeader.decode(record.header);
  const hasBody = kind === EventKind.EVENT_KIND_CONTENT || kind === EventKind.EVENT_KIND_SLOT;
  return hasBody && member === emptying.member;
}

/** Does it take the value of a slot that an event set? */
export function isSlotNamed(emptying: EmptyingRow, { seq, member }: Slot): boolean {
  if (emptying.seqs.length > 0) return emptying.seqs.includes(seq);
  return isWithin(emptying, seq) && member === emptying.member;
}

function isWithin({ fromSeq, throughSeq }: EmptyingRow, seq: number): boolean {
  return fromSeq <= seq && seq <= throughSeq;
}
