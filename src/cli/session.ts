// What a command works with, and what several of them do alike.
import type { Alarm } from '#client/alarms.ts';
import { ClientError, unlessBug } from '#client/errors.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import type { RoomInfo } from '#client/shown.ts';
import type { Arguments } from './arguments.ts';
import type { Keyboard } from './keyboard.ts';
import type { Output } from './output.ts';
import type { Reaching } from './reaching.ts';
import type { Besides } from './sentences.ts';

/** What a command works with. */
export interface Session {
  readonly client: LuxchatClient;
  readonly args: Arguments;
  readonly out: Output;
  readonly keyboard: Keyboard;
  readonly reaching: Reaching;
  /** True once it is known that this device is logged in, false where nobody can say now; rejects with LOGIN_NEEDED. */
  readonly loggedIn: () => Promise<boolean>;
}

/** A command. `live`: waits for the server first. `kept`: where there is no server for this device it shows what the device kept, and fails behind that. `watches`:
 * shows alarms itself. `without`: what holds where it could not begin for want of a server or a login; default: nothing is to be said. */
export interface Command {
  readonly live: boolean;
  readonly kept?: boolean;
  readonly without?: (args: Arguments) => string;
  readonly watches?: boolean;
  readonly run: (session: Session) => Promise<void>;
}

/** What the lines of a conversation say besides on this device. */
export function besides({
  user,
  security,
}: Pick<LuxchatClient, 'user'> & { readonly security: Pick<LuxchatClient['security'], 'state'> }): Besides {
  return { user, confirmed: security.state().state !== 'unconfirmed' };
}

/** Of a command that changes something: nothing was. */
export function unchanged(): string {
  return 'Nothing was changed.';
}

/** Of one that shows something, and changes it where there are so many words more behind it. */
export function unchangedFrom(words: number): (args: Pick<Arguments, 'rest'>) => string {
  return ({ rest }) => (rest.length >= words ? unchanged() : '');
}

/** Of one that says something to others. */
export function unsaid(): string {
  return 'It was not sent, and is not kept.';
}

/** The same error, with a sentence more. */
export function withSentence(error: ClientError, sentence: string): ClientError {
  const { code, message, rejection, disconnect, retryAfterMs, closed } = error;
  const more = {
    ...(rejection === undefined ? {} : { rejection }),
    ...(disconnect === undefined ? {} : { disconnect }),
    ...(closed === undefined ? {} : { closed }),
  };
  return sentence === ''
    ? error
    : new ClientError(code, `${message} ${sentence}`, { ...more, retryAfterMs, cause: error });
}

/** An argument that must be there. Throws BAD_ARGUMENT. */
export function need(args: Arguments, at: number, what: string): string {
  const value = args.rest[at];
  if (value === undefined || value === '')
    throw new ClientError('BAD_ARGUMENT', `${args.command} needs ${what}. See ${args.call} help.`);
  return value;
}

/** The words from there on as one text. Throws BAD_ARGUMENT where there are none. */
export function text(args: Arguments, from: number): string {
  const words = args.rest.slice(from).join(' ');
  if (words === '') throw new ClientError('BAD_ARGUMENT', `${args.command} needs a text. See ${args.call} help.`);
  return words;
}

/** What waits goes out, if it can in this time; else it does with a later command. Rejects where there is none: logged out, for example. */
export async function bringOut(client: Pick<LuxchatClient, 'flushed'>, timeoutMs: number): Promise<void> {
  try {
    await client.flushed(timeoutMs);
  } catch (error) {
    if (unlessBug(error).code !== 'OFFLINE') throw error;
  }
}

/** A bot waits for the word that it was started, which is a message. */
export async function toldBot({ client, args }: Pick<Session, 'client' | 'args'>, room: RoomInfo): Promise<void> {
  if (room.bot) await bringOut(client, args.timeoutMs);
}

/** Calls `show` for an alarm that was not there before: each of a room once, however often the server goes on. Gives back what ends that. */
export function onNewAlarm(client: Pick<LuxchatClient, 'on'>, show: (alarm: Alarm) => void): () => void {
  const shown = new Set<string>();
  return client.on('alarm', (alarm) => {
    const about = `${alarm.code} ${alarm.room ?? alarm.user ?? ''}`;
    if (shown.has(about)) return;
    shown.add(about);
    show(alarm);
  });
}
