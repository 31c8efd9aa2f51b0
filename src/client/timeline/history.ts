// Older pages of a room: read from this device where they are held, fetched and verified against what is held where they are not.
// A page is taken only when it hashes into the record above it, so that history can't be swapped.
import { LocalRecord } from '#proto/gen/local.ts';
import { ControlEntry, EventHeader, EventKind, type Record as LogRecord, Stamp } from '#proto/gen/record.ts';
import { controlHash } from '#proto/rules/bytes/hash.ts';
import type { AlarmCode } from '../alarms.ts';
import { countLater } from '../errors.ts';
import type { RoomCopy } from '../room/room-copy.ts';
import { oldestFirst } from '../room/room-fetch.ts';
import { takeOlderRecord } from '../room/room-intake.ts';
import { lineOf, recordById, seqOfKey } from '../room/room-rows.ts';
import type { Outbox } from '../sending/outbox.ts';
import type { TimelineItem } from '../shown.ts';
import { orderedNumber } from '../store/store.ts';
import { acceptedLine, foldWaiting, messageId } from './timeline.ts';

const pageRecords = 100;

/**
 * The newest lines of a room, at most `limit`, and behind them all that this device wrote and the log here does not show yet.
 * What waits is noted before the log is read: a record that comes in meanwhile leaves the outbox, and would be in neither.
 */
export async function readNewest(
  room: RoomCopy,
  outbox: Pick<Outbox, 'waiting' | 'accepted'>,
  limit: number,
): Promise<TimelineItem[]> {
  const noted = outbox.waiting(room.room).map((send) => ({ send, accepted: outbox.accepted(send) }));
  const lines = await readHistory(room, Number.MAX_SAFE_INTEGER, limit);
  const newest = lines.at(-1)?.seq ?? 0;
  const shown = new Set(lines.map((line) => line.localId));
  for (const { send, accepted } of noted) {
    const waiting = foldWaiting(send, room.folding);
    // Sealed, answered and shown since it was noted: then the note has no id yet.
    if (!waiting || shown.has(send.localId)) continue;
    const line = { ...waiting, localId: send.localId };
    const id = messageId({ member: room.own, device: room.folding.device, sendId: send.sendId });
    const record = send.sendId > 0 ? await recordById(room, id) : undefined;
    const stamp = record?.record && Stamp.decode(record.record.stamp);
    if (stamp && stamp.seq <= newest) continue;
    const answer = stamp ?? accepted;
    lines.push(answer ? { ...line, ...acceptedLine(id, answer) } : line);
  }
  return lines;
}

/** Lines with seq < `beforeSeq`, oldest first, at most `limit`. Fetches while there is a connection; what is here is always shown. */
export async function readHistory(room: RoomCopy, beforeSeq: number, limit: number): Promise<TimelineItem[]> {
  const lines: TimelineItem[] = [];
  let before = beforeSeq;
  while (lines.length < limit) {
    const rows = await rowsBefore(room, before, limit);
    for (const { seq, record } of rows) {
      before = seq;
      const line = await lineOf(room, record);
      if (line) lines.push(line);
      if (lines.length === limit) break;
    }
    if (rows.length === 0 && !(await tryOlder(room))) break;
  }
  return lines.reverse();
}

/** Fetches everything below what is held. False where that could not be had: no connection, or the server does not give it. */
export async function fetchAllOlder(room: RoomCopy): Promise<boolean> {
  while (await tryOlder(room)) {
    // The next page.
  }
  return room.local.lowSeq <= Math.max(1, room.local.readableFrom);
}

/** The lines that are here, oldest first, a page at a time. */
export async function* oldestLines(room: RoomCopy): AsyncGenerator<TimelineItem[], void, undefined> {
  const to = `${room.room} ${orderedNumber(Number.MAX_SAFE_INTEGER)}`;
  for (let next = 0; ; ) {
    const range = { from: `${room.room} ${orderedNumber(next)}`, to, limit: pageRecords };
    const rows = await room.ports.parts.store.list('records', range);
    const lines = await Promise.all(rows.map(({ value }) => lineOf(room, LocalRecord.decode(value))));
    const shown = lines.filter((line) => line !== undefined);
    if (shown.length > 0) yield shown;
    const last = rows.at(-1);
    if (last === undefined) return;
    next = seqOfKey(last.key) + 1;
  }
}

async function rowsBefore(
  room: RoomCopy,
  beforeSeq: number,
  limit: number,
): Promise<{ seq: number; record: LocalRecord }[]> {
  const range = {
    from: `${room.room} ${orderedNumber(0)}`,
    to: `${room.room} ${orderedNumber(beforeSeq)}`,
    limit,
    backwards: true,
  };
  const rows = await room.ports.parts.store.list('records', range);
  return rows.map(({ key, value }) => ({ seq: seqOfKey(key), record: LocalRecord.decode(value) }));
}

/** Fetches one page below what is held. False = there is nothing older, no connection, or the server does not give it. */
async function tryOlder(room: RoomCopy): Promise<boolean> {
  const { parts } = room.ports;
  if (!parts.live() || !room.joined) return false;
  try {
    return await room.exclusive(() => fetchOlder(room));
  } catch (error) {
    countLater(parts.count, error);
    return false;
  }
}

async function fetchOlder(room: RoomCopy): Promise<boolean> {
  const { local } = room;
  const { parts } = room.ports;
  const from = Math.max(1, local.readableFrom);
  if (local.lowSeq <= from) return false;
  const value = {
    room: room.room,
    fromSeq: from,
    throughSeq: local.lowSeq - 1,
    limit: pageRecords,
    newestFirst: true,
  };
  const page = await parts.request({ $case: 'fetchRecords', value }, 'recordPage');
  for (const record of oldestFirst(page.records).reverse()) {
    const contradiction = contradictsChain(room, record);
    if (contradiction) {
      await room.freeze(contradiction);
      return false;
    }
    if (!(await takeOlderRecord(room, record))) return false;
  }
  return page.records.length > 0;
}

/** An old control record must be one of the chain that this device verified, in the place that it was said to have there; nothing else may be in
 * such a place. What contradicts. */
function contradictsChain({ chain, ports }: RoomCopy, record: LogRecord): AlarmCode | undefined {
  const said = readPlace(record);
  if (said === undefined) return 'CONTROL_ROLLED_BACK';
  const { seq, signed } = said;
  if (signed === undefined) return chain.standsAt(seq) ? 'HISTORY_FORKED' : undefined;
  const place = chain.placeOf(controlHash(signed, ports.parts.primitives));
  // Of entries that a CHECKPOINT stood in for nothing follows here.
  if (place === undefined) return chain.isUntold(seq) ? undefined : 'CONTROL_ROLLED_BACK';
  return place === seq ? undefined : 'HISTORY_FORKED';
}

/** Where a record says that it stands and, of a control record, what was signed. Undefined where the server's bytes do not decode. */
function readPlace(record: LogRecord): { seq: number; signed: Uint8Array | undefined } | undefined {
  try {
    const { seq } = Stamp.decode(record.stamp);
    const isControl = EventHeader.decode(record.header).kind === EventKind.EVENT_KIND_CONTROL;
    return { seq, signed: isControl ? ControlEntry.decode(record.body).signed : undefined };
  } catch {
    // Bytes of others, and nothing but the codec.
    return undefined;
  }
}
