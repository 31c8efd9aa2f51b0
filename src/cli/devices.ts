// `luxchat devices`: one's own devices, called otherwise, logged out, or logged out as lost.
import { ClientError } from '#client/errors.ts';
import type { Arguments } from './arguments.ts';
import { loseDevices } from './lost.ts';
import { dayText } from './sentences.ts';
import { type Command, need, type Session, text } from './session.ts';

/** The commands by name. */
export const deviceCommands: Readonly<Record<string, Command>> = {
  devices: { live: true, run: listDevices },
  'devices-rename': { live: true, run: renameDevice },
  'devices-remove': { live: true, run: removeDevice },
};

async function listDevices(session: Session): Promise<void> {
  const { client, args, out } = session;
  if (args.rest[0] === 'lost') return loseDevices(session);
  for (const device of await client.devices()) {
    const ends = device.endsSoon ? `  is logged out on ${dayText(device.endsDay)} unless it is used` : '';
    const marks = `${device.current ? '  (this one)' : ''}${device.confirmed ? '' : '  not confirmed'}${ends}`;
    out.say(
      { type: 'device', ...device },
      `${device.device}  ${device.deviceId}  ${device.name}  last seen ${dayText(device.lastSeenDay)}${marks}`,
    );
  }
}

async function renameDevice({ client, args, out }: Session): Promise<void> {
  const device = deviceIn(args);
  await client.renameDevice(device, text(args, 1));
  out.say({ type: 'done', device }, 'Done.');
}

async function removeDevice({ client, args, out }: Session): Promise<void> {
  const device = deviceIn(args);
  await client.removeDevice(device);
  out.say({ type: 'done', device }, 'Done.');
}

function deviceIn(args: Arguments): number {
  const device = Number(need(args, 0, 'a device number'));
  if (!Number.isSafeInteger(device) || device < 1)
    throw new ClientError('BAD_ARGUMENT', `A device number is the first in a line of ${args.call} devices.`);
  return device;
}
