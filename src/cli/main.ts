// The terminal client's entry: reads the arguments, opens the device, runs one command, closes. Stands on the SDK alone.
import { rmSync } from 'node:fs';
import { ClientError } from '#client/errors.ts';
import { openDevice } from '#client/node/device-folder.ts';
import { type Arguments, helpText, readArguments } from './arguments.ts';
import { chat } from './chat.ts';
import { commands, type Session } from './commands.ts';
import { login } from './login.ts';
import { alarmSentence, createOutput, describeError, type Output } from './output.ts';
import { verify } from './verify.ts';

const own: Readonly<Record<string, { readonly live: boolean; readonly run: (session: Session) => Promise<void> }>> = {
  ...commands,
  verify: { live: true, run: verify },
  chat: { live: false, run: chat },
};

process.exitCode = await main();
// Sockets and timers of a closed client are gone; whatever else holds the process open must not.
process.exit();

async function main(): Promise<number> {
  let out = createOutput(process.argv.includes('--json'));
  try {
    const args = readArguments(process.argv.slice(2), process.env);
    out = createOutput(args.json);
    await run(args, out);
    return 0;
  } catch (error) {
    const { code, message } = describeError(error);
    console.error(out.json ? JSON.stringify({ type: 'error', code, message }) : `${message} (${code})`);
    return error instanceof ClientError && error.code === 'BAD_ARGUMENT' ? 2 : 1;
  }
}

async function run(args: Arguments, out: Output): Promise<void> {
  if (args.command === 'help') return console.log(helpText);
  if (args.command === 'login') return login(args, out);
  if (args.command === 'log-out') return logOut(args, out);
  const command = own[args.command];
  if (!command) throw new ClientError('BAD_ARGUMENT', `There is no command ${args.command}. See luxchat help.`);
  const client = await openDevice(args.folder);
  try {
    client.on('alarm', (alarm) => out.note(alarmSentence(alarm)));
    await client.start();
    if (command.live) await withDeadline(client.synced(), args.timeoutMs);
    await command.run({ client, args, out });
  } finally {
    await client.close();
  }
}

/** Ends the device at the server and removes its folder, so that another login can follow. A device that was taken off already is removed as well. */
async function logOut(args: Arguments, out: Output): Promise<void> {
  const client = await openDevice(args.folder);
  try {
    await client.start();
    await withDeadline(client.synced(), args.timeoutMs);
    await client.logout();
  } catch (error) {
    const gone = error instanceof ClientError && (error.code === 'LOGIN_NEEDED' || error.disconnect !== undefined);
    if (!gone) throw error;
  } finally {
    await client.close();
  }
  rmSync(args.folder, { recursive: true, force: true });
  out.say({ type: 'done' }, 'Logged out; what this device kept is removed.');
}

async function withDeadline(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new ClientError('OFFLINE', 'The server could not be reached. Is it running? What was written stays here.'),
        ),
      ms,
    );
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
