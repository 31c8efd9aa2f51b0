// How many others a user may invite: a new account is held short, so that one that is made for it can't write to thousands of people who never heard of
// it. Rooms tell when an invitation is there for good; sessions know from when on the next one may be made, and rooms refuse it before.
import type { Consent } from '../kernel/messages.ts';
import { userLimits } from './limits.ts';
import type { Turn } from './turn.ts';

/** Charges an invitation. What a crash takes back was for nothing: it happens to few, and none of them is let in for it. */
export function noteInvited(turn: Turn): void {
  const { account, now } = turn;
  const { user } = account;
  if (!account.exists || isFree(turn)) return;
  turn.note((each) => {
    if (isYoung(each.createdMs, now)) each.charge('inviteYoung', 1, { now });
    return each.charge('invite', 1, { now });
  });
  if (inviteFromMs(turn) > 0)
    turn.hold({ kind: 'tellSessions', user, message: { kind: 'consent', ...consentOf(turn) } });
}

/** What sessions know of what their user agrees to, and may ask of others. */
export function consentOf(turn: Turn): Consent {
  return { hidden: turn.account.blocks.hidden(), inviteFromMs: inviteFromMs(turn) };
}

/** From when on the user may invite; 0 = now. */
function inviteFromMs(turn: Turn): number {
  if (isFree(turn)) return 0;
  const { account, now } = turn;
  const { buckets, createdMs } = account;
  const young = isYoung(createdMs, now) ? buckets.waitMs('inviteYoung', 1, { now }) : 0;
  // It grows old while it waits.
  const untilOld = createdMs + userLimits.youngMs - now;
  const waitMs = Math.max(buckets.waitMs('invite', 1, { now }), Math.min(young, Math.max(0, untilOld)));
  return waitMs === 0 ? 0 : now + waitMs;
}

function isFree({ account, desk: { settings } }: Turn): boolean {
  return !settings.limitInvitations || settings.isBot(account.user);
}

function isYoung(createdMs: number, now: number): boolean {
  return createdMs > 0 && now - createdMs < userLimits.youngMs;
}
