// How a user stands in a room, by the user's own log.
import type { LogStore } from '#actors/ports/log-store.ts';
import type { StateStore } from '#actors/ports/state-store.ts';
import { RoomRow } from '#proto/gen/account.ts';
import { InboxEntry, type RoomStanding } from '#proto/gen/record.ts';
import { logRows } from './log-rows.ts';

/** Undefined: the user has nothing to do with the room. */
export async function standingOf(
  store: LogStore & StateStore,
  user: string,
  room: string,
): Promise<RoomStanding | undefined> {
  const key = `room/${room}`;
  const { state, later } = await logRows(store, `user/${user}`, [key]);
  const row = state.find((each) => each.key === key);
  let standing = row === undefined ? undefined : RoomRow.decode(row.value).standing;
  for await (const bytes of later()) {
    const { body } = InboxEntry.decode(bytes);
    const isNews = body?.$case === 'standing' && body.value.room === room;
    if (isNews && body.value.controlNumber > (standing?.controlNumber ?? 0)) standing = body.value;
  }
  return standing;
}
