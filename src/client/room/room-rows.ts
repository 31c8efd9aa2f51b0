// How a room's records lie in the local store: by seq, by message id, edits and reactions beside their message, and what could not be decrypted
// yet. Reading them back as lines. Nothing here talks to a server.
import { Content } from '#proto/gen/content.ts';
import { LocalRecord } from '#proto/gen/local.ts';
import { EventHeader, EventKind, SlotWrite, Stamp } from '#proto/gen/record.ts';
import { equalBytes, noBytes } from '#proto/rules/bytes/bytes.ts';
import { decodeCanonical } from '#proto/rules/bytes/canonical.ts';
import { slotKind } from '#proto/rules/record/slots.ts';
import type { TroubleCause } from '../alarms.ts';
import type { Parts } from '../parts.ts';
import type { Outbox } from '../sending/outbox.ts';
import type { TimelineItem } from '../shown.ts';
import { everyPage, type LocalChange, orderedNumber, prefixRange } from '../store/store.ts';
import { annotates, type Folding, foldRecord, messageId } from '../timeline/timeline.ts';

/** A room whose rows are meant. */
export interface RowsOfRoom {
  readonly room: string;
  readonly folding: Folding;
  readonly ports: {
    readonly parts: Pick<Parts, 'store'>;
    readonly outbox: Pick<Outbox, 'localId'>;
  };
}

/** Causes that another try may get past. The others are final: the same bytes fail again, and an alarm was raised where someone lied. */
export const repairable: ReadonlySet<TroubleCause> = new Set([
  'NO_KEY',
  'WITHHELD',
  'UNKNOWN_INDEX',
  'UNKNOWN_DEVICE',
  'NOT_CROSS_SIGNED',
  'IDENTITY_CHANGED',
]);

/** Key of a record's row. */
export function recordKey(room: string, seq: number): string {
  return `${room} ${orderedNumber(seq)}`;
}

/** Seq in the key of a record's row. */
export function seqOfKey(key: string): number {
  return Number.parseInt(key.slice(-14), 16);
}

/** Rows that keep a record: itself, its id or its annotation, and whether it waits for a key (of `session`, if one is named). */
export function rowsOf(room: string, kept: LocalRecord, session = ''): LocalChange[] {
  const header = EventHeader.decode(kept.record?.header ?? noBytes);
  const { seq } = Stamp.decode(kept.record?.stamp ?? noBytes);
  const key = recordKey(room, seq);
  const value = LocalRecord.encode(kept).finish();
  const waits = repairable.has(kept.trouble as TroubleCause);
  const waiting = `${kept.trouble} ${session} ${header.member}.${header.device}`;
  const rows: LocalChange[] = [
    { table: 'records', key, value },
    { table: 'undecrypted', key, value: waits ? new TextEncoder().encode(waiting) : undefined },
  ];
  // An id stays with the place that it had first.
  if (kept.trouble !== 'REPLAY')
    rows.push({ table: 'ids', key: `${room} ${messageId(header)}`, value: new TextEncoder().encode(String(seq)) });
  const about = aboutOf(kept, header);
  if (about !== undefined) rows.push({ table: 'annotations', key: annotationKey(room, about, seq), value });
  return rows;
}

/** Rows that leave of a record only stamp and header; what it said of another message goes, too. */
export function emptiedRows(
  room: string,
  old: LocalRecord,
  emptiedBy: number,
): { kept: LocalRecord; rows: LocalChange[] } {
  const record = old.record && { ...old.record, body: noBytes, emptiedBy };
  const kept: LocalRecord = { ...old, record, content: undefined, trouble: '', writtenMs: 0, unproven: false };
  const rows = rowsOf(room, kept);
  const about = aboutOf(old, EventHeader.decode(old.record?.header ?? noBytes));
  const { seq } = Stamp.decode(old.record?.stamp ?? noBytes);
  if (about !== undefined) rows.push({ table: 'annotations', key: annotationKey(room, about, seq), value: undefined });
  return { kept, rows };
}

/** What a record lies beside: the message that it edits, reacts to or deletes, or the slot that it sets. Undefined: nothing. */
function aboutOf({ record, content }: LocalRecord, { kind }: EventHeader): string | undefined {
  const target = annotates(content);
  if (target) return messageId(target);
  const write = kind === EventKind.EVENT_KIND_SLOT && record ? decodeCanonical(SlotWrite, record.body) : null;
  return write && slotKind(write.slot) === 'ordered' ? `slot.${write.slot}` : undefined;
}

