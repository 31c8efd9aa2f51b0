// Questions that take a yes or a no. Whoever says `--yes` has answered beforehand what a command asks.
import { ClientError } from '#client/errors.ts';
import type { Session } from './session.ts';

/** Is that a yes? Everything else is none. */
export function isYes(answer: string): boolean {
  return /^y(es)?$/i.test(answer.trim());
}

/** Resolves where the person agrees. BAD_ARGUMENT where they do not. */
export async function agreed({ args, keyboard }: Pick<Session, 'args' | 'keyboard'>, question: string): Promise<void> {
  if (!args.yes && !isYes(await keyboard.ask(`${question} (yes/no) `))) throw unchanged();
}

/** What somebody hears who did not agree. */
export function unchanged(): ClientError {
  return new ClientError('BAD_ARGUMENT', 'Nothing was changed.');
}
