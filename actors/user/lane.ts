// Putting an entry into someone's lane of the inbox. A full lane keeps the entry out and tells the device that it misses something; nobody's entries
// are ever pushed out by another's.
import type { Device } from './state/account.ts';
import type { Addressing, Turn } from './turn.ts';

/** Appends for those of the receivers whose lane has room; the others hear needs_full_sync. False where none has: nothing is appended. */
export function appendInLane(
  turn: Turn,
  receivers: readonly Device[],
  { to, body }: { to: Addressing; body: Parameters<Turn['append']>[0] },
): boolean {
  const full = receivers.filter(({ lanes }) => !lanes.hasRoom(to.lane));
  for (const { number } of full) turn.change((each) => each.setNeedsFullSync(number, true));
  if (full.length === receivers.length) return false;
  turn.append(body, to);
  return true;
}
