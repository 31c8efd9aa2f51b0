// Pages of records for members: exactly what their stays let them read, from memory where the ring has it, else from the log; both give the
// same page. A page is contiguous, complete in what it names, and one frame.
import type { Effect } from '#actors/kernel/effects.ts';
import type { Requester } from '#actors/kernel/messages.ts';
import type { FetchRecords } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import type { Record } from '#proto/gen/record.ts';
import type { Member } from '#proto/rules/control/member-table.ts';
import { limits as protocol } from '#proto/rules/limits.ts';
import { readableFrom, readableRanges, type SeqRange } from '#proto/rules/record/reading.ts';
import { answer, joinedMember, type RoomContext, refuse } from '../context.ts';
import { recordOf } from '../state/stored.ts';

/** A row on its way into a page: its record, and the bytes by which the page is cut. */
interface PageRow {
  readonly seq: number;
  readonly record: Record;
  readonly bytes: number;
}

/** What one page is to hold. */
interface Wanted {
  /** The next rows, within one stay. */
  readonly range: SeqRange;
  readonly limit: number;
  readonly backwards: boolean;
  /** Where a later page goes on when the range is done; 0 = nowhere. */
  readonly after: number;
}

/** A page before it is an answer. */
interface Page {
  readonly rows: readonly PageRow[];
  readonly next: number;
}

/** FetchRecords: NOT_FOUND, NOT_MEMBER, BAD_REQUEST, BELOW_FLOOR, BUSY, or a page. */
export function fetchRecords(context: RoomContext, from: Requester, request: FetchRecords): readonly Effect[] {
  const { calls, options } = context;
  const member = joinedMember(context, from.user);
  if (typeof member === 'number') return [refuse(context, from, member)];
  const wanted = plan(context, member, request);
  if (typeof wanted === 'number') return [refuse(context, from, wanted)];
  // Who is not live here gets one mark until the next fetch: asked for before the head is read, so that no move falls between.
  const watch: Effect = { kind: 'watch', session: from.session, room: context.room };
  if (wanted === null) {
    return [watch, pageOf(context, from, member, { rows: [], next: 0 })];
  }
  const { range, limit, backwards } = wanted;
  const kept = fromRing(context, wanted);
  if (kept !== null) return [watch, pageOf(context, from, member, finish(wanted, kept))];
  if (calls.size >= options.limits.logCallsMax) return [refuse(context, from, Rejection.REJECTION_BUSY)];
  const bounds = { fromSeq: range.from, throughSeq: range.through, limit, bytesMax: options.limits.pageBytesMax };
  const read = calls.read({ ...bounds, backwards }, ({ rows }) => {
    const read = rows.map(({ seq, bytes }) => ({ seq, record: recordOf(bytes), bytes: bytes.length }));
    // The log answers in ascending order, whichever end it cut at.
    return [pageOf(context, from, member, finish(wanted, backwards ? read.reverse() : read))];
  });
  return [watch, read];
}

/** The next stretch of what was asked for that may be read: null = nothing. */
function plan({ state }: RoomContext, member: Member, request: FetchRecords): Wanted | Rejection | null {
  const readable = readableFrom(member.stays, state.floor);
  const from = request.fromSeq || readable;
  const through = Math.min(request.throughSeq || state.head.seq, state.head.seq);
  if (request.throughSeq !== 0 && request.fromSeq > request.throughSeq) return Rejection.REJECTION_BAD_REQUEST;
  if (from < readable || (request.throughSeq !== 0 && request.throughSeq < readable)) {
    return Rejection.REJECTION_BELOW_FLOOR;
  }
  const ranges = readableRanges(member.stays, state.floor, state.head.seq)
    .map((range) => ({ from: Math.max(range.from, from), through: Math.min(range.through, through) }))
    .filter((range) => range.from <= range.through);
  const backwards = request.newestFirst;
  const range = backwards ? ranges.at(-1) : ranges[0];
  if (range === undefined) return null;
  const after = (backwards ? ranges.at(-2)?.through : ranges[1]?.from) ?? 0;
  const limit = Math.min(request.limit || protocol.recordPageDefault, protocol.recordPageMax);
  return { range, limit, backwards, after };
}

/** Null where the ring does not reach back far enough for a whole page. */
function fromRing({ state, options }: RoomContext, { range, limit, backwards }: Wanted): PageRow[] | null {
  const rows: PageRow[] = [];
  let bytes = 0;
  const step = backwards ? -1 : 1;
  for (let seq = backwards ? range.through : range.from; seq >= range.from && seq <= range.through; seq += step) {
    if (rows.length === limit) return rows;
    const row = state.ring.get(seq);
    if (row === undefined) return null;
    bytes += row.bytes;
    if (bytes > options.limits.pageBytesMax && rows.length > 0) return rows;
    rows.push(row);
  }
  return rows;
}

function finish({ range, backwards, after }: Wanted, rows: readonly PageRow[]): Page {
  const last = rows.at(-1)?.seq;
  // Rows can be missing only because they expired meanwhile: then there is nothing to go on to.
  if (last === undefined) return { rows, next: after };
  const done = backwards ? last === range.from : last === range.through;
  return { rows, next: done ? after : last + (backwards ? -1 : 1) };
}

/** The answer. What may be read is said as it is now: the log may have learned meanwhile that its oldest rows have expired. */
function pageOf({ room, state }: RoomContext, from: Requester, { stays }: Member, { rows, next }: Page): Effect {
  const records = rows.map(({ seq, record }) => state.shown(seq, record));
  const readable = readableFrom(stays, state.floor);
  const value = { room, records, headSeq: state.head.seq, readableFrom: readable, nextSeq: next };
  return answer(from, { $case: 'recordPage', value });
}
