// Whether an account exists is told to who shares a room with it. Everybody else pays: 20 accounts at once, then one in thirty seconds, kept with the
// account, so that nobody finds out whom a provider has by asking for names. Who was found once is not paid for again while this actor is in memory.
// A bot that the provider configured pays nothing: it is told of people by the provider itself, and must reach all of them.
import { userLimits } from './limits.ts';
import type { Turn } from './turn.ts';

/** Pays for asking about someone. 0 = may be asked; else how many milliseconds to wait, and nothing may be said of them. */
export function takeStranger(turn: Turn, user: string): number {
  const { account, desk, now } = turn;
  if (desk.met.has(user) || desk.settings.isBot(account.user)) return 0;
  const waitMs = account.buckets.waitMs('stranger', 1, { now });
  if (waitMs === 0) turn.change((each) => each.charge('stranger', 1, { now }));
  return waitMs;
}

/** Someone turned out to exist, and the user was told. */
export function noteMet({ desk }: Turn, user: string): void {
  if (desk.met.size >= userLimits.metMax) desk.met.clear();
  desk.met.add(user);
}
