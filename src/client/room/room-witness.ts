// Authors as witnesses: each message says which control entry and which record its author had seen last. A control entry that contradicts the chain
// here is the hub's lie: it stands in the header as well, and an honest hub refuses it. A record that contradicts the log here is the hub's lie or
// the author's, and one voice alone does not say whose: it raises an alarm that names its author. A second one freezes the room; so does an own
// device, and the partner of a 1:1 room, who holds up nobody else's sending.
import type { EventHeader, PayloadInner, Stamp } from '#proto/gen/record.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { recordHash } from '#proto/rules/bytes/hash.ts';
import type { AlarmCode } from '../alarms.ts';
import { syncChain } from '../chain/room-control.ts';
import type { RoomCopy } from './room-copy.ts';
import { recordAt } from './room-rows.ts';

/** Compares what a message's author had seen. What the message is marked with; '' where it fits. Rejects as requests do. */
export async function compareWitness(
  room: RoomCopy,
  { header, stamp }: { readonly header: EventHeader; readonly stamp: Stamp },
  { control, seen }: Pick<PayloadInner, 'control' | 'seen'>,
): Promise<AlarmCode | ''> {
  if (control) await compareControlSeen(room, control);
  const fits = !seen || (await isRecordSeen(room, stamp.seq, seen));
  return fits ? '' : room.contradicted('HISTORY_FORKED', header.member);
}

/** The author knew this entry: this device must have the same one, or get it. */
async function compareControlSeen(
  room: RoomCopy,
  { number, hash }: { readonly number: number; readonly hash: Uint8Array },
): Promise<void> {
  if (number > room.chain.number) await syncChain(room);
  if (room.chain.isSkipped(number)) return;
  const own = room.chain.hashAt(number);
  if (!own) await room.freeze('CONTROL_WITHHELD');
  else if (!equalBytes(own, hash)) await room.freeze('CONTROL_ROLLED_BACK');
}

/** The author had this record at that place: so must this device, where it holds the place. */
async function isRecordSeen(
  room: RoomCopy,
  place: number,
  { seq, hash }: { readonly seq: number; readonly hash: Uint8Array },
): Promise<boolean> {
  // Nobody has seen the place of what they were just writing, or a later one.
  if (seq >= place) return false;
  const record = seq > 0 ? (await recordAt(room, seq))?.record : undefined;
  return !record || equalBytes(recordHash(record.stamp, record.header, room.ports.parts.primitives), hash);
}
