// Where settings come from: a JSON file (`--config FILE`), then LUXCHAT_* variables, then flags; later wins. It refuses what it does not know, and says what is
// meant where it can guess; what a value means it does not ask.
import { readFileSync } from 'node:fs';
import { type SettingName, settings } from './settings.ts';

/** A setting that can't be used; the message is a sentence for the person who starts the server. */
export class ConfigError extends Error {
  readonly code = 'CONFIG';
}

/** Where settings come from. */
export interface ConfigSources {
  /** Arguments after the program's name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile?: (path: string) => string;
}

/** What was said of each setting, as a flag would say it. */
export type Raw = Partial<Record<SettingName, string>>;

/** Reads all of them; later ones win. Throws ConfigError for what it does not know or can't read. */
export function readSources({ args, env, readFile: read }: ConfigSources): Raw {
  const { flags, file } = readFlags(args);
  return { ...readFile(file, read), ...readEnvironment(env), ...flags };
}

/** The flag of a setting: `sendBurst` -> `--send-burst`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The environment variable of a setting: `sendBurst` -> `LUXCHAT_SEND_BURST`. */
export function variableOf(name: string): string {
  return `LUXCHAT_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** Belongs to the terminal client, which people often start from the same shell. */
const clientVariable = 'LUXCHAT_HOME';

function readFlags(args: readonly string[]): { flags: Raw; file: string | undefined } {
  const known = new Map(settings.map((setting) => [flagOf(setting.name), setting] as const));
  const flags: Raw = {};
  let file: string | undefined;
  for (let at = 0; at < args.length; at++) {
    const [flag = '', inline] = splitOnce(args[at] as string);
    const setting = known.get(flag);
    if (!setting && flag !== '--config')
      throw new ConfigError(`There is no setting ${flag}. ${nearest(flag, [...known.keys()])}`);
    const value = inline ?? args[++at];
    if (value === undefined || (inline === undefined && value.startsWith('--')))
      throw new ConfigError(`${flag} needs a value.`);
    if (setting ? flags[setting.name] !== undefined : file !== undefined)
      throw new ConfigError(`${flag} is given twice.`);
    if (!setting) file = value;
    else flags[setting.name] = value;
  }
  return { flags, file };
}

function readEnvironment(env: ConfigSources['env']): Raw {
  const known = new Map(settings.map((setting) => [variableOf(setting.name), setting.name] as const));
  const raw: Raw = {};
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith('LUXCHAT_') || variable === clientVariable || value === undefined) continue;
    const name = known.get(variable);
    if (!name) throw new ConfigError(`There is no setting ${variable}. ${nearest(variable, [...known.keys()])}`);
    raw[name] = value;
  }
  return raw;
}

function readFile(path: string | undefined, read = (file: string) => readFileSync(file, 'utf8')): Raw {
  if (path === undefined) return {};
  const parsed = parseJson(
    path,
    readable(`The settings file ${path}`, () => read(path)),
  );
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new ConfigError(`The settings file ${path} must hold one JSON object.`);
  const names: readonly string[] = settings.map((setting) => setting.name);
  for (const name of Object.keys(parsed)) {
    if (!names.includes(name))
      throw new ConfigError(`There is no setting ${name} (in ${path}). ${nearest(name, names)}`);
  }
  return Object.fromEntries(Object.entries(parsed).map(([name, value]) => [name, plain(name, value)]));
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`The settings file ${path} is no JSON.`, { cause });
  }
}

/** A value of the file as a flag would have it. */
function plain(name: string, value: unknown): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(',');
  throw new ConfigError(`${name} must be a text, a number, true, false or a list of texts in the settings file.`);
}

function readable(what: string, read: () => string): string {
  try {
    return read();
  } catch (cause) {
    throw new ConfigError(`${what} can't be read.`, { cause });
  }
}

function nearest(wrong: string, known: readonly string[]): string {
  const best = known.reduce((a, b) => (editDistance(wrong, a) <= editDistance(wrong, b) ? a : b));
  return editDistance(wrong, best) <= 3 ? `Did you mean ${best}?` : 'README.md in src/server lists all settings.';
}

/** Letters to add, drop or change between two words (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

function splitOnce(argument: string): [string, string | undefined] {
  const at = argument.indexOf('=');
  return at < 0 ? [argument, undefined] : [argument.slice(0, at), argument.slice(at + 1)];
}
