// `luxchat log-out`: ends the device at the server, then removes what it kept here, so that another login can follow. Removes nothing of a device
// that may still be logged in, and nothing in its folder that is not the device's.
import { ClientError, unlessBug } from '#client/errors.ts';
import { hasDevice, openDevice, removeDevice } from '#client/node/device-folder.ts';
import type { LogOutLoss } from '#client/security/security.ts';
import type { SecurityState } from '#client/shown.ts';
import { Disconnect } from '#proto/gen/codes.ts';
import { agreed } from './agreed.ts';
import type { Arguments } from './arguments.ts';
import { unreachable, withDeadline } from './deadline.ts';
import type { Keyboard } from './keyboard.ts';
import type { Output } from './output.ts';
import { reaching } from './reaching.ts';
import { withSentence } from './session.ts';

/** Logs this folder's device out. A device that was taken off already is removed as well. LOGIN_NEEDED where there is none. */
export async function logOut(args: Arguments, out: Output, keyboard: Keyboard): Promise<void> {
  const { folder } = args;
  if (hasDevice(folder)) await endSession(args, out, keyboard);
  else {
    // An earlier log-out may have been killed half way.
    removeDevice(folder);
    throw new ClientError('LOGIN_NEEDED', `There is no device in ${folder}.`);
  }
  removeDevice(folder);
  out.say({ type: 'done' }, 'Logged out; what this device kept is removed.');
}

/** Does this error say that the server knows this device no more? Every other one leaves open whether it is logged in. */
export function saysLoggedOut(error: unknown): boolean {
  if (!(error instanceof ClientError)) return false;
  return error.code === 'LOGIN_NEEDED' || error.disconnect === Disconnect.DISCONNECT_LOGGED_OUT;
}

/** The same error; of a device that was logged out, with what to do next. */
export function withNextStep(error: unknown, { call }: Pick<Arguments, 'call'>): unknown {
  if (!saysLoggedOut(error) || !(error instanceof ClientError)) return error;
  if (error.closed === 'erased') return withSentence(error, `${call} log-out removes what is left here.`);
  const what = error.closed ? 'To switch it on again' : 'To go on';
  return withSentence(error, `${what}: ${call} log-out, then ${call} login.`);
}

/** What logging out would cost, and what to do before. */
export function lossSentence(
  loss: Exclude<LogOutLoss, 'nothing'>,
  { full }: Pick<SecurityState, 'full'>,
  call: string,
): string {
  if (loss === 'everything')
    return `This is your last device, and your messages are not secured: nobody can read them any more afterwards. Run ${call} secure first.`;
  return full
    ? `This is your last device, and the backup is full: nobody can read your newest messages any more afterwards. Run ${call} keys export FILE first.`
    : 'This is your last device, and your newest messages are not secured yet. Wait a moment with it.';
}

async function endSession(args: Arguments, out: Output, keyboard: Keyboard): Promise<void> {
  const { folder, timeoutMs, call } = args;
  try {
    const client = await openDevice(folder, { program: 'luxchat log-out' });
    try {
      const reach = reaching(client, args);
      await client.start();
      await reach(withDeadline(client.synced(), timeoutMs, unreachable)).catch((error) => {
        throw withSentence(unlessBug(error), 'Nothing was changed: this device is logged in as before.');
      });
      await warn(await client.security.lossAtLogOut(), client.security.state());
      await client.logout();
    } finally {
      await client.close();
    }
  } catch (error) {
    if (!saysLoggedOut(error)) throw error;
  }

  /** A person is asked; a script that says log-out means it. */
  async function warn(loss: LogOutLoss, security: SecurityState): Promise<void> {
    if (loss === 'nothing') return;
    out.note(lossSentence(loss, security, call));
    if (keyboard.interactive) await agreed({ args, keyboard }, 'Log out all the same?');
  }
}
