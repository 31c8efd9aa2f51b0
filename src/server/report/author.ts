// Who stands under a member's number of a room, read out of the room's own log without waking anybody: the state row, and what the log says after it. It names
// nobody whom the room has forgotten, since an erasure drops both. Looks at no fences: like what `standing.ts` says, it may be some seconds old.
import { coveredKey, decodeCovered } from '#actors/log/covered.ts';
import type { LogStore } from '#actors/ports/log-store.ts';
import type { StateStore } from '#actors/ports/state-store.ts';
import { PersonRow, StoredRecord } from '#proto/gen/room.ts';

/** Rows of a log that state does not hold are at most so many: then it is sealed. */
const pageRows = 1_000;

/** The Luxchat-ID; empty where the room names nobody under this number any more. */
export async function authorOf(store: LogStore & StateStore, room: string, member: number): Promise<string> {
  const log = `room/${room}`;
  const [meta, state] = await Promise.all([store.readMeta(log), store.readState(log)]);
  const kept = state.find(({ key }) => key.startsWith(`person/${member}/`));
  if (kept !== undefined) return PersonRow.decode(kept.value).person?.user ?? '';
  const { through } = decodeCovered(state.find(({ key }) => key === coveredKey));
  for (const { id, start, end } of meta?.segments ?? []) {
    const last = end === null ? Number.MAX_SAFE_INTEGER : end - 1;
    for (let from = Math.max(start, through + 1); from <= last; ) {
      const range = { from, through: last, limit: pageRows, bytesMax: 4 * 1024 * 1024, backwards: false };
      const rows = await store.readRows(log, id, range);
      for (const { bytes } of rows) {
        const { person } = StoredRecord.decode(bytes);
        if (person?.member === member) return person.user;
      }
      const newest = rows.at(-1);
      if (newest === undefined) break;
      from = newest.seq + 1;
    }
  }
  return '';
}
