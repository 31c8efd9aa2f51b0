// Tells user actors how they stand in this room, until they confirm: at once when a control entry is covered, and again by a timer. Repeats are
// harmless, a user actor knows them by the control number; what was owed at a crash or passivation is told again at the next activation.
import { roomAddress, userAddress } from '#actors/kernel/address.ts';
import type { Effect } from '#actors/kernel/effects.ts';
import { MemberStatus, type RoomStanding } from '#proto/gen/record.ts';
import { readableFrom } from '#proto/rules/record/reading.ts';
import type { RoomContext } from '../context.ts';

/** Name of the timer after which unconfirmed standings are told again. */
export const standingsTimer = 'standings';

/** The telling of one room. */
export class StandingsTeller {
  readonly #context: RoomContext;
  /** Until the last tick; doubles while nothing is confirmed. */
  #delayMs = 0;
  /** When the timer fires; 0 = none runs. */
  #dueMs = 0;

  constructor(context: RoomContext) {
    this.#context = context;
  }

  /** Nothing may still be confirmed. What was told in vain until the waits are longest is told again when the room wakes: a user actor that takes no more
   *  must not hold rooms in memory. */
  get idle(): boolean {
    const { state, options } = this.#context;
    return state.standings.size === 0 || this.#delayMs >= options.limits.standingRetryMaxMs;
  }

  /** Covered entries changed how these members stand. A timer that runs already is not put off: else a steady stream of entries would starve it. */
  changed(members: readonly number[], now: number): readonly Effect[] {
    const { standingsPerTick, standingRetryMs } = this.#context.options.limits;
    const told = this.#tell(members.slice(0, standingsPerTick));
    if (this.#dueMs === 0 || this.#dueMs > now + standingRetryMs) told.push(this.#start(standingRetryMs, now));
    return told;
  }

  /** The timer fired, or the room came back: tells those whose turn it is. */
  tick(now: number): readonly Effect[] {
    const { standings } = this.#context.state;
    const { standingRetryMs, standingRetryMaxMs, standingsPerTick } = this.#context.options.limits;
    this.#dueMs = 0;
    if (standings.size === 0) return [];
    this.#delayMs = Math.min(standingRetryMaxMs, 2 * this.#delayMs || standingRetryMs);
    return [...this.#tell(standings.next(standingsPerTick)), this.#start(this.#delayMs, now)];
  }

  /** A user actor has kept a standing. */
  kept(user: string, controlNumber: number): readonly Effect[] {
    const { state } = this.#context;
    const member = state.people.numberOf(user);
    if (member === undefined || !state.standings.kept(member, controlNumber)) return [];
    state.dirty.add('standings');
    // Somebody hears: the others may as well.
    this.#delayMs = 0;
    if (state.standings.size > 0) return [];
    this.#dueMs = 0;
    return [{ kind: 'cancelTimer', name: standingsTimer }];
  }

  #tell(members: readonly number[]): Effect[] {
    const effects: Effect[] = [];
    for (const member of members) {
      const told = standingOf(this.#context, member);
      if (told !== null) effects.push(told);
    }
    return effects;
  }

  #start(delayMs: number, now: number): Effect {
    this.#dueMs = now + delayMs;
    return { kind: 'startTimer', name: standingsTimer, delayMs };
  }
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
