// A record is an event with its place. The hub stamps (hot: once per message); readers check that each record continues the one before.
// The hash covers stamp and header only, so an emptied body leaves the chain whole.
import { Rejection } from '../../gen/codes.ts';
import { type Event, type EventHeader, type Record, type SlotWrite, Stamp } from '../../gen/record.ts';
import { equalBytes, noBytes, zeroHash } from '../bytes/bytes.ts';
import { decodeCanonical } from '../bytes/canonical.ts';
import { encodeMessage } from '../bytes/encode.ts';
import { hashBytes, recordHash } from '../bytes/hash.ts';
import type { Primitives } from '../primitives.ts';
import { checkBody, checkKind, decodeHeader } from './event.ts';

/** Where a room's log stands after a record: all that the next one needs. */
export interface LogHead {
  readonly incarnation: number;
  /** 0 = empty log. */
  readonly seq: number;
  readonly acceptedMs: number;
  readonly count: number;
  /** hash of that record; 32 zero bytes for the empty log. */
  readonly hash: Uint8Array;
}

/** The head of a log without records, written by this incarnation of the hub (from 1). */
export function emptyHead(incarnation: number): LogHead {
  return { incarnation, seq: 0, acceptedMs: 0, count: 0, hash: zeroHash };
}

/**
 * Gives an event the next place. `event` was checked by `checkEvent` and `counts` is its header's; `now` is milliseconds since the epoch and is
 * raised to the previous record's where the clock went back. The bytes of the event are kept, not copied.
 */
export function stampEvent(
  head: LogHead,
  event: Pick<Event, 'header' | 'body'>,
  options: { readonly counts: boolean; readonly now: number; readonly primitives: Primitives },
): { record: Record; head: LogHead } {
  const seq = head.seq + 1;
  const acceptedMs = Math.max(options.now, head.acceptedMs);
  const count = options.counts ? head.count + 1 : head.count;
  const { incarnation } = head;
  const stamp = encodeMessage(Stamp, { incarnation, seq, acceptedMs, count, previousHash: head.hash });
  const hash = recordHash(stamp, event.header, options.primitives);
  return {
    record: { stamp, header: event.header, body: event.body, emptiedBy: 0 },
    head: { incarnation, seq, acceptedMs, count, hash },
  };
}

/** What is wrong with a record. A closed list; every one but GAP means that someone lies or is broken. */
export type RecordFault =
  /** Stamp or header do not decode, are not canonical or out of bounds. */
  | 'MALFORMED'
  /** The header names another room. */
  | 'WRONG_ROOM'
  /** The body is not the one the header names, or an emptied record has one. */
  | 'WRONG_BODY'
  /** Its seq is not the next one. */
  | 'GAP'
  /** It is the next one but names another record before it: two histories. */
  | 'FORK'
  /** Time, incarnation or count went back, or the count does not follow the header. */
  | 'WRONG_STAMP';

/** A record that was found good. */
export interface CheckedRecord {
  readonly stamp: Stamp;
  readonly header: EventHeader;
  /** The head after it. */
  readonly head: LogHead;
}

/**
 * Checks a record of `room`. With `previous` it must be the very next one; without, it starts a range (the first record of a log still
 * has to name 32 zero bytes before it). A kind or algorithm of a later version is no fault: the reader says so and goes on.
 */
export function checkRecord(
  record: Record,
  previous: LogHead | null,
  options: { readonly room: string; readonly primitives: Primitives },
): CheckedRecord | RecordFault {
  const stamp = decodeCanonical(Stamp, record.stamp);
  const header = decodeHeader(record.header);
  if (stamp === null || typeof header === 'number') return 'MALFORMED';
  if (checkKind(header) === Rejection.REJECTION_BAD_EVENT) return 'MALFORMED';
  if (stamp.incarnation < 1 || stamp.seq < 1 || stamp.previousHash.length !== hashBytes) return 'MALFORMED';
  if (header.room !== options.room) return 'WRONG_ROOM';
  if (record.emptiedBy !== 0) {
    if (record.emptiedBy <= stamp.seq || record.body.length !== 0) return 'WRONG_BODY';
  } else if (checkBody(header, record.body, options.primitives) !== null) {
    return 'WRONG_BODY';
  }
  const before = previous ?? (stamp.seq === 1 ? emptyHead(stamp.incarnation) : null);
  const fault = before === null ? null : continues(stamp, header, before);
  if (fault !== null) return fault;
  const { incarnation, seq, acceptedMs, count } = stamp;
  const hash = recordHash(record.stamp, record.header, options.primitives);
  return { stamp, header, head: { incarnation, seq, acceptedMs, count, hash } };
}

/** The record without its body, as every provider keeps it once the ordered event `emptiedBy` (its seq) is covered. */
export function emptied(record: Record, emptiedBy: number): Record {
  return { ...record, body: noBytes, emptiedBy };
}

/** The write of a slot that was emptied: only name and version are left. */
export function withoutValue(write: SlotWrite): SlotWrite {
  return { ...write, value: noBytes };
}

function continues(stamp: Stamp, header: EventHeader, before: LogHead): RecordFault | null {
  if (stamp.seq !== before.seq + 1) return 'GAP';
  if (!equalBytes(stamp.previousHash, before.hash)) return 'FORK';
  const count = before.count + (header.counts ? 1 : 0);
  if (stamp.acceptedMs < before.acceptedMs || stamp.incarnation < before.incarnation) return 'WRONG_STAMP';
  return stamp.count === count ? null : 'WRONG_STAMP';
}
