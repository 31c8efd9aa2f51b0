// Emptying bodies: judged when submitted, which needs the authors of the rows, and carried out once the event is covered. From that moment pages
// show the rows empty; the log's bytes are rewritten right after, and again after a crash, until that is done.
import type { Effect } from '#actors/kernel/effects.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { EventHeader } from '#proto/gen/record.ts';
import type { EmptyingRow } from '#proto/gen/room.ts';
import type { ControlState } from '#proto/rules/control/state.ts';
import { limits as protocol } from '#proto/rules/limits.ts';
import { checkEmptying, decodeEmptying, mayEmptyRow } from '#proto/rules/record/emptying.ts';
import type { LogRow } from '../../log/messages.ts';
import type { RoomContext } from '../context.ts';
import { isNamed } from '../state/named-rows.ts';
import type { Change } from '../state/room-state.ts';
import { emptiedRow, recordOf } from '../state/stored.ts';

/** Headers of rows by seq. */
export type LookedUp = ReadonlyMap<number, EventHeader>;

/** Most bytes of one read of rows to look up or empty: all that one emptying may name. */
const rowsBytesMax = protocol.emptyingSeqsMax * (protocol.bodyBytesMax + 4_096);

/** Judges an EVENT_KIND_EMPTYING: good, refused, or the rows whose authors must be looked up first. */
export function judgeEmptying(
  { state }: RoomContext,
  event: {
    readonly header: EventHeader;
    readonly body: Uint8Array;
    readonly chain: ControlState;
    readonly looked: LookedUp | null;
  },
): Change | { readonly kind: 'look'; readonly seqs: readonly number[] } | Rejection {
  const emptying = decodeEmptying(event.body);
  if (typeof emptying === 'number') return emptying;
  const code = checkEmptying(emptying, event.chain, event.header);
  if (code !== null) return code;
  if ([...emptying.seqs, emptying.throughSeq].some((seq) => seq > state.head.seq)) return Rejection.REJECTION_BAD_EVENT;
  // All that this user wrote: whose rows those are is seen when they are walked over.
  if (emptying.seqs.length === 0) return { kind: 'emptying', emptying };
  const rows: { seq: number; header: EventHeader }[] = [];
  for (const seq of emptying.seqs.filter((each) => each >= state.floor)) {
    const kept = state.ring.get(seq);
    const header = kept === undefined ? event.looked?.get(seq) : EventHeader.decode(kept.record.header);
    if (header !== undefined) rows.push({ seq, header });
    // All of them, for what is in the ring now may have left it when the answer comes.
    else if (event.looked === null) return { kind: 'look', seqs: emptying.seqs.filter((each) => each >= state.floor) };
    else return Rejection.REJECTION_BAD_EVENT;
  }
  // The event's own stamp will not be before the last one's.
  const by = { state: event.chain, actor: event.header, acceptedMs: state.ahead.acceptedMs };
  if (!rows.every((row) => mayEmptyRow(emptying, row, by))) return Rejection.REJECTION_FORBIDDEN;
  return { kind: 'emptying', emptying };
}

/** Reads the headers of rows, then goes on with what was found. */
export function lookUp(
  context: RoomContext,
  seqs: readonly number[],
  then: (found: LookedUp, now: number) => readonly Effect[],
): readonly Effect[] {
  const found = new Map<number, EventHeader>();
  return readRows(context, seqs, (rows, now) => {
    for (const { seq, bytes } of rows ?? []) found.set(seq, EventHeader.decode(recordOf(bytes).header));
    return rows === null ? then(found, now) : [];
  });
}

/** Rewrites what covered emptyings name, one event after the other. */
export function emptyRows(context: RoomContext): readonly Effect[] {
  const [next] = context.state.emptyings;
  if (next === undefined) return [];
  const [event, left] = next;
  return left.seqs.length > 0 ? emptyList(context, event, left.seqs) : emptyRange(context, event, left);
}

function emptyList(context: RoomContext, event: number, seqs: readonly number[]): readonly Effect[] {
  const changed: LogRow[] = [];
  return readRows(context, seqs, (rows) => {
    for (const { seq, bytes } of rows ?? []) {
      const row = emptiedRow(bytes, event);
      if (row !== null) changed.push({ seq, bytes: row });
    }
    if (rows !== null) return [];
    const finish = () => {
      context.state.emptiedRows(event);
      return emptyRows(context);
    };
    return changed.length === 0 ? finish() : [context.calls.rewrite(changed, finish)];
  });
}

/** A range may be all of a room's log: a page of it at a time, and what was walked over is remembered with the next save. After a crash pages come again,
 * and what is empty stays as it is. */
function emptyRange(context: RoomContext, event: number, left: EmptyingRow): readonly Effect[] {
  const { state, calls, options } = context;
  const { emptyingPageRows: limit, emptyingPageBytes: bytesMax } = options.limits;
  const fromSeq = Math.max(left.fromSeq, state.floor);
  if (fromSeq > left.throughSeq) {
    state.emptiedRows(event);
    return emptyRows(context);
  }
  const range = { fromSeq, throughSeq: left.throughSeq, limit, bytesMax, backwards: false };
  const page = calls.read(range, ({ rows, next }) => {
    const changed = rows.flatMap(({ seq, bytes }) => {
      const row = isNamed(left, seq, recordOf(bytes)) ? emptiedRow(bytes, event) : null;
      return row === null ? [] : [{ seq, bytes: row }];
    });
    const goOn = () => {
      state.emptiedBelow(event, next === 0 ? left.throughSeq + 1 : next);
      return emptyRows(context);
    };
    return changed.length === 0 ? goOn() : [calls.rewrite(changed, goOn)];
  });
  return [page];
}

/** Reads rows, a run of neighbours at a time; `each` with every answer, and with null at the end. */
function readRows(
  context: RoomContext,
  seqs: readonly number[],
  each: (rows: readonly LogRow[] | null, now: number) => readonly Effect[],
): readonly Effect[] {
  const runs = neighbours(seqs);
  const read = (run: Run | undefined, now: number): readonly Effect[] => {
    if (run === undefined) return each(null, now);
    const range = { ...run, limit: protocol.emptyingSeqsMax, bytesMax: rowsBytesMax, backwards: false };
    const command = context.calls.read(range, (answer, later) => {
      const rest = answer.next === 0 ? runs.shift() : { ...run, fromSeq: answer.next };
      return [...each(answer.rows, later), ...read(rest, later)];
    });
    return [command];
  };
  return read(runs.shift(), 0);
}

interface Run {
  readonly fromSeq: number;
  readonly throughSeq: number;
}

function neighbours(seqs: readonly number[]): Run[] {
  const runs: Run[] = [];
  for (const seq of [...seqs].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last?.throughSeq === seq - 1) runs[runs.length - 1] = { fromSeq: last.fromSeq, throughSeq: seq };
    else runs.push({ fromSeq: seq, throughSeq: seq });
  }
  return runs;
}
