// The provider's Info bot hears of every account that begins, exactly as durably as the account itself: the entry that makes the account says that its user
// is a newcomer, and from their first manifest on, since nobody can be invited before, they are named to the bot until its inbox has kept that. Whoever is
// named twice, after a crash, is invited into the same 1:1 room.
import { userAddress } from '../kernel/address.ts';
import type { UserMessage } from '../kernel/messages.ts';
import { userLimits } from './limits.ts';
import type { Turn } from './turn.ts';

/** Name of the timer after which the bot is told again. */
export const newcomerTimer = 'newcomer';
/** Whose lane newcomers count against in the bot's inbox: no user id looks like it, so a flood of them takes nobody else's room. */
export const newcomerLane = 'newcomer';

/** Is the Info bot to hear of this account, which is about to begin? Bots are no newcomers. */
export function isNewcomer({ account, desk }: Turn): boolean {
  const { infoBot, isBot } = desk.settings;
  return infoBot !== '' && !account.exists && !isBot(account.user);
}

/** Names this user to the Info bot, where they can be invited and that has not confirmed it. A provider that has no such bot any more lets it be. */
export function introduce(turn: Turn): void {
  const { user, isUnnamed } = turn.account;
  const { infoBot } = turn.desk.settings;
  if (!isUnnamed) return;
  if (infoBot === '') {
    introduced(turn);
    return;
  }
  const message = { kind: 'newcomer', replyTo: userAddress(user), user } as const;
  turn.hold(
    { kind: 'send', to: userAddress(infoBot), message },
    { kind: 'startTimer', name: newcomerTimer, delayMs: userLimits.newcomerAgainMs },
  );
}

/** The bot has kept it. */
export function introduced(turn: Turn): void {
  turn.note((account) => account.introduced());
}

/** In the bot's own inbox: an entry for a newcomer, confirmed once it is durable. Where the lane is full, the bot is not there yet or this is not it, nothing
 * is said, and they come again. */
export function keepNewcomer(turn: Turn, { user, replyTo }: Extract<UserMessage, { kind: 'newcomer' }>): void {
  const { account, desk } = turn;
  if (desk.settings.infoBot !== account.user) return;
  const hasRoom = [...account.devices.values()].some(({ lanes }) => lanes.hasRoom(newcomerLane));
  if (!hasRoom) return;
  turn.append({ $case: 'newcomer', value: { user } }, { device: 0, lane: newcomerLane });
  turn.hold({ kind: 'send', to: replyTo, message: { kind: 'newcomerKept' } });
}
