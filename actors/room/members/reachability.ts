// Who may reach whom through the room: user actors ask before they give keys away or store device messages. Costs what is asked for, not the
// size of the room.
import type { Effect } from '#actors/kernel/effects.ts';
import type { RoomMessage } from '#actors/kernel/messages.ts';
import { MemberStatus } from '#proto/gen/record.ts';
import type { RoomContext } from '../context.ts';

/**
 * Tells joined and invited members apart, for an invitation is no consent yet. A suspended one reaches nobody, but is reached: who signs the new
 * identity in must be able to look it up.
 */
export function authorise(
  { state }: RoomContext,
  { replyTo, token, user, users }: RoomMessage & { kind: 'authorise' },
): Effect {
  const asker = state.member(user);
  const asks = asker !== undefined && isLive(state.statusOf(asker));
  const allowed: string[] = [];
  const invited: string[] = [];
  for (const each of asks ? users : []) {
    const status = state.member(each)?.status;
    if (status === MemberStatus.MEMBER_STATUS_JOINED) allowed.push(each);
    else if (status === MemberStatus.MEMBER_STATUS_INVITED) invited.push(each);
  }
  return { kind: 'send', to: replyTo, message: { kind: 'authorised', token, allowed, invited } };
}

function isLive(status: MemberStatus): boolean {
  return status === MemberStatus.MEMBER_STATUS_JOINED || status === MemberStatus.MEMBER_STATUS_INVITED;
}
