// What anybody was given is in the final log, at that place, as that record: what a fenced owner wrote beyond its end never becomes visible. And
// frames are in order: each contiguous in itself, and later ones of a connection above earlier ones.
import type { History, Placed } from '../events.ts';
import type { LogIndex } from '../final-log.ts';
import type { Wrong } from '../violations.ts';

export function checkVisible(history: History, logs: ReadonlyMap<string, LogIndex>, wrong: Wrong): void {
  /** Lists that many receivers share are looked at once. */
  const seen = new Set<readonly Placed[]>();
  const pushed = new Map<string, number>();
  for (const event of history) {
    if (event.kind !== 'delivered') continue;
    const { connection, room, by, records } = event;
    const log = logs.get(room);
    if (log !== undefined && !seen.has(records)) checkRecords(records, log, wrong);
    seen.add(records);
    if (by !== 'push' || records.length === 0) continue;
    const first = (records[0] as Placed).seq;
    const last = (records.at(-1) as Placed).seq;
    const key = `${connection} ${room}`;
    const before = pushed.get(key) ?? 0;
    if (first <= before) {
      const what = `connection ${connection} was pushed ${first} after ${before}`;
      wrong({ code: 'push-backwards', where: room, what });
    }
    if (records.some(({ seq }, n) => seq !== first + n)) {
      const what = `connection ${connection} was pushed ${records.map(({ seq }) => seq).join(' ')}`;
      wrong({ code: 'push-hole', where: room, what });
    }
    pushed.set(key, Math.max(before, last));
  }
}

function checkRecords(records: readonly Placed[], log: LogIndex, wrong: Wrong): void {
  for (const { seq, hash } of records) {
    if (seq < log.floor || log.at(seq)?.hash === hash) continue;
    const what = `${seq} was seen as ${hash}; the log has ${log.at(seq)?.hash ?? 'nothing'} there`;
    wrong({ code: 'visible-not-in-log', where: log.room, what });
  }
}
