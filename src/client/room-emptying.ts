// Emptied bodies: an ordered event names rows, and of them only stamp and header stay, here as at the hub. A row that a server emptied by itself,
// or by an event that may not do so, is noticed: at once where that event is here, else when the log reaches it.
import { LocalRecord } from '#proto/gen/local.ts';
import {
  type Emptying,
  EventHeader,
  EventKind,
  type Record as LogRecord,
  SlotWrite,
  Stamp,
} from '#proto/gen/record.ts';
import { noBytes } from '#proto/rules/bytes.ts';
import type { ControlState } from '#proto/rules/control-state.ts';
import { checkEmptying, decodeEmptying, mayEmptyRow } from '#proto/rules/emptying.ts';
import type { CheckedRecord } from '#proto/rules/record.ts';
import type { RoomReplica } from './room.ts';
import { emptiedRows, lineOf, recordAt, seqOfKey } from './room-rows.ts';
import { type LocalChange, orderedNumber, prefixRange } from './store.ts';

/** A row that came emptied: what must be looked at once the event that did it is here. */
export function emptiedMark(room: string, seq: number, emptiedBy: number): LocalChange {
  return {
    table: 'emptied',
    key: `${room} ${orderedNumber(emptiedBy)} ${orderedNumber(seq)}`,
    value: Uint8Array.of(1),
  };
}

/** Takes an EMPTYING event: the rows that it names and may empty lose their bodies. */
export async function applyEmptying(
  room: RoomReplica,
  record: LogRecord,
  { header, stamp }: CheckedRecord,
): Promise<void> {
  const emptying = decodeEmptying(record.body);
  if (typeof emptying === 'number') return;
  for (const target of await targetsHeld(room, emptying)) {
    const old = await recordAt(room, target);
    if (!old?.record || old.record.emptiedBy > 0) continue;
    const author = EventHeader.decode(old.record.header);
    if (!mayEmpty(room, emptying, { stamp, actor: header }, { seq: target, header: author })) continue;
    const { kept, rows } = emptiedRows(room.room, old, stamp.seq);
    if (author.kind === EventKind.EVENT_KIND_SLOT) dropSlot(room, old.record);
    await room.ports.parts.store.write([...rows, room.row()]);
    const item = await lineOf(room, kept);
    if (item) room.ports.parts.emit('item', item);
  }
}

/** Looks at rows that came emptied and name the record `seq`, which is here now. */
export async function checkMarks(room: RoomReplica, seq: number): Promise<void> {
  const { store } = room.ports.parts;
  const marks = await store.list('emptied', { ...prefixRange(`${room.room} ${orderedNumber(seq)} `), limit: 10_000 });
  for (const { key } of marks) {
    await checkEmptied(room, seqOfKey(key), seq);
    await store.write([{ table: 'emptied', key, value: undefined }]);
  }
}

/** A row came emptied by an event that is here already (older history). */
export async function checkEmptied(room: RoomReplica, seq: number, emptiedBy: number): Promise<void> {
  const [row, event] = [await recordAt(room, seq), await recordAt(room, emptiedBy)];
  if (!row?.record || !event?.record) return;
  const actor = EventHeader.decode(event.record.header);
  const emptying = actor.kind === EventKind.EVENT_KIND_EMPTYING ? decodeEmptying(event.record.body) : 0;
  const header = EventHeader.decode(row.record.header);
  const stamp = Stamp.decode(event.record.stamp);
  const lawful = typeof emptying !== 'number' && mayEmpty(room, emptying, { stamp, actor }, { seq, header });
  if (!lawful) await room.freeze('EMPTIED_UNLAWFULLY');
}

function mayEmpty(
  room: RoomReplica,
  emptying: Emptying,
  { stamp, actor }: { readonly stamp: Stamp; readonly actor: EventHeader },
  row: { readonly seq: number; readonly header: EventHeader },
): boolean {
  // Roles of that moment: a moderator who has left since was one then.
  const state = room.chain.stateAt(stamp.seq);
  if (state === null || !isAllowed(emptying, actor, state)) return false;
  return mayEmptyRow(emptying, row, { state, actor, acceptedMs: stamp.acceptedMs });
}

/** Is this body of an EMPTYING one that its author might send at that moment? */
export function isLawfulEmptying(body: Uint8Array, actor: EventHeader, state: ControlState): boolean {
  const emptying = decodeEmptying(body);
  return typeof emptying !== 'number' && isAllowed(emptying, actor, state);
}

/** Ranges (quota, erasure) come from providers, whose signature no version has yet: until then nobody empties by range. */
function isAllowed(emptying: Emptying, actor: EventHeader, state: ControlState): boolean {
  return emptying.fromSeq === 0 && checkEmptying(emptying, state, actor) === null;
}

async function targetsHeld(room: RoomReplica, emptying: Emptying): Promise<readonly number[]> {
  if (emptying.seqs.length > 0) return emptying.seqs;
  const range = {
    from: `${room.room} ${orderedNumber(emptying.fromSeq)}`,
    to: `${room.room} ${orderedNumber(emptying.throughSeq + 1)}`,
    limit: 100_000,
  };
  const rows = await room.ports.parts.store.list('records', range);
  return rows
    .filter(
      ({ value }) => EventHeader.decode(LocalRecord.decode(value).record?.header ?? noBytes).member === emptying.member,
    )
    .map(({ key }) => seqOfKey(key));
}

function dropSlot(room: RoomReplica, record: LogRecord): void {
  const { seq } = Stamp.decode(record.stamp);
  const { slot } = SlotWrite.decode(record.body);
  room.local.slots = room.local.slots.map((kept) =>
    kept.slot?.seq === seq && SlotWrite.decode(kept.slot.write).slot === slot ? { ...kept, content: undefined } : kept,
  );
}
