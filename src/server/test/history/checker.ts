// Holds a history and the final logs against the promises (`violations.ts`). It trusts neither server nor client: it shares no code with them, and
// what a client's own merging shows is checked as everything else. Pure; linear in the events but for the sorting that order needs.
import { checkAcks } from './check/acks.ts';
import { checkDevices } from './check/devices.ts';
import { checkInboxes } from './check/inboxes.ts';
import { checkLog, checkSources } from './check/logs.ts';
import { checkOrder } from './check/order.ts';
import { SendTable } from './check/sends.ts';
import { checkVisible } from './check/visible.ts';
import type { History } from './events.ts';
import { type FinalLog, LogIndex } from './final-log.ts';
import { type Violation, type ViolationCode, Violations } from './violations.ts';

export interface CheckOptions {
  /** Codes that are not promised in this test, each with its reason beside it. */
  readonly except?: readonly ViolationCode[];
}

export interface Report {
  /** At most 20 of each code. Empty = every promise was kept. */
  readonly violations: readonly Violation[];
  /** How many there were of each code. */
  readonly counts: ReadonlyMap<ViolationCode, number>;
}

/** `logs` has each room at least once; the first of a room is held against the history, the others against the first. */
export function check(history: History, logs: readonly FinalLog[], { except = [] }: CheckOptions = {}): Report {
  const violations = new Violations();
  const wrong = (violation: Violation) => {
    if (!except.includes(violation.code)) violations.add(violation);
  };
  const first = new Map<string, FinalLog>();
  for (const log of logs) {
    const before = first.get(log.room);
    if (before === undefined) first.set(log.room, log);
    else checkSources(before, log, wrong);
  }
  const indexes = new Map([...first].map(([room, log]) => [room, new LogIndex(log)]));
  const sends = new SendTable(history);
  for (const log of first.values()) checkLog(log, sends, wrong);
  for (const room of roomsOf(history)) {
    if (!indexes.has(room)) wrong({ code: 'log-missing', where: room, what: 'there is no final log' });
  }
  checkAcks(sends, indexes, wrong);
  checkOrder(sends, wrong);
  checkVisible(history, indexes, wrong);
  checkDevices(history, indexes, wrong);
  checkInboxes(history, wrong);
  return { violations: violations.found, counts: violations.counts };
}

function roomsOf(history: History): ReadonlySet<string> {
  const rooms = new Set<string>();
  for (const event of history) if ('room' in event) rooms.add(event.room);
  return rooms;
}
