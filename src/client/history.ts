// Older pages of a room: read from this device where they are held, fetched and verified against what is held where they are not.
// A page is taken only when it hashes into the record above it, so that history can't be swapped.
import { LocalRecord } from '#proto/gen/local.ts';
import { ControlEntry, EventKind, Stamp } from '#proto/gen/record.ts';
import { equalBytes } from '#proto/rules/bytes.ts';
import { controlHash } from '#proto/rules/hash.ts';
import { checkRecord } from '#proto/rules/record.ts';
import type { TimelineItem } from './api.ts';
import type { RoomReplica } from './room.ts';
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
      const line = await room.line(record);
      if (line) lines.push(line);
      if (lines.length === limit) break;
    }
    if (rows.length > 0) continue;
    if (!(await fetchOlder(room))) break;
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
  return rows.map(({ key, value }) => ({
    seq: Number.parseInt(key.slice(-14), 16),
    record: LocalRecord.decode(value),
  }));
}

/** Fetches one page below what is held. False = there is nothing older, or no connection. */
function fetchOlder(room: RoomReplica): Promise<boolean> {
  return room.exclusive(async () => {
    const { local } = room;
    const { parts } = room.ports;
    if (local.lowSeq <= Math.max(1, local.readableFrom) || !parts.live()) return false;
    const fetch = {
      room: room.room,
      fromSeq: Math.max(1, local.readableFrom),
      throughSeq: local.lowSeq - 1,
      limit: pageRecords,
      newestFirst: true,
    };
    const page = await parts.request({ $case: 'fetchRecords', value: fetch }, 'recordPage');
    const records = [...page.records].sort((a, b) => Stamp.decode(b.stamp).seq - Stamp.decode(a.stamp).seq);
    for (const record of records) {
      const checked = checkRecord(record, null, { room: room.room, primitives: parts.primitives });
      const continues =
        typeof checked !== 'string' &&
        checked.stamp.seq === local.lowSeq - 1 &&
        equalBytes(checked.head.hash, local.beforeLowHash);
      if (!continues) {
        await room.freeze(typeof checked === 'string' ? 'RECORD_INVALID' : 'HISTORY_FORKED');
        return false;
      }
      if (checked.header.kind === EventKind.EVENT_KIND_CONTROL && !inChain(room, record.body)) {
        await room.freeze('CONTROL_ROLLED_BACK');
        return false;
      }
      const kept = await room.open(record, checked);
      local.lowSeq = checked.stamp.seq;
      local.beforeLowHash = checked.stamp.previousHash;
      await parts.store.write([...room.rowsOf(kept, checked.header, checked.stamp.seq), room.row()]);
    }
    return records.length > 0;
  });
}

function inChain(room: RoomReplica, body: Uint8Array): boolean {
  return room.chain.has(controlHash(ControlEntry.decode(body).signed, room.ports.parts.primitives));
}
