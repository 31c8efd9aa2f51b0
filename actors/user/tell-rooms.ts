// Tells the user's rooms that a manifest was published, or that the account is erased, each until it confirms. Which have not is a row, so that no crash loses a new identity: whoever
// started over must be suspended everywhere. A sleeping actor tells nobody, and is woken for it.
import { noBytes } from '#proto/rules/bytes/bytes.ts';
import { roomAddress } from '../kernel/address.ts';
import { userLimits } from './limits.ts';
import type { Turn } from './turn.ts';

/** Name of the timer after which more are told, or the silent ones again. */
export const roomsTimer = 'rooms';

/** Tells the next rooms. */
export function tellRooms(turn: Turn): void {
  const { account, desk } = turn;
  const { manifest, manifestHead: head, untold, user } = account;
  if (untold.size === 0) return;
  // Of an erased account there is none, which is what rooms are told then.
  const fingerprint = manifest?.body.masterKey ?? noBytes;
  const left = [...untold].filter((room) => !desk.toldRooms.has(room));
  for (const room of left.slice(0, userLimits.roomsToldMax)) {
    desk.toldRooms.add(room);
    const message = { kind: 'identityMoved', user, fingerprint, head } as const;
    turn.hold({ kind: 'send', to: roomAddress(room), message });
  }
  const isRound = left.length <= userLimits.roomsToldMax;
  if (isRound) desk.toldRooms.clear();
  const delayMs = isRound ? userLimits.roomsAgainMs : userLimits.roomsTickMs;
  turn.hold({ kind: 'startTimer', name: roomsTimer, delayMs });
}

/** A room has kept what it was told. */
export function roomTold(turn: Turn, { room, version }: { room: string; version: number }): void {
  turn.note((account) => account.told(room, version));
}
