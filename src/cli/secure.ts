// `luxchat secure`, `unlock` and `password`: a person's messages kept for the day when all devices are lost, a new device opened, another password. In the order
// of the FAQ: first LuxID and the code by SMS, then the password. It is shown once and asked back; what is typed goes into no file and no argument.

import { ClientError } from '#client/errors.ts';
import { openingsAnHour } from '#client/security/opening.ts';
import type { SecurityState } from '#client/shown.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { counted } from './called.ts';
import { broughtIn, fullSentences } from './full-backup.ts';
import { startOver } from './lost.ts';
import { stepUp } from './luxid.ts';
import { waitWords } from './refusals.ts';
import type { Session } from './session.ts';
import { newPassword, retyped } from './typing.ts';
import { waysToConfirm } from './unconfirmed.ts';

/** Milliseconds that reading back is waited for: 10,000 sessions take far less. It goes on by itself. */
const readBackMs = 10 * 60_000;

/** Makes the backup. */
export async function secure(session: Session): Promise<void> {
  const { client, args, out } = session;
  if (args.startOver) return startOver(session);
  const { state, backup } = client.security.state();
  if (state === 'unconfirmed') throw await notConfirmed(session);
  if (backup)
    throw new ClientError(
      'BAD_ARGUMENT',
      `Your messages are secured already. Another password: ${args.call} password change.`,
    );
  out.note(
    'Your messages will be kept where they are, locked with a password that only you know. First log in with LuxID once more.',
  );
  const grant = await stepUp(session, 'backup');
  const password = await newPassword(session);
  await busy(session, () => client.security.setUp(grant, password));
  await broughtIn(session);
  const done = `Your messages are secured. On a new device ${args.program} unlock brings them back. Nobody can tell you the password: keep it.`;
  out.say({ type: 'security', ...client.security.state() }, done);
}

/** Opens this new device with the password. */
export async function unlock(session: Session): Promise<void> {
  const { client, args, out } = session;
  const { state, backup } = client.security.state();
  if (!backup)
    throw new ClientError(
      'UNKNOWN',
      `There is nothing to unlock: your messages were not secured.${state === 'unconfirmed' ? ` To confirm this device ${await waysToConfirm(client, args.call)}.` : ` To secure them run ${args.call} secure.`}`,
    );
  const progress = progressOf(session);
  if (state === 'unconfirmed') {
    out.note('To open this device log in with LuxID once more, then type your password.');
    const grant = await stepUp(session, 'backup');
    await retyped(
      session,
      (password) =>
        busy(session, () => client.security.unlock(grant, password)).catch((error) => tooOften(session, error)),
      () => withoutPassword(session),
    );
    out.say(
      { type: 'unlocked' },
      'This device is confirmed. Older messages come back now, the newest conversations first.',
    );
  }
  progress.show();
  await client.security.flushed(readBackMs).finally(progress.stop);
  out.note(...fullSentences(client.security.state(), args.call));
  out.say({ type: 'security', ...client.security.state() }, 'All that was secured is here.');
}

/** `password change` and `password lost`. */
export async function password(session: Session): Promise<void> {
  const { client, args, out } = session;
  const [what] = args.rest;
  if (what !== 'change' && what !== 'lost')
    throw new ClientError('BAD_ARGUMENT', `${args.call} password change, or password lost.`);
  const { state, backup } = client.security.state();
  if (state === 'unconfirmed') throw what === 'lost' ? lostEverywhere(session) : await notConfirmed(session);
  if (!backup) throw new ClientError('UNKNOWN', `There is no password yet: run ${args.call} secure.`);
  out.note(
    what === 'lost'
      ? 'Nothing is lost: this device has your messages. You get a new password; the old one opens nothing any more.'
      : 'You get a new password; the old one opens nothing any more.',
  );
  const grant = await stepUp(session, 'backup');
  const fresh = await newPassword(session);
  await busy(session, () => client.security.changePassword(grant, fresh));
  await broughtIn(session);
  out.say({ type: 'security', ...client.security.state() }, 'Your messages are secured with the new password.');
}

async function busy({ out }: Session, work: () => Promise<void>): Promise<void> {
  out.note('One moment …');
  await work();
}

/** Follows reading back from now on; shows it, each conversation that is done, once it is asked to. */
function progressOf({ client, out }: Session) {
  let newest: SecurityState['restore'];
  let shown = 0;
  let showing = false;
  const show = () => {
    if (!showing || !newest || newest.roomsDone <= shown) return;
    shown = newest.roomsDone;
    const refused = newest.refused > 0 ? `; left out, since not yours: ${counted(newest.refused, 'key')}` : '';
    out.say({ type: 'restore', ...newest }, `  ${shown} of ${counted(newest.rooms, 'conversation')}${refused}`);
  };
  const stop = client.on('security', ({ restore }) => {
    newest = restore ?? newest;
    show();
  });
  return {
    stop,
    show: () => {
      showing = true;
      show();
    },
  };
}

async function notConfirmed({ client, args }: Session): Promise<ClientError> {
  const ways = await waysToConfirm(client, args.call);
  return new ClientError('NOT_CONFIRMED', `This device is not confirmed: ${ways}.`);
}

/** Opened five times within the hour: what goes without the password goes all the same. */
async function tooOften(session: Session, error: unknown): Promise<never> {
  if (!(error instanceof ClientError) || error.rejection !== Rejection.REJECTION_RATE_LIMITED) throw error;
  const { rejection, retryAfterMs } = error;
  const [after, other] = [waitWords(retryAfterMs), await otherWay(session)];
  throw new ClientError(
    'REJECTED',
    `This was tried ${openingsAnHour} times within an hour, and nothing is lost.${after} ${other}`,
    {
      rejection,
      cause: error,
    },
  );
}

/** What is left to whoever does not have the password at hand. */
async function withoutPassword(session: Session): Promise<string> {
  const again = `look it up, and run ${session.args.call} unlock again, ${openingsAnHour} times an hour at most`;
  return `Nothing is lost: ${again}. ${await otherWay(session)}`;
}

async function otherWay({ client, args: { call } }: Session): Promise<string> {
  const hasOther = (await client.devices()).some(({ confirmed, current }) => confirmed && !current);
  return hasOther
    ? `Or run ${call} verify here, and verify on a confirmed device: that takes no password.`
    : `You have no confirmed device: who lost the password for good begins anew with ${call} secure --start-over, without what was written so far.`;
}

function lostEverywhere({ args }: Session): ClientError {
  return new ClientError(
    'NOT_CONFIRMED',
    `Without the password only another device of yours can open this one: run ${args.call} verify here and there, then password lost there. ` +
      `If you have no other device, your older messages can not be read any more, by anybody; ${args.call} secure --start-over begins anew.`,
  );
}
