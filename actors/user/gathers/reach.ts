// Who can be reached at all: accounts of the own provider, and of these, those whom a shared room allows. Being unknown, foreign (in this
// version) or not allowed is one and the same to the asker.
import { isRoomId, parseUserId } from '#proto/rules/ids.ts';
import { roomAddress, userAddress } from '../../kernel/address.ts';
import type { Turn } from '../turn.ts';

/** Stands for the room among those who are waited for; no user id looks like it. */
export const theRoom = 'room';

/** Is this a well-formed id of another account at the asker's own provider? */
export function isNeighbour(turn: Turn, user: string): boolean {
  const { user: own } = turn.account;
  const provider = parseUserId(user)?.provider;
  return user !== own && provider !== undefined && provider === parseUserId(own)?.provider;
}

/** Asks the room who of these may be reached. False where that is no room. */
export function askRoom(
  turn: Turn,
  token: number,
  { room, users }: { room: string; users: readonly string[] },
): boolean {
  if (!isRoomId(room)) return false;
  const { user } = turn.account;
  const replyTo = userAddress(user);
  turn.emit({ kind: 'send', to: roomAddress(room), message: { kind: 'authorise', replyTo, token, user, users } });
  return true;
}
