// Passwords that a person types: a new one that they have written down, or the one that they have. Three tries each.
import { generatePassword, normalizePassword } from '#client/backup/password.ts';
import { estimateBits, ownPasswordBitsMin } from '#client/backup/strength.ts';
import { ClientError } from '#client/errors.ts';
import type { Session } from './session.ts';

const triesMax = 3;

/** A new password that the person has written down: six words, or with --own one that they think of. */
export async function newPassword(session: Session): Promise<string> {
  const { args, out, keyboard } = session;
  if (args.own) return ownPassword(session);
  const words = await generatePassword(args.language);
  out.note('', 'Your password, six words. Write it down now; it is shown only once:', '', `  ${words}`, '');
  if (out.json) out.say({ type: 'password', words });
  for (let attempt = 1; attempt <= triesMax; attempt++) {
    // It stands on the screen just above.
    const typed = await keyboard.ask('Type it, to see that you have it: ');
    if (normalizePassword(typed) === words) return words;
    out.note('That is not it. Nothing was changed yet.');
  }
  throw new ClientError('WRONG_PASSWORD', 'Nothing was changed. Begin again, and write the words down first.');
}

async function ownPassword({ args, out, keyboard }: Session): Promise<string> {
  for (let attempt = 1; attempt <= triesMax; attempt++) {
    const typed = await keyboard.askHidden('Your own password: ');
    if ((await estimateBits(typed)) < ownPasswordBitsMin) {
      out.note('This one could be guessed. Take more words, or leave --own out and have six words made.');
      continue;
    }
    const again = await keyboard.askHidden('Once more: ');
    if (normalizePassword(again) === normalizePassword(typed)) return typed;
    out.note('The two are not the same.');
  }
  throw new ClientError(
    'WEAK_PASSWORD',
    `Nothing was changed. Without --own ${args.call} ${args.command} makes a password for you.`,
  );
}

/** Asks for the backup password until `take` takes it; the same step-up serves each try. Who does not have it is told `next`. */
export async function retyped(
  { out, keyboard }: Session,
  take: (typed: string) => Promise<void>,
  next: () => Promise<string>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const typed = await keyboard.askHidden('Your password: ');
    try {
      return await take(typed);
    } catch (error) {
      const wrong = error instanceof ClientError && error.code === 'WRONG_PASSWORD';
      if (!wrong) throw error;
      if (attempt === triesMax)
        throw new ClientError('WRONG_PASSWORD', `This is not the password either. ${await next()}`, { cause: error });
      out.note('This is not the password. Try again; spaces and capitals do not matter.');
    }
  }
}
