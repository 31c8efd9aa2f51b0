// Heads of rooms that no actor holds, read from the store without waking them: what makes the first room list cheap. A head is given only when
// it is certainly the last one: the summary was written at the room's last clean close and no row came after it. Otherwise the room is woken.

import { type Address, parseAddress } from '#actors/kernel/address.ts';
import type { RoomSummary } from '#actors/kernel/messages.ts';
import type { LogStore } from '#actors/ports/log-store.ts';
import type { StateStore } from '#actors/ports/state-store.ts';
import { decodeSummary, summaryKey } from '#actors/room/entry.ts';

/** Reads a sleeping room's summary, by its address; null = it must be woken to know. Rejects as the store does. */
export async function readSleeping(store: LogStore & StateStore, log: string): Promise<RoomSummary | null> {
  // Where one read may see what the next does not, only an owner can say what the head is.
  if (!store.readsAreDurable) return null;
  const [meta, state] = await Promise.all([store.readMeta(log), store.readState(log, [summaryKey])]);
  const row = state[0];
  const open = meta?.segments.at(-1);
  if (row === undefined || open === undefined) return null;
  const summary = decodeSummary(parseAddress(log as Address).id, row.value);
  if (summary === null) return null;
  const from = summary.entry.headSeq + 1;
  const range = { from, through: Number.MAX_SAFE_INTEGER, limit: 1, bytesMax: 1, backwards: false };
  const later = from < open.start ? [null] : await store.readRows(log, open.id, range);
  return later.length === 0 ? summary : null;
}
