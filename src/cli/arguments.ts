// The command line: `luxchat [options] command [arguments]`. Unknown options and missing arguments are refused with a sentence.
import { homedir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { type Language, languages } from '#client/backup/words.ts';
import { ClientError } from '#client/errors.ts';

/** What was asked for. */
export interface Arguments {
  /** How this person calls the program on this device, for hints that can be copied: `npx luxchat -p alice`. */
  readonly call: string;
  /** The program alone, for hints about another device. */
  readonly program: string;
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
  /** File with a picture of oneself. */
  readonly picture: string;
  /** Verify by a code instead of emoji. */
  readonly qr: boolean;
  /** Neither name nor picture. */
  readonly none: boolean;
  readonly limit: number;
  readonly timeoutMs: number;
  /** Did the person say so? */
  readonly isTimeoutGiven: boolean;
  /** Of the person: of the words that a password is made of, and what bots that they start are told. */
  readonly language: Language;
  /** A password of one's own instead of a made one. */
  readonly own: boolean;
  /** Another identity, for who lost the password and every device. */
  readonly startOver: boolean;
  /** What can't be undone is not asked about once more. */
  readonly yes: boolean;
}

const options = {
  profile: { type: 'string', short: 'p' },
  folder: { type: 'string' },
  json: { type: 'boolean', default: false },
  server: { type: 'string', default: 'http://127.0.0.1:8080' },
  user: { type: 'string', default: '' },
  password: { type: 'string', default: '' },
  code: { type: 'string', default: '' },
  device: { type: 'string', default: 'terminal' },
  name: { type: 'string', default: '' },
  picture: { type: 'string', default: '' },
  none: { type: 'boolean', default: false },
  qr: { type: 'boolean', default: false },
  limit: { type: 'string', default: '50' },
  language: { type: 'string' },
  own: { type: 'boolean', default: false },
  'start-over': { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  timeout: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

type Environment = Readonly<Record<string, string | undefined>>;

/** The program as it was called, without options: by npx, by a script of npm, by its name, or by node. */
export function programOf(env: Environment, script: string): string {
  if (env.npm_command === 'exec') return 'npx luxchat';
  if (env.npm_command === 'run' || env.npm_command === 'run-script') return 'npm run luxchat --';
  return basename(script) === 'luxchat' ? 'luxchat' : `node ${quoted(relative('', script))}`;
}

/** Reads the arguments after the program's name. Throws BAD_ARGUMENT. */
export function readArguments(args: readonly string[], env: Environment, program = 'luxchat'): Arguments {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (cause) {
    throw new ClientError('BAD_ARGUMENT', `${cause instanceof Error ? cause.message : cause} See ${program} help.`, {
      cause,
    });
  }
  const { values, positionals } = parsed;
  if (!/^[a-zA-Z0-9._-]{1,64}$/.test(values.profile ?? 'default'))
    throw new ClientError('BAD_ARGUMENT', 'A profile is 1 to 64 letters, digits, dots, dashes.');
  const home = env.LUXCHAT_HOME ?? join(homedir(), '.luxchat');
  return {
    call: `${program}${deviceOption(values)}`,
    program,
    command: values.help ? 'help' : (positionals[0] ?? 'help'),
    rest: positionals.slice(1),
    folder: values.folder ?? join(home, values.profile ?? 'default'),
    json: values.json,
    server: values.server,
    user: values.user,
    password: values.password,
    code: values.code,
    deviceName: values.device,
    name: values.name,
    picture: values.picture,
    none: values.none,
    qr: values.qr,
    limit: wholeNumber(values.limit, 'limit', 1, 10_000),
    timeoutMs: wholeNumber(values.timeout ?? '30', 'timeout', 1, 86_400) * 1000,
    isTimeoutGiven: values.timeout !== undefined,
    language: languageOf(values.language, env),
    own: values.own,
    startOver: values['start-over'],
    yes: values.yes,
  };
}

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options, allowPositionals: true });
}

/** The one that was asked for, that of the system, or English. */
function languageOf(asked: string | undefined, env: Environment): Language {
  const known = (word: string | undefined) => languages.find((one) => one === word);
  if (asked !== undefined && !known(asked))
    throw new ClientError('BAD_ARGUMENT', `--language is one of ${languages.join(', ')}.`);
  return known(asked) ?? known((env.LC_ALL || env.LC_MESSAGES || env.LANG)?.slice(0, 2)) ?? 'en';
}

/** What says which device is meant, where that was said. */
function deviceOption({ folder, profile }: { readonly folder?: string; readonly profile?: string }): string {
  if (folder !== undefined) return ` --folder ${quoted(folder)}`;
  return profile === undefined ? '' : ` -p ${profile}`;
}

/** A word as a shell takes it for one. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function wholeNumber(text: string, name: string, min: number, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max)
    throw new ClientError('BAD_ARGUMENT', `--${name} is a whole number from ${min} to ${max}.`);
  return value;
}
