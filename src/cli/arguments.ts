// The command line: `luxchat [options] command [arguments]`. Unknown options and missing arguments are refused with a sentence.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ClientError } from '#client/errors.ts';

/** What was asked for. */
export interface Arguments {
  readonly command: string;
  readonly rest: readonly string[];
  /** Folder of the device. */
  readonly folder: string;
  readonly json: boolean;
  readonly server: string;
  readonly user: string;
  readonly password: string;
  readonly code: string;
  readonly deviceName: string;
  readonly name: string;
  readonly limit: number;
  readonly timeoutMs: number;
}

const options = {
  profile: { type: 'string', short: 'p', default: 'default' },
  folder: { type: 'string' },
  json: { type: 'boolean', default: false },
  server: { type: 'string', default: 'http://127.0.0.1:8080' },
  user: { type: 'string', default: '' },
  password: { type: 'string', default: '' },
  code: { type: 'string', default: '' },
  device: { type: 'string', default: 'terminal' },
  name: { type: 'string', default: '' },
  limit: { type: 'string', default: '50' },
  timeout: { type: 'string', default: '30' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** Reads the arguments after the program's name. Throws BAD_ARGUMENT. */
export function readArguments(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Arguments {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (cause) {
    throw new ClientError('BAD_ARGUMENT', `${cause instanceof Error ? cause.message : cause} See luxchat help.`, {
      cause,
    });
  }
  const { values, positionals } = parsed;
  if (!/^[a-zA-Z0-9._-]{1,64}$/.test(values.profile))
    throw new ClientError('BAD_ARGUMENT', 'A profile is 1 to 64 letters, digits, dots, dashes.');
  const home = env.LUXCHAT_HOME ?? join(homedir(), '.luxchat');
  return {
    command: values.help ? 'help' : (positionals[0] ?? 'help'),
    rest: positionals.slice(1),
    folder: values.folder ?? join(home, values.profile),
    json: values.json,
    server: values.server,
    user: values.user,
    password: values.password,
    code: values.code,
    deviceName: values.device,
    name: values.name,
    limit: wholeNumber(values.limit, 'limit', 1, 10_000),
    timeoutMs: wholeNumber(values.timeout, 'timeout', 1, 86_400) * 1000,
  };
}

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options, allowPositionals: true });
}

function wholeNumber(text: string, name: string, min: number, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max)
    throw new ClientError('BAD_ARGUMENT', `--${name} is a whole number from ${min} to ${max}.`);
  return value;
}

/** What `luxchat help` prints. */
export const helpText = `luxchat: the terminal client

  luxchat login [--server URL] [--user NAME --password P [--code C]]   log this device in (a browser, or the stand-in's pages here)
  luxchat whoami                       Luxchat-ID, device, is it confirmed?
  luxchat start ID                     open the 1:1 room with someone
  luxchat group --name NAME [ID …]     make a group and invite people
  luxchat invite ROOM ID               invite into a group
  luxchat invitations                  what waits for an answer
  luxchat accept ROOM | decline ROOM | leave ROOM
  luxchat remove ROOM ID | members ROOM
  luxchat rooms                        all rooms, with unread counts
  luxchat send ROOM [TEXT …]           one message; without TEXT each line of stdin is one
  luxchat edit ROOM ID TEXT … | react ROOM ID EMOJI | delete ROOM ID
  luxchat tail [ROOM]                  follow what comes, until Ctrl-C
  luxchat history ROOM [--limit N]
  luxchat read ROOM                    mark as read
  luxchat chat ROOM                    talk (/help inside)
  luxchat devices                      own devices
  luxchat verify [DEVICE-ID]           compare seven emoji with another own device
  luxchat devices-remove NUMBER        log another own device out
  luxchat log-out                      end this device
  luxchat status                       counters: repairs, troubles, alarms

Options: --profile NAME (-p) or --folder DIR: which device (default ~/.luxchat/default, LUXCHAT_HOME moves it)
         --json: one JSON object a line   --timeout SECONDS (30)   --device NAME at login
ROOM is a room id, or a unique part of its id, name or member's Luxchat-ID.
Exit codes: 0 done, 1 failed (the code is on stderr), 2 wrong arguments.`;
