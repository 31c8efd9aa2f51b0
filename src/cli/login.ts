// `luxchat login`: proves eligibility with LuxID and keeps the device in its folder. Opens no browser by itself: it prints the address and listens
// on loopback for the way back; with --user it walks the stand-in LuxID's pages in the terminal instead (development).
import { existsSync, readdirSync } from 'node:fs';
import type { LoggedIn } from '#client/connection/login.ts';
import { ClientError, unlessBug } from '#client/errors.ts';
import { createDevice, hasDevice, openDevice } from '#client/node/device-folder.ts';
import { standInLogin } from '#client/node/stand-in-walk.ts';
import { terminalLogin } from '#client/node/terminal-login.ts';
import type { Arguments } from './arguments.ts';
import { withDeadline } from './deadline.ts';
import { firstLogin } from './first-login.ts';
import type { Keyboard } from './keyboard.ts';
import { showAddress, standInPerson } from './luxid.ts';
import type { Output } from './output.ts';
import { waysToConfirm } from './unconfirmed.ts';

/** Logs this folder's device in and waits until it is ready. Throws STORE where one lives there already. */
export async function login(args: Arguments, out: Output, keyboard: Keyboard): Promise<void> {
  if (hasDevice(args.folder))
    throw new ClientError(
      'STORE',
      `There is a device here already (${args.folder}). Take another --profile; or ${args.call} log-out first, also where it was logged out from elsewhere.`,
    );
  if (existsSync(args.folder) && readdirSync(args.folder).length > 0)
    throw new ClientError('STORE', `The folder ${args.folder} is not empty: a device needs one of its own.`);
  const loggedIn = args.user === '' ? await throughBrowser(args, out) : await throughTerminal(args, keyboard);
  await createDevice(args.folder, args.server, loggedIn);
  const client = await openDevice(args.folder, { program: 'luxchat login' });
  let isBack = false as boolean;
  client.on('reactivated', () => {
    isBack = true;
  });
  client.on('fault', (error) => out.fail(error));
  try {
    await client.start();
    const late = `You are logged in, but the server did not bring this device up to date: try ${args.call} whoami.`;
    await withDeadline(client.synced(), args.timeoutMs, late);
    const { user, device, deviceId } = client;
    // Asked once; where it can't be asked now, findable asks.
    const listing = loggedIn.firstLogin ? await client.directory.listing().catch(unlessBug) : undefined;
    const isUnasked = listing !== undefined && 'choice' in listing && listing.choice === 'unasked';
    const confirmed = (await client.devices()).find((one) => one.current)?.confirmed ?? false;
    const further = `This is a further device. To read and write ${await waysToConfirm(client, args.call)}.`;
    const first = `If you lose this device you lose your messages, until you run ${args.call} secure.`;
    out.say(
      {
        type: 'self',
        user,
        device,
        deviceId,
        confirmed,
        first: loggedIn.firstLogin,
        ...(isUnasked && { findable: 'unasked' }),
        ...(isBack && { reactivated: true }),
      },
      `You are ${user}, on device ${device}.`,
      ...(isBack ? [backSentence] : []),
      confirmed ? first : further,
    );
    if (loggedIn.firstLogin) await firstLogin({ client, args, out, keyboard, isUnasked });
  } finally {
    await client.close();
  }
}

const backSentence =
  'Your account was deactivated, and is active again. Messages of others waited for you. Being found by a name is off until you say so.';

function throughBrowser(args: Arguments, out: Output): Promise<LoggedIn> {
  return terminalLogin({ server: args.server }, { deviceName: args.deviceName, show: showAddress(out) });
}

async function throughTerminal(args: Arguments, keyboard: Keyboard): Promise<LoggedIn> {
  const person = await standInPerson(args, keyboard);
  return standInLogin({ server: args.server }, { ...person, deviceName: args.deviceName });
}
