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
