// The server's log: JSON lines in `<data>/logs/server.log`, one event name and closed fields each. No ids, addresses or content ever: the type
// of the fields allows numbers, booleans and words out of code only, and a test greps the files of a whole run for a canary.
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';

/** What an event may carry: numbers with their unit in the name, switches, and codes. Error objects go in as their code. */
export type LogFields = Readonly<Record<string, number | boolean | Code>>;

declare const brand: unique symbol;
/** A word that stands in the source (a code, a state), never text from outside. Made by `code`. */
export type Code = string & { readonly [brand]: 'Code' };

/** Marks a word of the source as safe to log; anything else becomes OTHER. */
export function code(word: string): Code {
  return (/^[A-Za-z][A-Za-z0-9_.-]{0,47}$/.test(word) ? word : 'OTHER') as Code;
}

/** The log of this process. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  /** `cause` is logged as `error` does it. */
  warn(event: string, fields?: LogFields, cause?: unknown): void;
  /** A bug or a failure of the world; `error` gives its name, code and, for bugs, where in the source it was thrown. */
  error(event: string, error: unknown, fields?: LogFields): void;
}

/** A log that can be moved away while it is written. */
export interface LogFile extends Log {
  /** Goes on in a new file of the same name; call it once the old one was renamed. */
  reopen(): void;
}

/** Opens the log file, owner-only. A line is written before its call returns, so that the last words of a crash are there; `level` is the least kept. */
export function openLog(dataFolder: string, level: string): LogFile {
  const folder = join(dataFolder, 'logs');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const destination = pino.destination({ dest: join(folder, 'server.log'), mode: 0o600, sync: true });
  // On a full disk lines are lost, and the process goes on until the store says what is wrong.
  destination.on('error', () => {});
  const out = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  return {
    debug: (event, fields = {}) => out.debug({ event, ...fields }),
    info: (event, fields = {}) => out.info({ event, ...fields }),
    warn: (event, fields = {}, cause) =>
      out.warn({ event, ...(cause === undefined ? {} : describe(cause)), ...fields }),
    error: (event, error, fields = {}) => out.error({ event, ...describe(error), ...fields }),
    reopen: () => destination.reopen(),
  };
}

/** A log that keeps nothing: for tests that look elsewhere. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

function describe(error: unknown): Record<string, string> {
  if (!(error instanceof Error)) return { error: 'OTHER' };
  const coded = (error as { code?: unknown }).code;
  const at = framesOf(error)
    .slice(0, 6)
    .map((line) => line.trim().replace(/\(?(?:file:\/\/)?\/\S*?\/((?:src|actors|proto)\/)/, '($1'));
  return { error: code(error.name), ...(typeof coded === 'string' ? { code: code(coded) } : {}), at: at.join(' < ') };
}

/** The frames of a stack name files and lines of the source. The message in front of them may quote input, in lines that look like frames. */
function framesOf({ stack = '', message }: Error): string[] {
  const begins = stack.indexOf(message);
  // A message that was changed after the stack was taken can't be told from what follows.
  if (begins < 0) return [];
  const frames = stack.slice(begins + message.length).split('\n');
  return frames.filter((line) => /^\s+at /.test(line));
}
