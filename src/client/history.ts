// Older pages of a room: read from this device where they are held, fetched and verified against what is held where they are not.
// A page is taken only when it hashes into the record above it, so that history can't be swapped.
import { LocalRecord } from '#proto/gen/local.ts';
import { ControlEntry, EventHeader, EventKind, type Record as LogRecord } from '#proto/gen/record.ts';
import { controlHash } from '#proto/rules/hash.ts';
import type { TimelineItem } from './api.ts';
import { ClientError } from './errors.ts';
import type { RoomReplica } from './room.ts';
import { oldestFirst } from './room-fetch.ts';
import { takeOlderRecord } from './room-intake.ts';
import { lineOf, seqOfKey } from './room-rows.ts';
import { orderedNumber } from './store.ts';

const pageRecords = 100;

/** Lines with seq < `beforeSeq`, oldest first, at most `limit`. Fetches while there is a connection; what is here is always shown. */
export async function readHistory(room: RoomReplica, beforeSeq: number, limit: number): Promise<TimelineItem[]> {
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

async function rowsBefore(
  room: RoomReplica,
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
async function tryOlder(room: RoomReplica): Promise<boolean> {
  const { parts } = room.ports;
  if (!parts.live() || !room.joined) return false;
  try {
    return await room.exclusive(() => fetchOlder(room));
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    parts.count(`later.${error.code}`);
    return false;
  }
}

async function fetchOlder(room: RoomReplica): Promise<boolean> {
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
    if (!inChain(room, record)) {
      await room.freeze('CONTROL_ROLLED_BACK');
      return false;
    }
    if (!(await takeOlderRecord(room, record))) return false;
  }
  return page.records.length > 0;
}

/** An old control record must be one of the chain that this device verified. */
function inChain(room: RoomReplica, record: LogRecord): boolean {
  try {
    if (EventHeader.decode(record.header).kind !== EventKind.EVENT_KIND_CONTROL) return true;
    return room.chain.has(controlHash(ControlEntry.decode(record.body).signed, room.ports.parts.primitives));
  } catch {
    return false;
  }
}
