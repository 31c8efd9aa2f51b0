// What is to be done when things are lost: `luxchat devices lost`, which makes what a lost device knew worthless, and `luxchat secure --start-over`, for whoever
// lost the password and every device. What that costs is said before anything is asked.
import { ClientError, isRejection } from '#client/errors.ts';
import { openingsAnHour } from '#client/security/opening.ts';
import type { StartOverLoss } from '#client/security/security.ts';
import type { FormerDevice } from '#client/shown.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { agreed } from './agreed.ts';
import { counted } from './called.ts';
import { broughtIn } from './full-backup.ts';
import { stepUp } from './luxid.ts';
import { waitWords } from './refusals.ts';
import type { Session } from './session.ts';
import { newPassword, retyped } from './typing.ts';

/** Logs other own devices out as lost. `former`: those that are logged out already. */
export async function loseDevices(
  session: Session,
  found: readonly [FormerDevice, ...FormerDevice[]],
  former: readonly FormerDevice[],
): Promise<void> {
  const { client, args, out } = session;
  const devices = found.map(({ device }) => device);
  const isOut = devices.every((device) => former.some((one) => one.device === device));
  if (!client.security.state().backup)
    throw new ClientError(
      'UNKNOWN',
      `Your messages are not secured, so there is nothing that it could open: ${isOut ? 'it is logged out already, and no more is to be done' : `${args.call} devices remove ${devices[0]} is enough`}.`,
    );
  out.note(
    `${whoIsOut(found, isOut)} Your messages will be secured anew under the same password: what was lost opens nothing new. First log in with LuxID once more.`,
  );
  const grant = await stepUp(session, 'backup');
  await retyped(
    session,
    async (password) => {
      out.note('One moment …');
      await client.security
        .logOutAsLost(grant, password, { devices })
        .catch((error) => tooOften(session, error, { devices, isOut }));
    },
    async () => withoutPassword(session, devices, isOut),
  );
  await broughtIn(session);
  out.say({ type: 'done', devices }, 'Done. Who has it reads nothing that is written from now on.');
}

/** The backup was opened five times within the hour, and somebody may have the device meanwhile. */
async function tooOften(
  { client, args: { call } }: Session,
  error: unknown,
  { devices, isOut }: { readonly devices: readonly number[]; readonly isOut: boolean },
): Promise<never> {
  if (!isRejection(error, Rejection.REJECTION_RATE_LIMITED)) throw error;
  const isIn = async () => (await client.devices()).some(({ device }) => devices.includes(device));
  // Refused by what comes after that: it says what it says.
  if (!isOut && !(await isIn())) throw error;
  const again = `Your password was asked for ${openingsAnHour} times within an hour.${waitWords((error as ClientError).retryAfterMs)}`;
  throw new ClientError('REJECTED', `Nothing was changed yet. ${again}${isOut ? '' : ` ${atOnce(call)}`}`, {
    rejection: Rejection.REJECTION_RATE_LIMITED,
    cause: error,
  });
}

function atOnce(call: string): string {
  return `${call} devices remove NUMBER logs a device out at once, without a password.`;
}

/** Nothing was done yet, and somebody may have the device: what takes no password comes first. */
function withoutPassword({ args: { call } }: Session, devices: readonly number[], isOut: boolean): string {
  const numbers = devices.join(' ');
  const out = isOut ? '' : ` ${atOnce(call)}`;
  return `Nothing was changed yet${isOut ? '' : ', and no device is logged out'}.${out} Then ${call} password lost makes another password, and with it ${call} devices lost ${numbers} does the rest.`;
}

function whoIsOut(found: readonly FormerDevice[], isOut: boolean): string {
  const isOne = found.length === 1;
  if (!isOut) return `${isOne ? 'It' : 'They'} will be logged out, and so will every device that is not confirmed.`;
  const named = found.map(({ device, name }) => `${device}, ${name},`).join(' and ');
  return `${isOne ? `Device ${named} was` : `Devices ${named} were`} logged out before. Now every device that is not confirmed will be, too.`;
}

/** Begins anew on this device. */
export async function startOver(session: Session): Promise<void> {
  const { client, args, out, keyboard } = session;
  if (client.security.state().state !== 'unconfirmed')
    throw new ClientError(
      'BAD_ARGUMENT',
      `Nothing is lost: this device is confirmed. Another password: ${args.call} password lost.`,
    );
  const loss = await client.security.lossAtStartOver();
  out.note(...lossSentences(loss, args.call));
  if (keyboard.interactive) await agreed(session, 'Start over all the same?');
  const grant = await stepUp(session, 'identity');
  const password = await newPassword(session);
  out.note('One moment …');
  await client.security.startOver(grant, password);
  await broughtIn(session);
  out.say(
    { type: 'security', ...client.security.state() },
    'You started over. Your contacts are warned: tell them, by voice, what identity prints here, so that they let you in again.',
  );
}

/** What starting over costs, before it is done. */
export function lossSentences({ backup, devices, waiting, closed }: StartOverLoss, call: string): string[] {
  const others = devices.length > 0 ? `Your other devices are logged out: ${devices.join(', ')}. ` : '';
  const still =
    devices.length > 0
      ? `If you still have one of them, run ${call} verify here and there instead: then nothing is lost.`
      : '';
  return [
    'You start over with a new identity. This can not be taken back:',
    `- What was written so far can not be read any more, by anybody who is not in the conversation${backup ? '; the backup and its old password end' : ''}.`,
    ...(devices.length > 0 ? [`- ${others}${still}`] : []),
    ...(waiting > 0
      ? [
          `- In ${counted(waiting, 'conversation')} you wait until somebody lets you in again. They are warned, and asked to compare.`,
        ]
      : []),
    ...(closed.length > 0
      ? [`- In ${closed.length} nobody can let you in again, since only you lead there: ${closed.join(', ')}.`]
      : []),
  ];
}
