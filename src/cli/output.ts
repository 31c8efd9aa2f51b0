// Where the terminal client's words go: sentences for people, or one JSON object a line with `--json` for scripts. Errors go to stderr; codes are for scripts alone.
// Guarantees that nothing printed here can steer the terminal, whoever wrote it and wherever in a sentence it stands.

import { LoginError } from '#client/connection/login.ts';
import { ClientError, disconnectName, rejectionName } from '#client/errors.ts';
import { steadyJson, steadyText } from '#proto/rules/text/steering.ts';
import { plainMessage, waitWords } from './refusals.ts';

/** Where output goes and how. */
export interface Output {
  readonly json: boolean;
  /** One result: an object with `--json`, else these lines; none are nothing. */
  say(object: Record<string, unknown>, ...lines: readonly string[]): void;
  /** Something the person should know besides, on stderr; no lines are nothing. */
  note(...lines: readonly string[]): void;
  /** What failed, on stderr. */
  fail(error: unknown): void;
}

/** Where lines go: `console`, or whoever listens in its place. */
export type Console = Pick<typeof console, 'log' | 'error'>;

/** Output to this process. */
export function createOutput(json: boolean, console: Console = globalThis.console): Output {
  return {
    json,
    say: (object, ...lines) => {
      if (json) console.log(steadyJson(object));
      else if (lines.length > 0) console.log(sentences(lines));
    },
    note: (...lines) => {
      if (lines.length > 0) console.error(sentences(lines));
    },
    fail: (error) => {
      const { code, message } = describeError(error);
      console.error(
        json
          ? steadyJson({ type: 'error', code, message })
          : sentences([code === 'BUG' ? `This is a bug of this program: ${message}` : message]),
      );
    },
  };
}

/** Code and sentence of an error. */
export function describeError(error: unknown): { code: string; message: string } {
  if (error instanceof LoginError)
    return { code: error.code, message: `${error.message}${waitWords(error.retryAfterMs)}` };
  if (!(error instanceof ClientError))
    return { code: 'BUG', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  const reason =
    error.rejection !== undefined
      ? rejectionName(error.rejection)
      : error.disconnect !== undefined
        ? disconnectName(error.disconnect)
        : '';
  return { code: reason || error.code, message: plainMessage(error) };
}

function sentences(lines: readonly string[]): string {
  return lines.map((line) => steadyText(line, '      ')).join('\n');
}
