// Who stands under a member's number of a room, by the room's own log. It names nobody whom the room has forgotten, since an erasure drops both.
import type { LogStore } from '#actors/ports/log-store.ts';
import type { StateStore } from '#actors/ports/state-store.ts';
import { PersonRow, StoredRecord } from '#proto/gen/room.ts';
import { logRows } from './log-rows.ts';

/** The Luxchat-ID; empty where the room names nobody under this number any more. */
export async function authorOf(store: LogStore & StateStore, room: string, member: number): Promise<string> {
  const { state, later } = await logRows(store, `room/${room}`);
  const kept = state.find(({ key }) => key.startsWith(`person/${member}/`));
  if (kept !== undefined) return PersonRow.decode(kept.value).person?.user ?? '';
  for await (const bytes of later()) {
    const { person } = StoredRecord.decode(bytes);
    if (person?.member === member) return person.user;
  }
  return '';
}
