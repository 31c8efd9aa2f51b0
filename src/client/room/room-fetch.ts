// Bringing a held room up to the server's head: the chain first, then the records behind the own head, page by page. The first look at a room
// takes its newest page only; older ones come when someone reads there (history.ts). Only within the room's `exclusive`.
import type { RoomEntry } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import type { Record as LogRecord } from '#proto/gen/record.ts';
import { Stamp } from '#proto/gen/record.ts';
import { equalBytes } from '#proto/rules/bytes/bytes.ts';
import { recordHash } from '#proto/rules/bytes/hash.ts';
import { compareControl, nothingBeside, syncChain } from '../chain/room-control.ts';
import { isRejection } from '../errors.ts';
import type { RoomCopy } from './room-copy.ts';
import { seqOf, takeRecord } from './room-intake.ts';
import { recordAt } from './room-rows.ts';

const pageRecords = 200;
const firstPageRecords = 50;

/** What this device held when it asked for the server's list: an answer below that is a lie, one below what came since is only late. */
export interface Marks {
  readonly seq: number;
  readonly control: number;
  /** When it asked, by its own clock. */
  readonly askedMs: number;
}

/** Takes everything up to the head that the server names for a joined member. Rejects as requests do. */
export async function pullTo(room: RoomCopy, entry: RoomEntry, marks: Marks): Promise<void> {
  const { control } = entry;
  if (room.chain.number === 0 || (control?.number ?? 0) > room.chain.number) await syncChain(room);
  else if (control) await compareControl(room, control, marks.control);
  if (entry.headSeq < marks.seq) {
    // What this device holds was acknowledged once: a head never goes back.
    await room.freeze('HISTORY_FORKED');
    return;
  }
  await fetchThrough(room, entry.headSeq);
  // One that names more than it hands out has shown no head.
  if (room.headSeq >= entry.headSeq && room.chain.number >= (control?.number ?? 0))
    room.saw(entry.headSeq, marks.askedMs);
  await compareHead(room, entry);
  await findBaseline(room);
}

/** Records behind the own head up to `through` (0 = the server's head). Rejects as requests do. */
export async function fetchThrough(room: RoomCopy, through: number): Promise<void> {
  if (room.headSeq === 0) await fetchNewest(room);
  while (through === 0 || room.headSeq < through) {
    const before = room.headSeq;
    const page = await fetchPage(room, through);
    if (page === undefined) {
      await fetchNewest(room);
      return;
    }
    for (const record of page.records) {
      if (seqOf(record) <= room.headSeq) continue;
      if (!(await takeRecord(room, record, nothingBeside))) return;
    }
    if (page.nextSeq === 0 || room.headSeq === before) return;
  }
}

/** The page behind the own head; undefined where the rows there have expired. */
async function fetchPage(room: RoomCopy, through: number) {
  const value = {
    room: room.room,
    fromSeq: room.headSeq + 1,
    throughSeq: through,
    limit: pageRecords,
    newestFirst: false,
  };
  try {
    return await room.ports.parts.request({ $case: 'fetchRecords', value }, 'recordPage');
  } catch (error) {
    if (!isRejection(error, Rejection.REJECTION_BELOW_FLOOR)) throw error;
    return undefined;
  }
}

/** The newest page, where nothing is held or what is held ends below the floor. */
async function fetchNewest(room: RoomCopy): Promise<void> {
  const value = { room: room.room, fromSeq: 0, throughSeq: 0, limit: firstPageRecords, newestFirst: true };
  const page = await room.ports.parts.request({ $case: 'fetchRecords', value }, 'recordPage');
  room.local.readableFrom = Math.max(room.local.readableFrom, page.readableFrom);
  for (const record of oldestFirst(page.records)) {
    if (seqOf(record) <= room.headSeq) continue;
    if (!(await takeRecord(room, record, nothingBeside))) return;
  }
}

async function compareHead(room: RoomCopy, entry: RoomEntry): Promise<void> {
  const record = (await recordAt(room, entry.headSeq))?.record;
  if (!record || entry.headSeq > room.headSeq) return;
  const own = recordHash(record.stamp, record.header, room.ports.parts.primitives);
  if (!equalBytes(own, entry.headHash)) await room.freeze('HISTORY_FORKED');
}

/** Unread counts from where this user came in, until something was read: the record of joining says the count there. */
async function findBaseline(room: RoomCopy): Promise<void> {
  const { local, chain } = room;
  if (local.readSeq > 0 || !room.joined) return;
  const seq = chain.joinedAt(room.own);
  if (seq === 0 || seq >= local.lowSeq || seq < local.readableFrom) return;
  const value = { room: room.room, fromSeq: seq, throughSeq: seq, limit: 1, newestFirst: false };
  const { records } = await room.ports.parts.request({ $case: 'fetchRecords', value }, 'recordPage');
  const [record] = records;
  if (record && seqOf(record) === seq) room.readTo(seq, Stamp.decode(record.stamp).count);
}

/** Records in ascending order, whichever way the page came. */
export function oldestFirst(records: readonly LogRecord[]): LogRecord[] {
  return [...records].sort((a, b) => seqOf(a) - seqOf(b));
}
