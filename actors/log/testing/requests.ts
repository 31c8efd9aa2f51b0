// What a log asks of a store, carried out on the replicas.
import type { StoredRow } from '../../ports/log-store.ts';
import { isOlder, type StoredState } from '../../ports/state-store.ts';
import { coveredKey } from '../covered.ts';
import { rowsWritten, type StoreReply, type StoreRequest, stateWritten, unknownReply } from '../requests.ts';
import type { Replicas } from './replicas.ts';

/** The one log of the schedule. */
export const logName = 'room/!a';

/** Who asks, as long as it is there. */
export interface Asker {
  /** State is of several rows that were saved together. */
  readonly marks?: boolean;
  readonly replicas: Replicas;
  readonly alive: () => boolean;
}

export function carryOut(
  asker: Asker,
  request: Exclude<StoreRequest, { op: 'cover' }>,
  reply: (reply: StoreReply) => void,
): void {
  const { replicas, alive } = asker;
  switch (request.op) {
    case 'readMeta':
      replicas.later(alive, () => {
        const meta = replicas.registers.readMeta(logName);
        replicas.later(alive, () => reply({ op: 'readMeta', meta }));
      });
      break;
    case 'casMeta': {
      const apply = () => replicas.registers.casMeta(logName, request.meta);
      replicas.change(alive, apply, (applied) => reply(applied === null ? unknownReply : { op: 'casMeta', applied }));
      break;
    }
    case 'writeRows':
      replicas.write(
        alive,
        (store) => store.writeRows([request.write]),
        (done) => reply(done ? rowsWritten : unknownReply),
      );
      break;
    case 'writeState': {
      const apply = { log: logName, rows: request.rows };
      replicas.write(
        alive,
        (store) => store.writeState([apply]),
        (done) => reply(done ? stateWritten : unknownReply),
      );
      break;
    }
    case 'readRows': {
      const { segment, range } = request;
      replicas.read(
        alive,
        (store) => store.readRows(logName, segment, range),
        (both) => reply(both === null ? unknownReply : { op: 'readRows', rows: mergeRows(both, range.limit) }),
      );
      break;
    }
    case 'readState':
      readState(asker, (rows) => reply(rows === null ? unknownReply : { op: 'readState', rows }));
  }
}

/** One answer out of two: what either has, cut as if it were one store's. */
function mergeRows(both: readonly StoredRow[][], limit: number): StoredRow[] {
  const merged = new Map<number, StoredRow>();
  for (const row of both.flat()) {
    const before = merged.get(row.seq);
    if (before === undefined || before.writeMicros < row.writeMicros) merged.set(row.seq, row);
  }
  return [...merged.values()].sort((a, b) => a.seq - b.seq).slice(0, limit);
}

/** A row a page, in the order of their keys: what is written meanwhile may be seen in one page and not in the one before. */
function readState(
  { replicas, alive, marks = false }: Asker,
  answer: (rows: StoredState[] | null) => void,
  found: readonly StoredState[] = [],
  [key, ...rest]: readonly string[] = marks ? ['known', 'mark', coveredKey, '~redo/0'] : ['known', coveredKey],
): void {
  if (key === undefined) return answer([...found]);
  replicas.read(
    alive,
    (store) => store.readState(logName, [key]),
    (both) => {
      if (both === null) answer(null);
      else readState({ replicas, alive, marks }, answer, [...found, ...mergeState(both)], rest);
    },
  );
}

function mergeState(both: readonly StoredState[][]): StoredState[] {
  const merged = new Map<string, StoredState>();
  for (const row of both.flat()) {
    const before = merged.get(row.key);
    if (before === undefined || isOlder(before, row)) merged.set(row.key, row);
  }
  return [...merged.values()];
}
