// What the parts of a room share: its name, its state, its open calls to the log, and how it was set up. And the few shapes of an answer.
import type { Effect } from '#actors/kernel/effects.ts';
import { rejected } from '#actors/kernel/effects.ts';
import type { AnswerBody, Requester } from '#actors/kernel/messages.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { MemberStatus } from '#proto/gen/record.ts';
import type { Member } from '#proto/rules/control/member-table.ts';
import { controlHead } from '#proto/rules/control/state.ts';
import type { Primitives } from '#proto/rules/primitives.ts';
import type { Confirming } from './covering/confirming.ts';
import type { LogCalls } from './covering/log-calls.ts';
import type { Uncovered } from './covering/uncovered.ts';
import type { RoomLimits } from './limits.ts';
import type { RoomState } from './state/room-state.ts';

/** How a node sets up its rooms. */
export interface RoomOptions {
  /** This provider: rooms of others are not found here, and people of others cannot be brought in yet. */
  readonly provider: string;
  readonly primitives: Primitives;
  readonly limits: RoomLimits;
  /** Whose signing key is this, by the member list of providers? */
  readonly providerOf: (key: Uint8Array) => string | undefined;
  /** Of the hub, from 1: grows when it is restored from a backup. */
  readonly incarnation: number;
  /** Is this own user a bot? The mark that others see is the provider's, not the inviter's. */
  readonly isBot: (user: string) => boolean;
}

/** One room. */
export interface RoomContext {
  readonly room: string;
  readonly options: RoomOptions;
  readonly state: RoomState;
  readonly calls: LogCalls;
  readonly uncovered: Uncovered;
  readonly confirming: Confirming;
}

/** The answer to a request. */
export function answer(from: Requester, body: AnswerBody): Effect {
  return { kind: 'answer', session: from.session, request: from.request, body };
}

/** A refusal of a request; with STALE_STATE comes where the covered chain stands. */
export function refuse(context: RoomContext, from: Requester, code: Rejection, retryAfterMs = 0): Effect {
  const { limits } = context.options;
  const waits = code === Rejection.REJECTION_BUSY || code === Rejection.REJECTION_UNAVAILABLE;
  const body = rejected(code, retryAfterMs || (waits ? limits.retryAfterMs : 0));
  if (code !== Rejection.REJECTION_STALE_STATE || body.$case !== 'rejected') return answer(from, body);
  return answer(from, { $case: 'rejected', value: { ...body.value, control: controlHead(context.state.chain) } });
}

/** The joined member behind a request, or the code that refuses it: NOT_FOUND to whoever has no number here, so that nobody can probe whether
 *  two others have a room; NOT_MEMBER to the invited and those who were in. */
export function joinedMember(context: RoomContext, user: string): Member | Rejection {
  const member = context.state.member(user);
  if (member === undefined) return Rejection.REJECTION_NOT_FOUND;
  return member.status === MemberStatus.MEMBER_STATUS_JOINED ? member : Rejection.REJECTION_NOT_MEMBER;
}

/** Refusals that hold by themselves, however the room stands. */
export const ofItself: ReadonlySet<Rejection> = new Set([
  Rejection.REJECTION_BUSY,
  Rejection.REJECTION_UNAVAILABLE,
  Rejection.REJECTION_RATE_LIMITED,
  Rejection.REJECTION_BAD_REQUEST,
  Rejection.REJECTION_TOO_LARGE,
  Rejection.REJECTION_UNSUPPORTED,
]);

/** Lets effects out, but refusals that rest on how the room stands only once it is known to be this actor's still. */
export function surely(context: RoomContext, effects: readonly Effect[]): readonly Effect[] {
  // Nearly always nothing is refused.
  if (!effects.some(restsOnRoom)) return effects;
  return effects.flatMap((effect) => {
    if (!restsOnRoom(effect)) return effect;
    const busy = rejected(Rejection.REJECTION_BUSY, context.options.limits.retryAfterMs);
    return context.confirming.add(() => [effect]) ?? { ...effect, body: busy };
  });
}

function restsOnRoom(effect: Effect): effect is Extract<Effect, { kind: 'answer' }> {
  return effect.kind === 'answer' && effect.body.$case === 'rejected' && !ofItself.has(effect.body.value.code);
}
