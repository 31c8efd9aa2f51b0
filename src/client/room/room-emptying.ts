// Emptied bodies: an ordered event names rows, and of them only stamp and header stay, here as at the hub. A row that a server emptied by itself,
// or by an event that may not do so, is noticed: at once where that event is here, else when the log reaches it.
import type { LocalRecord } from '#proto/gen/local.ts';
import {
  type Emptying,
  EmptyingCause,
  EventHeader,
  EventKind,
  type Record as LogRecord,
  SlotWrite,
  Stamp,
} from '#proto/gen/record.ts';
import type { ControlState } from '#proto/rules/control/state.ts';
import { checkEmptying, decodeEmptying, isByAuthor, mayEmptyRow } from '#proto/rules/record/emptying.ts';
import type { CheckedRecord } from '#proto/rules/record/record.ts';
import { everyPage, type LocalChange, orderedNumber, prefixRange } from '../store/store.ts';
import type { RoomCopy } from './room-copy.ts';
import { emptiedRows, recordAt, seqOfKey } from './room-rows.ts';

/** A row that came emptied: what must be looked at once the event that did it is here. */
export function emptiedMark(room: string, seq: number, emptiedBy: number): LocalChange {
  return {
    table: 'emptied',
    key: `${room} ${orderedNumber(emptiedBy)} ${orderedNumber(seq)}`,
    value: Uint8Array.of(1),
  };
}

/** What a record changes in rows that are here, to be kept in the record's own write: a crash between would leave a body for good. */
export interface EmptyingChanges {
  readonly rows: readonly LocalChange[];
  /** Rows as they are afterwards. */
  readonly emptied: readonly LocalRecord[];
}

/** What an EMPTYING event changes: the rows that it names and may empty lose their bodies. Any other event changes none, and neither does an erasure: what
 * somebody who left said stays with those who have it, so a hub that invents one takes nothing from them. */
export async function emptyTargets(
  room: RoomCopy,
  record: LogRecord,
  { header, stamp }: CheckedRecord,
): Promise<EmptyingChanges> {
  const rows: LocalChange[] = [];
  const emptied: LocalRecord[] = [];
  const emptying = header.kind === EventKind.EVENT_KIND_EMPTYING ? decodeEmptying(record.body) : 0;
  if (typeof emptying === 'number') return { rows, emptied };
  for (const target of emptying.seqs) {
    const old = await recordAt(room, target);
    if (!old?.record || old.record.emptiedBy > 0) continue;
    const author = EventHeader.decode(old.record.header);
    if (!mayEmpty(room, emptying, { stamp, actor: header }, { seq: target, header: author })) continue;
    const now = emptiedRows(room.room, old, stamp.seq);
    if (author.kind === EventKind.EVENT_KIND_SLOT) dropSlot(room, old.record);
    rows.push(...now.rows);
    emptied.push(now.kept);
  }
  return { rows, emptied };
}

/** Looks at rows that came emptied and name this record, which is being taken. Their marks, to be deleted in the record's own write. */
export async function judgeMarks(
  room: RoomCopy,
  record: LogRecord,
  { header, stamp }: CheckedRecord,
): Promise<LocalChange[]> {
  const prefix = prefixRange(`${room.room} ${orderedNumber(stamp.seq)} `);
  const judged: LocalChange[] = [];
  for await (const marks of everyPage(room.ports.parts.store, 'emptied', prefix))
    for (const { key } of marks) {
      const row = (await recordAt(room, seqOfKey(key)))?.record;
      if (row) await judgeEmptied(room, row, { stamp, actor: header, body: record.body });
      judged.push({ table: 'emptied', key, value: undefined });
    }
  return judged;
}

/** Looks at a row that comes emptied by an event that is here already (older history). */
export async function checkEmptied(room: RoomCopy, row: LogRecord): Promise<void> {
  const event = row.emptiedBy > 0 ? (await recordAt(room, row.emptiedBy))?.record : undefined;
  if (!event) return;
  const actor = EventHeader.decode(event.header);
  await judgeEmptied(room, row, { stamp: Stamp.decode(event.stamp), actor, body: event.body });
}

async function judgeEmptied(
  room: RoomCopy,
  row: LogRecord,
  { body, ...event }: { readonly stamp: Stamp; readonly actor: EventHeader; readonly body: Uint8Array },
): Promise<void> {
  const emptying = event.actor.kind === EventKind.EVENT_KIND_EMPTYING ? decodeEmptying(body) : 0;
  const place = { seq: Stamp.decode(row.stamp).seq, header: EventHeader.decode(row.header) };
  if (typeof emptying === 'number' || !mayEmpty(room, emptying, event, place)) await room.freeze('EMPTIED_UNLAWFULLY');
}

function mayEmpty(
  room: RoomCopy,
  emptying: Emptying,
  { stamp, actor }: { readonly stamp: Stamp; readonly actor: EventHeader },
  row: { readonly seq: number; readonly header: EventHeader },
): boolean {
  if (room.chain.isUntold(stamp.seq)) return mightEmpty(room, emptying, { stamp, actor }, row);
  // Roles of that moment: a moderator who has left since was one then.
  const state = room.chain.stateAt(stamp.seq);
  if (state === null || !isAllowed(emptying, actor, state)) return false;
  return mayEmptyRow(emptying, row, { state, actor, acceptedMs: stamp.acceptedMs });
}

/** The same where a CHECKPOINT stood in for the entries of then: anybody who was there might have been a moderator. */
function mightEmpty(
  { chain }: RoomCopy,
  emptying: Emptying,
  { stamp, actor }: { readonly stamp: Stamp; readonly actor: EventHeader },
  row: { readonly seq: number; readonly header: EventHeader },
): boolean {
  const { state } = chain;
  if (!state || (emptying.fromSeq > 0 && !isByAuthor(emptying, actor))) return false;
  if (mayEmptyRow(emptying, row, { state, actor, acceptedMs: stamp.acceptedMs })) return true;
  const { kind } = row.header;
  const hasBody = kind === EventKind.EVENT_KIND_CONTENT || kind === EventKind.EVENT_KIND_SLOT;
  const byModerator = emptying.cause === EmptyingCause.EMPTYING_CAUSE_MODERATOR && !state.policy.direct;
  return byModerator && hasBody && emptying.seqs.includes(row.seq) && chain.wasThere(actor.member, stamp.seq);
}

/** Is this body of an EMPTYING one that its author might send at that moment? */
export function isLawfulEmptying(body: Uint8Array, actor: EventHeader, state: ControlState): boolean {
  const emptying = decodeEmptying(body);
  return typeof emptying !== 'number' && isAllowed(emptying, actor, state);
}

/** Ranges come from providers, whose signature no version has yet, but for one's own before one goes: until then nobody else empties by range. */
function isAllowed(emptying: Emptying, actor: EventHeader, state: ControlState): boolean {
  const mayRange = emptying.fromSeq === 0 || isByAuthor(emptying, actor);
  return mayRange && checkEmptying(emptying, state, actor) === null;
}

function dropSlot(room: RoomCopy, record: LogRecord): void {
  const { seq } = Stamp.decode(record.stamp);
  const { slot } = SlotWrite.decode(record.body);
  room.local.slots = room.local.slots.map((kept) =>
    kept.slot?.seq === seq && SlotWrite.decode(kept.slot.write).slot === slot ? { ...kept, content: undefined } : kept,
  );
}
