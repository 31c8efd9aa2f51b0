// One run of the terminal client: reads the arguments, opens the device, runs one command, closes. Stands on the SDK alone.
import { ClientError, unlessBug } from '#client/errors.ts';
import { hasDevice, openDevice } from '#client/node/device-folder.ts';
import { account } from './account.ts';
import { alarmSentence } from './alarms.ts';
import { type Arguments, programOf, readArguments } from './arguments.ts';
import { chat } from './chat.ts';
import { commands } from './commands.ts';
import { unreachable, withDeadline } from './deadline.ts';
import { devices, endingSentence } from './devices.ts';
import { helpText } from './help.ts';
import { identityCommands } from './identity.ts';
import { Keyboard } from './keyboard.ts';
import { keys } from './keys.ts';
import { leadingCommands } from './leading.ts';
import { logOut, withNextStep } from './log-out.ts';
import { login } from './login.ts';
import { name } from './name.ts';
import { type Console, createOutput, type Output } from './output.ts';
import { peopleCommands } from './people.ts';
import { loggedInOf, reaching } from './reaching.ts';
import { password, secure, unlock } from './secure.ts';
import { sendingCommands } from './sent.ts';
import { bringOut, type Command, onNewAlarm, unchanged, unchangedFrom, withSentence } from './session.ts';
import { settingsCommands } from './settings.ts';
import { nearest } from './suggestion.ts';
import { verify } from './verify.ts';

const all: Readonly<Record<string, Command>> = {
  ...commands,
  ...peopleCommands,
  ...identityCommands,
  ...leadingCommands,
  ...sendingCommands,
  ...settingsCommands,
  name: {
    live: true,
    without: ({ rest, picture, none }) => (rest.length > 0 || picture !== '' || none ? unchanged() : ''),
    run: name,
  },
  devices: { live: true, without: unchangedFrom(1), run: devices },
  verify: { live: true, run: verify },
  secure: { live: true, without: unchanged, run: secure },
  unlock: { live: true, without: unchanged, run: unlock },
  password: { live: true, without: unchanged, run: password },
  keys: { live: true, run: keys },
  account: { live: true, without: ({ rest }) => (rest[0] === 'export' ? '' : unchanged()), run: account },
  chat: { live: false, watches: true, run: chat },
};

/** What they are called, but for `login`, `log-out` and `help`. */
export const commandNames: readonly string[] = Object.keys(all);

const keptSentence = 'That is what this device kept; what came since is not here.';

/** How long a command waits for what can go out, before and after its own work: not at all where nothing waits. */
const bringOutMs = 3_000;

/** Runs the command that the arguments name, as the program at the path `script`. Resolves with the status to end with: 0; 1 = failed; 2 = called wrongly. */
export async function runProgram(words: readonly string[], script: string, console?: Console): Promise<number> {
  let out = createOutput(words.includes('--json'), console);
  try {
    const program = programOf(process.env, script);
    const args = readArguments(words, process.env, program);
    out = createOutput(args.json, console);
    await runCommand(args, out, program);
    return 0;
  } catch (error) {
    out.fail(error);
    return error instanceof ClientError && error.code === 'BAD_ARGUMENT' ? 2 : 1;
  }
}

async function runCommand(args: Arguments, out: Output, program: string): Promise<void> {
  if (args.command === 'help') {
    const text = helpText(program);
    return out.say({ type: 'help', text }, ...text.split('\n'));
  }
  const keyboard = new Keyboard();
  if (args.command === 'login') return login(args, out, keyboard);
  if (args.command === 'log-out') return logOut(args, out, keyboard);
  const command = Object.hasOwn(all, args.command) ? all[args.command] : undefined;
  if (!command) throw unknownCommand(args);
  if (!hasDevice(args.folder))
    throw new ClientError('LOGIN_NEEDED', `There is no device in ${args.folder}: run ${args.call} login first.`);
  const client = await openDevice(args.folder, { language: args.language, program: `luxchat ${args.command}` });
  try {
    if (!command.watches) onNewAlarm(client, (alarm) => out.note(alarmSentence(alarm, args.call)));
    client.on('deviceEnding', (device) => out.note(endingSentence(device, args.call)));
    // Of work that no command waits for: nobody else would ever hear of it.
    client.on('fault', (error) => out.fail(error));
    const reach = reaching(client, args);
    const session = { client, args, out, keyboard, reaching: reach, loggedIn: loggedInOf(client) };
    const showKept = async (error: unknown) => {
      // Where what is kept can't be shown either, the first failure is the one that is told.
      if (command.kept) await command.run(session).then(() => out.note(keptSentence), unlessBug);
      throw withSentence(unlessBug(error), command.without?.(args) ?? '');
    };
    await client.start();
    if (command.live) await reach(withDeadline(client.synced(), args.timeoutMs, unreachable)).catch(showKept);
    // What waited from before goes out now that somebody accepted, and is shown so; what this very command set free goes before it ends.
    const waitMs = Math.min(bringOutMs, args.timeoutMs);
    if (command.live) await bringOut(client, waitMs);
    await command.run(session);
    if (!command.watches) await reach(bringOut(client, waitMs)).catch(unlessEnded);
  } catch (error) {
    throw withNextStep(error, args);
  } finally {
    await client.close();
  }
}

/** A command may have ended the session itself, as erasing the account does, or need none: what waits is for a later one. Throws on a bug and a store that fails. */
function unlessEnded(error: unknown): void {
  if (unlessBug(error).code === 'STORE') throw error;
}

function unknownCommand({ command, program }: Arguments): ClientError {
  const meant = nearest(command, ['login', 'log-out', 'help', ...commandNames]);
  const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
  return new ClientError('BAD_ARGUMENT', `There is no command ${command}.${hint} See ${program} help.`);
}
