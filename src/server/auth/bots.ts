// Accounts of bots: no person stands behind them, so no LuxID. The provider names them, and whoever has the secret of one logs in as it. The secret is
// derived from the provider's own, so that all nodes have the same one and nothing is stored; start keeps it in a file for the bot's process to read.
import { isUserId } from '#proto/rules/ids.ts';
import { isLuxchatIdName, readLuxchatId } from '#proto/rules/luxchat-id.ts';
import { derivedKey } from './openid/subject.ts';
import { hashOf } from './tokens.ts';

/** Names as they stand in an id: 2 to 32 of `a-z 0-9 -`, a letter first and no hyphen last. */
export const botNameShape: RegExp = /^[a-z][a-z0-9-]{0,30}[a-z0-9]$/;

/** Can a bot be called so? Not like an id that is drawn for people, and not so that a person who types it is taken to have mistyped one of those. */
export function isBotName(name: string): boolean {
  const id = `@${name}:localhost`;
  return botNameShape.test(name) && !isLuxchatIdName(name) && readLuxchatId(id, '') === id;
}

/** The Luxchat-ID of a bot. */
export function botId(name: string, provider: string): string {
  const id = `@${name}:${provider}`;
  if (!isBotName(name) || !isUserId(id)) throw new RangeError('that is no name for a bot');
  return id;
}

/** What a bot shows to log in: `lxb_` and 256 bits as 43 characters of base64url. */
export function botSecret(secret: Uint8Array, name: string): string {
  return `lxb_${Buffer.from(derivedKey(secret, `bot ${name}`)).toString('base64url')}`;
}

/** Does this secret open the bot of this name? Equal for a name that is none and a secret that is wrong. */
export function opensBot(shown: { readonly name: string; readonly secret: string }, of: BotDoor): boolean {
  // Comparing hashes of secrets says nothing useful in time, whichever place they differ at.
  const fits = hashOf(shown.secret) === hashOf(botSecret(of.secret, shown.name));
  return fits && of.bots.has(shown.name);
}

/** Which bots there are, and the secret that theirs are derived from. */
export interface BotDoor {
  readonly bots: ReadonlySet<string>;
  readonly secret: Uint8Array;
}