/** The record at a place, if it is here. */
export async function recordAt({ room, ports }: RowsOfRoom, seq: number): Promise<LocalRecord | undefined> {
  const row = await ports.parts.store.get('records', recordKey(room, seq));
  return row && LocalRecord.decode(row);
}

/** The record that a message id names, if it is here. */
export async function recordById(rows: RowsOfRoom, id: string): Promise<LocalRecord | undefined> {
  const seq = await rows.ports.parts.store.get('ids', `${rows.room} ${id}`);
  return seq && recordAt(rows, Number(new TextDecoder().decode(seq)));
}

/** Seqs of a message and of its author's edits, ascending; empty where it is not here. */
export async function seqsOfMessage(rows: RowsOfRoom, id: string): Promise<number[]> {
  const row = await recordById(rows, id);
  if (!row?.record) return [];
  const author = EventHeader.decode(row.record.header).member;
  const edits = (await annotationsOf(rows, id)).filter(
    ({ record, content }) =>
      record && content?.body?.$case === 'edit' && EventHeader.decode(record.header).member === author,
  );
  return [row, ...edits].map(({ record }) => Stamp.decode(record?.stamp ?? noBytes).seq).sort((a, b) => a - b);
}

/** Seq and running count of a record that is here: a read position. */
export async function positionAt(rows: RowsOfRoom, seq: number): Promise<{ seq: number; count: number } | undefined> {
  const record = (await recordAt(rows, seq))?.record;
  return record && { seq, count: Stamp.decode(record.stamp).count };
}

/** The line of a record, with its edits and reactions; undefined where it makes none. */
export async function lineOf(rows: RowsOfRoom, kept: LocalRecord): Promise<TimelineItem | undefined> {
  const header = EventHeader.decode(kept.record?.header ?? noBytes);
  if (await isSlotAgain(rows, kept, header)) return undefined;
  const annotations = header.counts ? await annotationsOf(rows, messageId(header)) : [];
  const line = foldRecord(kept, annotations, rows.folding);
  if (!line?.own || header.device !== rows.folding.device) return line;
  const localId = rows.ports.outbox.localId(rows.room, header.sendId);
  return localId === undefined ? line : { ...line, localId };
}

/** Does it set a slot to what it holds already? Whoever lets somebody in posts the slots anew, for keys that the newcomer has: nothing changes by that. */
async function isSlotAgain({ room, ports }: RowsOfRoom, kept: LocalRecord, header: EventHeader): Promise<boolean> {
  const about = header.kind === EventKind.EVENT_KIND_SLOT && kept.content ? aboutOf(kept, header) : undefined;
  if (about === undefined || !kept.content) return false;
  const { seq } = Stamp.decode(kept.record?.stamp ?? noBytes);
  const before = {
    from: annotationKey(room, about, 0),
    to: annotationKey(room, about, seq),
    limit: 1,
    backwards: true,
  };
  const [last] = await ports.parts.store.list('annotations', before);
  const content = last && LocalRecord.decode(last.value).content;
  return content !== undefined && equalBytes(Content.encode(content).finish(), Content.encode(kept.content).finish());
}

/** The line that a record makes, or changes where it edits, reacts or deletes. */
export async function lineChangedBy(rows: RowsOfRoom, kept: LocalRecord): Promise<TimelineItem | undefined> {
  const target = annotates(kept.content);
  const shown = target ? await recordById(rows, messageId(target)) : kept;
  return shown && lineOf(rows, shown);
}

/** Records that are about a message: edits, reactions and deletions. All of them: whoever reacts often enough must not hide an edit that comes later, nor keep it
 * from being deleted. */
export async function annotationsOf({ room, ports }: RowsOfRoom, id: string): Promise<LocalRecord[]> {
  const records: LocalRecord[] = [];
  for await (const rows of everyPage(ports.parts.store, 'annotations', prefixRange(`${room} ${id} `)))
    for (const { value } of rows) records.push(LocalRecord.decode(value));
  return records;
}

function annotationKey(room: string, id: string, seq: number): string {
  return `${room} ${id} ${orderedNumber(seq)}`;
}
