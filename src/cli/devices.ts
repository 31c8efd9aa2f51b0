// `luxchat devices`, alone or with remove, rename or lost: one's own devices. No other word passes for a list: who says `devices remvoe 1` must not believe that
// the phone is out. This very device is never taken off here: log-out ends it, and warns.
import { ClientError } from '#client/errors.ts';
import type { DeviceInfo, FormerDevice } from '#client/shown.ts';
import { loseDevices } from './lost.ts';
import { dayText } from './sentences.ts';
import { type Session, text } from './session.ts';

/** Runs the command. */
export async function devices(session: Session): Promise<void> {
  const { call, rest } = session.args;
  const [what] = rest;
  if (what === undefined) return list(session);
  if (what === 'remove') return remove(session);
  if (what === 'rename') return rename(session);
  if (what === 'lost') return lost(session);
  throw new ClientError(
    'BAD_ARGUMENT',
    `Nothing was changed: ${call} devices takes no ${what}, but remove NUMBER, rename NUMBER NAME, or lost NUMBER.`,
  );
}

async function list({ client, out }: Session): Promise<void> {
  for (const device of await client.devices()) out.say({ type: 'device', ...device }, deviceSentence(device));
}

function deviceSentence({ device, deviceId, name, lastSeenDay, endsDay, endsSoon, current, confirmed }: DeviceInfo) {
  const ends = endsSoon ? `  is logged out on ${dayText(endsDay)} unless it is used` : '';
  const marks = `${current ? '  (this one)' : ''}${confirmed ? '' : '  not confirmed'}${ends}`;
  return `${device}  ${deviceId}  ${name}  last seen ${dayText(lastSeenDay)}${marks}`;
}

/** What is said with any command of an own device that nobody used for eleven months. */
export function endingSentence({ device, name, endsDay }: DeviceInfo, call: string): string {
  return `Your device ${device}, ${name}, is logged out on ${dayText(endsDay)} unless it is used before. ${call} devices lists them all.`;
}

async function remove(session: Session): Promise<void> {
  const { client, args, out } = session;
  if (args.rest.length > 2)
    throw new ClientError(
      'BAD_ARGUMENT',
      `Nothing was changed: ${args.call} devices remove takes one NUMBER at a time.`,
    );
  const [{ device, name }] = await others(session, args.rest.slice(1));
  await client.removeDevice(device);
  const stolen = ` Where somebody may have it: ${args.call} devices lost ${device} makes what it knew worthless.`;
  const more = client.security.state().backup ? stolen : '';
  out.say({ type: 'done', device }, `Device ${device}, ${name}, is logged out.${more}`);
}

async function rename({ client, args, out }: Session): Promise<void> {
  const [device] = numbersIn(args.rest.slice(1, 2), `${args.call} devices rename NUMBER NAME`);
  const name = text(args, 2);
  if (!(await client.devices()).some((one) => one.device === device))
    throw new ClientError('UNKNOWN', `Nothing was changed: you have no device ${device}, see ${args.call} devices.`);
  await client.renameDevice(device, name);
  out.say({ type: 'done', device, name }, `Device ${device} is called ${name} now.`);
}

/** Whoever logged a device out may learn only then that it was stolen: what it knew is made worthless all the same. */
async function lost(session: Session): Promise<void> {
  const former = await session.client.formerDevices();
  await loseDevices(session, await others(session, session.args.rest.slice(1), former), former);
}

/** The devices of these numbers, none of which is this one; `former` ones are taken as well. Throws BAD_ARGUMENT or UNKNOWN. */
async function others(
  { client, args }: Session,
  words: readonly string[],
  former: readonly FormerDevice[] = [],
): Promise<[FormerDevice, ...FormerDevice[]]> {
  const numbers = numbersIn(words, `${args.call} devices ${args.rest[0]} NUMBER`);
  if (numbers.includes(client.device))
    throw new ClientError(
      'BAD_ARGUMENT',
      `Nothing was changed: device ${client.device} is this one. ${args.call} log-out ends it, and says before what is lost.`,
    );
  const known = [...(await client.devices()), ...former];
  const found = (number: number) => {
    const device = known.find((one) => one.device === number);
    if (device) return device;
    throw new ClientError('UNKNOWN', `Nothing was changed: you have no device ${number}, see ${args.call} devices.`);
  };
  const [first, ...more] = numbers;
  return [found(first), ...more.map(found)];
}

/** At least one number of a device. */
function numbersIn(words: readonly string[], usage: string): [number, ...number[]] {
  const [first, ...more] = words.map(Number);
  if (first === undefined || ![first, ...more].every((number) => Number.isSafeInteger(number) && number > 0))
    throw new ClientError('BAD_ARGUMENT', `Nothing was changed: ${usage}, the first in a line of devices.`);
  return [first, ...more];
}
