// A person's way through LuxID from the terminal, for logging in and for step-ups: their browser opens an address that is shown; with --user the pages of
// the stand-in are walked here instead (development).
import type { StepUpGrant, StepUpPurpose } from '#client/connection/login.ts';
import { type StandInPerson, standInStepUp } from '#client/node/stand-in-walk.ts';
import { terminalStepUp } from '#client/node/terminal-login.ts';
import type { Arguments } from './arguments.ts';
import type { Keyboard } from './keyboard.ts';
import type { Output } from './output.ts';
import type { Session } from './session.ts';

/** Has the person log in anew. Rejects as `finishStepUp` of the SDK. */
export async function stepUp({ client, args, out, keyboard }: Session, purpose: StepUpPurpose): Promise<StepUpGrant> {
  if (args.user === '') return terminalStepUp(client, { purpose, show: showAddress(out) });
  return standInStepUp(client, { ...(await standInPerson(args, keyboard)), purpose });
}

/** Shows where to log in. */
export function showAddress(out: Output): (url: string) => void {
  return (url) => out.note('Open this address in a browser and log in with LuxID:', '', `  ${url}`, '');
}

/** Who walks the pages of the stand-in; asks for what the arguments leave out. */
export async function standInPerson(
  args: Pick<Arguments, 'user' | 'password' | 'code'>,
  keyboard: Pick<Keyboard, 'ask' | 'askHidden'>,
): Promise<StandInPerson> {
  const password = args.password || (await keyboard.askHidden('LuxID password: '));
  const askCode = async (attempt: number) => {
    if (attempt === 1 && args.code) return args.code;
    const wrong = attempt > 1 ? 'This was not the code. ' : '';
    return keyboard.ask(`${wrong}Code received by SMS (see the server console): `);
  };
  return { user: args.user, password, askCode };
}
