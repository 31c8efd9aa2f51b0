// What a person is asked once, when their first login has ended: how those they talk with call them, and whether others find them. Who sits at a terminal answers
// there; a script is told the commands.
import { unlessBug } from '#client/errors.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { isYes } from './agreed.ts';
import type { Arguments } from './arguments.ts';
import type { Keyboard } from './keyboard.ts';
import { nameQuestion } from './name.ts';
import type { Output } from './output.ts';
import { findableQuestion } from './people.ts';
import { bringOut } from './session.ts';

/** What asking needs. */
export interface FirstLogin {
  readonly client: Pick<LuxchatClient, 'setProfile' | 'flushed'> & {
    readonly directory: Pick<LuxchatClient['directory'], 'setListing'>;
  };
  readonly args: Arguments;
  readonly out: Output;
  readonly keyboard: Pick<Keyboard, 'ask' | 'interactive'>;
  /** Was the person not asked yet whether others find them? */
  readonly isUnasked: boolean;
}

/** Asks, or says the commands. A later answer is as good: whatever fails here is said and holds nothing up. */
export async function firstLogin(first: FirstLogin): Promise<void> {
  const { args, out, keyboard, isUnasked } = first;
  if (out.json) return;
  if (args.language !== 'en') out.note(englishSentence(args.language));
  const hints = [...(isUnasked ? [findableQuestion(args.call)] : []), nameQuestion(args.call)];
  if (!keyboard.interactive) return out.say({}, ...hints);
  await asking(first, nameQuestion(args.call), async () => {
    const name = await keyboard.ask('How shall those you talk with call you? (a name, or nothing) ');
    if (name !== '') await first.client.setProfile({ name });
  });
  if (isUnasked) await askFindable(first);
  await bringOut(first.client, args.timeoutMs);
}

async function askFindable(first: FirstLogin): Promise<void> {
  const { args, out, keyboard } = first;
  await asking(first, findableQuestion(args.call), async () => {
    const answer = await keyboard.ask('Shall others of your provider find you by a name? (yes/no) ');
    const name = isYes(answer) ? await keyboard.ask('By which name? ') : '';
    if (name !== '') await first.client.directory.setListing('yes', name);
    else if (/^no?$/i.test(answer)) await first.client.directory.setListing('no');
    else out.note(findableQuestion(args.call));
  });
}

async function asking({ out }: FirstLogin, later: string, ask: () => Promise<void>): Promise<void> {
  try {
    await ask();
  } catch (error) {
    out.note(`${unlessBug(error).message} ${later}`);
  }
}

function englishSentence(language: string): string {
  return `This program speaks English in the terminal. Bots, and the words of a password that is made for you, speak that of your system (${language}).`;
}
