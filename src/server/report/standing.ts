// How a user stands in a room, read out of the user's own log without waking anybody: the state row, and what the log says after it. What is not covered
// yet counts as well: it is what a room has said. Like `storage/heads.ts` it looks at no fences: the answer may be some seconds old.
import { coveredKey, decodeCovered } from '#actors/log/covered.ts';
import type { LogStore } from '#actors/ports/log-store.ts';
import type { StateStore } from '#actors/ports/state-store.ts';
import { RoomRow } from '#proto/gen/account.ts';
import { InboxEntry, type RoomStanding } from '#proto/gen/record.ts';

/** Rows of a log that state does not hold are at most so many: then it is sealed. */
const pageRows = 1_000;

/** Undefined: the user has nothing to do with the room. */
export async function standingOf(
  store: LogStore & StateStore,
  user: string,
  room: string,
): Promise<RoomStanding | undefined> {
  const log = `user/${user}`;
  const key = `room/${room}`;
  const [meta, state] = await Promise.all([store.readMeta(log), store.readState(log, [coveredKey, key])]);
  const row = state.find((each) => each.key === key);
  let standing = row === undefined ? undefined : RoomRow.decode(row.value).standing;
  const { through } = decodeCovered(state.find((each) => each.key === coveredKey));
  for (const { id, start, end } of meta?.segments ?? []) {
    const last = end === null ? Number.MAX_SAFE_INTEGER : end - 1;
    for (let from = Math.max(start, through + 1); from <= last; ) {
      const range = { from, through: last, limit: pageRows, bytesMax: 4 * 1024 * 1024, backwards: false };
      const rows = await store.readRows(log, id, range);
      for (const { bytes } of rows) {
        const { body } = InboxEntry.decode(bytes);
        const isNews = body?.$case === 'standing' && body.value.room === room;
        if (isNews && body.value.controlNumber > (standing?.controlNumber ?? 0)) standing = body.value;
      }
      const newest = rows.at(-1);
      if (newest === undefined) break;
      from = newest.seq + 1;
    }
  }
  return standing;
}
