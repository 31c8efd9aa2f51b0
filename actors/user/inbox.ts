// Reading and acknowledging the inbox. A page holds what concerns the session's device and names how far it looked, so that what is for other
// devices is skipped by moving the cursor; acknowledging moves that cursor, durably, before it is answered.
import type { AckInbox, FetchInbox } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { InboxEntry } from '#proto/gen/record.ts';
import { limits } from '#proto/rules/limits.ts';
import type { Requester } from '../kernel/messages.ts';
import type { LogRow } from '../log/messages.ts';
import { userLimits } from './limits.ts';
import { delivered } from './state/delivered.ts';
import type { Turn } from './turn.ts';

/** Answers with a page of entries after the given seq, once the log has read them. */
export function fetchInbox(turn: Turn, from: Requester, { after, limit }: FetchInbox): void {
  const most = Math.min(limit === 0 ? limits.inboxPageDefault : limit, limits.inboxPageMax);
  const throughSeq = turn.desk.coveredSeq;
  if (after >= throughSeq) {
    answerPage(turn, from, { entries: [], through: after });
    return;
  }
  const token = turn.desk.tokens.next();
  turn.desk.reads.set(token, (later, { rows, next }) => {
    // Rows that the read passed over are below the floor; where it is complete, so is the page.
    answerPage(later, from, takePage(later, { from, rows, most, end: next === 0 ? throughSeq : next - 1 }));
  });
  turn.emit({
    kind: 'log',
    command: {
      kind: 'read',
      token,
      fromSeq: after + 1,
      throughSeq,
      limit: limits.inboxPageMax,
      bytesMax: userLimits.pageBytesMax,
      backwards: false,
    },
  });
}

/** Moves the device's cursor; a seq beyond the head is BAD_REQUEST, one below the cursor changes nothing. */
export function ackInbox(turn: Turn, from: Requester, { through, synced }: AckInbox): void {
  if (through > turn.account.seq) {
    turn.reject(from, Rejection.REJECTION_BAD_REQUEST);
    return;
  }
  turn.change((account) => account.acknowledge(from.device, through));
  if (synced) turn.change((account) => account.setNeedsFullSync(from.device, false));
  turn.answer(from, { $case: 'done', value: {} });
}

interface Page {
  readonly entries: InboxEntry[];
  readonly through: number;
}

interface Reading {
  readonly from: Requester;
  readonly rows: readonly LogRow[];
  readonly most: number;
  /** Last seq that was read or expired. */
  readonly end: number;
}

function takePage(turn: Turn, { from, rows, most, end }: Reading): Page {
  const entries: InboxEntry[] = [];
  let bytes = 0;
  for (const row of rows) {
    const entry = delivered(InboxEntry.decode(row.bytes), turn.account.user, from.device);
    if (entry === null) continue;
    bytes += InboxEntry.encode(entry).finish().length + 8;
    if (entries.length > 0 && (entries.length === most || bytes > userLimits.pageBytesMax)) {
      return { entries, through: entry.seq - 1 };
    }
    entries.push(entry);
  }
  return { entries, through: end };
}

function answerPage(turn: Turn, from: Requester, { entries, through }: Page): void {
  const { coveredSeq: head, floor } = turn.desk;
  turn.change((account) => account.expire(from.device, floor));
  const device = turn.account.devices.get(from.device);
  // Removed while the log was read.
  if (device === undefined) {
    turn.reject(from, Rejection.REJECTION_NOT_LOGGED_IN);
    return;
  }
  const { needsFullSync, keys } = device;
  turn.answer(from, { $case: 'inboxPage', value: { entries, through, head, needsFullSync, keys: keys.counts() } });
}
