// Who stands under a member's number of a room, by the room's own log. It names nobody whom the room has forgotten.
import type { LogStore } from '#actors/ports/log-store.ts';
import type { StateStore } from '#actors/ports/state-store.ts';
import { ErasedRow, PersonRow, StoredRecord } from '#proto/gen/room.ts';
import { logRows } from './log-rows.ts';

/** The Luxchat-ID; empty where the room names nobody under this number any more. */
export async function authorOf(store: LogStore & StateStore, room: string, member: number): Promise<string> {
  const { state, later } = await logRows(store, `room/${room}`);
  const kept = state.find(({ key }) => key.startsWith(`person/${member}/`));
  if (kept !== undefined) return PersonRow.decode(kept.value).person?.user ?? '';
  // Its rows name them until their own time is over.
  const erased = state.find(({ key }) => key === `erased/${member}`);
  if (erased !== undefined && ErasedRow.decode(erased.value).forgotten) return '';
  for await (const bytes of later()) {
    const { person } = StoredRecord.decode(bytes);
    if (person?.member === member) return person.user;
  }
  return '';
}
