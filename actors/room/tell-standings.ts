// Tells user actors how they stand in this room, until they confirm: at once when a control entry is covered, and again by a timer. Repeats are
// harmless, a user actor knows them by the control number; what was owed at a crash or passivation is told again at the next activation.
import { roomAddress, userAddress } from '#actors/kernel/address.ts';
import type { Effect } from '#actors/kernel/effects.ts';
import { MemberStatus, type RoomStanding } from '#proto/gen/record.ts';
import { readableFrom } from '#proto/rules/reading.ts';
import type { RoomContext } from './context.ts';

/** Name of the timer after which unconfirmed standings are told again. */
export const standingsTimer = 'standings';

/** Tells these members now, and starts the timer. */
export function tellStandings(context: RoomContext, members: readonly number[], delayMs = 0): readonly Effect[] {
  const { standingsPerTick, standingRetryMs } = context.options.limits;
  const effects: Effect[] = [];
  for (const member of members.slice(0, standingsPerTick)) {
    const told = standingOf(context, member);
    if (told !== null) effects.push(told);
  }
  effects.push({ kind: 'startTimer', name: standingsTimer, delayMs: delayMs || standingRetryMs });
  return effects;
}

/** A user actor has kept a standing. True where nothing is owed any more. */
export function standingKept({ state }: RoomContext, user: string, controlNumber: number): boolean {
  const member = state.people.numberOf(user);
  if (member === undefined || !state.standings.kept(member, controlNumber)) return false;
  state.dirty.add('standings');
  return state.standings.size === 0;
}

function standingOf({ room, state }: RoomContext, number: number): Effect | null {
  const user = state.people.userOf(number);
  const member = state.chain?.members.get(number);
  if (user === undefined || member === undefined || state.chain === null) return null;
  // The entry may have gone behind a checkpoint; who invited is still known.
  const inviter = member.status === MemberStatus.MEMBER_STATUS_INVITED ? member.invitedBy : 0;
  const by = state.control.get(member.changed)?.body.actor ?? inviter;
  const bySelf = state.chain.members.get(by);
  const readable = readableFrom(member.stays, state.floor);
  const standing: RoomStanding = {
    room,
    status: member.status,
    member: number,
    role: member.role,
    controlNumber: member.changed,
    byUser: state.people.userOf(by) ?? '',
    byBot: (bySelf && state.people.person(bySelf.person)?.bot) ?? false,
    direct: state.chain.policy.direct,
    readableFrom: readable,
  };
  const message = { kind: 'standing', replyTo: roomAddress(room), standing, readableFrom: readable } as const;
  return { kind: 'send', to: userAddress(user), message };
}
