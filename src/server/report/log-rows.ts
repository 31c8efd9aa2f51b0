// An actor's log, read without waking anybody: the state rows, and what the log says after them. What is not covered yet counts as well. Like `storage/heads.ts`
// it looks at no fences: the answer may be some seconds old.
import { coveredKey, decodeCovered } from '#actors/log/covered.ts';
import type { LogStore } from '#actors/ports/log-store.ts';
import type { StateStore } from '#actors/ports/state-store.ts';

/** Rows of a log that state does not hold are at most so many: then it is sealed. */
const pageRows = 1_000;

/** A row of state. */
type StateRow = Awaited<ReturnType<StateStore['readState']>>[number];

/** State and later rows of one log. */
export interface LogRows {
  readonly state: readonly StateRow[];
  /** Bytes of what the log says after the state, oldest first. */
  later(): AsyncGenerator<Uint8Array>;
}

/** Reads them; `keys`: of state no more than these rows. Rejects as the store does. */
export async function logRows(store: LogStore & StateStore, log: string, keys?: readonly string[]): Promise<LogRows> {
  const [meta, state] = await Promise.all([
    store.readMeta(log),
    keys ? store.readState(log, [coveredKey, ...keys]) : store.readState(log),
  ]);
  const { through } = decodeCovered(state.find(({ key }) => key === coveredKey));
  async function* later() {
    for (const { id, start, end } of meta?.segments ?? []) {
      const last = end === null ? Number.MAX_SAFE_INTEGER : end - 1;
      for (let from = Math.max(start, through + 1); from <= last; ) {
        const range = { from, through: last, limit: pageRows, bytesMax: 4 * 1024 * 1024, backwards: false };
        const rows = await store.readRows(log, id, range);
        for (const { bytes } of rows) yield bytes;
        const newest = rows.at(-1);
        if (newest === undefined) break;
        from = newest.seq + 1;
      }
    }
  }
  return { state, later };
}
