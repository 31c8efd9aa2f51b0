// Who stands under members' numbers of a room, by the room's own log. It names nobody whom the room has forgotten.
import type { LogStore } from '#actors/ports/log-store.ts';
import type { StateStore } from '#actors/ports/state-store.ts';
import { ErasedRow, PersonRow, StoredRecord } from '#proto/gen/room.ts';
import { logRows } from './log-rows.ts';

/** Their Luxchat-IDs by number, with one reading of the room; empty or missing where it names nobody under this number any more. */
export async function authorsOf(
  store: LogStore & StateStore,
  room: string,
  members: ReadonlySet<number>,
): Promise<ReadonlyMap<number, string>> {
  const { state, later } = await logRows(store, `room/${room}`);
  const found = new Map<number, string>();
  for (const [member, value] of rowsOf('person', state, members)) {
    if (!found.has(member)) found.set(member, PersonRow.decode(value).person?.user ?? '');
  }
  // Its rows name them until their own time is over.
  for (const [member, value] of rowsOf('erased', state, members)) {
    if (!found.has(member) && ErasedRow.decode(value).forgotten) found.set(member, '');
  }
  if (found.size === members.size) return found;
  for await (const bytes of later()) {
    const { person } = StoredRecord.decode(bytes);
    if (person && members.has(person.member) && !found.has(person.member)) found.set(person.member, person.user);
    if (found.size === members.size) break;
  }
  return found;
}

/** Rows of state of one kind, by the member that their keys name: `person/7/…`, `erased/7`. */
function* rowsOf(
  kind: 'person' | 'erased',
  state: Awaited<ReturnType<StateStore['readState']>>,
  members: ReadonlySet<number>,
): Generator<readonly [number, Uint8Array]> {
  for (const { key, value } of state) {
    const [of, member] = key.split('/');
    if (of === kind && members.has(Number(member))) yield [Number(member), value];
  }
}
