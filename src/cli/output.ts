// What the terminal client prints: sentences for people, or one JSON object a line with `--json` for scripts. Errors go to stderr, with a code.
import type { Alarm, RoomInfo, TimelineItem } from '#client/api.ts';
import { ClientError, disconnectName, rejectionName } from '#client/errors.ts';
import { LoginError } from '#client/login.ts';
import { showsBothTimes } from '#client/timeline.ts';

/** Where output goes and how. */
export interface Output {
  readonly json: boolean;
  /** One result: an object with `--json`, else the sentence. */
  say(object: Record<string, unknown>, sentence: string): void;
  /** Something the person should know besides. */
  note(sentence: string): void;
}

/** Output to this process. */
export function createOutput(json: boolean): Output {
  return {
    json,
    say: (object, sentence) => console.log(json ? JSON.stringify(object) : sentence),
    note: (sentence) => console.error(sentence),
  };
}

/** A line of a conversation as plain data. */
export function describeItem(item: TimelineItem): Record<string, unknown> {
  const { id, localId, room, seq, sender, own, at, kind, edited } = item;
  const body = item.content?.body;
  return {
    type: 'item',
    id,
    ...(localId ? { localId } : {}),
    room,
    seq,
    sender,
    own,
    at,
    ...(item.writtenAt === undefined ? {} : { writtenAt: item.writtenAt }),
    kind,
    ...(body?.$case === 'text' ? { text: body.value.text } : {}),
    ...(edited ? { edited } : {}),
    ...(item.reactions.size > 0 ? { reactions: Object.fromEntries(item.reactions) } : {}),
    ...(item.trouble ? { trouble: item.trouble } : {}),
    ...(item.notice ? { notice: item.notice } : {}),
    ...(item.sending ? { sending: item.sending } : {}),
    ...(item.failure ? { failure: item.failure } : {}),
  };
}

/** The same for people. */
export function itemSentence(item: TimelineItem): string {
  const time = showsBothTimes(item) ? `${clock(item.at)} (written ${day(item.writtenAt)})` : clock(item.at);
  const who = item.own ? 'me' : shortName(item.sender);
  const body = item.content?.body;
  if (item.kind === 'deleted') return `${time} ${who}: (deleted)`;
  if (item.kind === 'trouble') return `${time} ${who}: (can't be read yet: ${item.trouble})`;
  if (item.kind === 'notice') return `${time} * ${noticeSentence(item)}`;
  const text = body?.$case === 'text' ? body.value.text : `(${body?.$case ?? 'empty'})`;
  const marks = [...item.reactions]
    .map(([emoji, people]) => ` ${emoji}${people.length > 1 ? people.length : ''}`)
    .join('');
  const state = item.sending === 'waiting' ? ' …' : item.sending === 'failed' ? ` (not sent: ${item.failure})` : '';
  return `${time} ${who}: ${printable(text)}${item.edited ? ' (edited)' : ''}${marks}${state}`;
}

/** Hour and minute, UTC. Times come from others: what is no date is shown as none. */
function clock(ms: number): string {
  return minutes(ms)?.slice(11) ?? '--:--';
}

function day(ms = 0): string {
  return minutes(ms)?.replace('T', ' ') ?? 'at no date';
}

function minutes(ms: number): string | undefined {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString().slice(0, 16);
}

/** A room as plain data. */
export function describeRoom(room: RoomInfo): Record<string, unknown> {
  return { type: 'room', ...room };
}

/** The same for people. */
export function roomSentence(room: RoomInfo): string {
  const name =
    room.name ||
    room.members.map(shortName).join(', ') ||
    (room.invitedBy ? `invitation from ${room.invitedBy}` : 'nobody else yet');
  const unread = room.unread > 0 ? `  (${room.unread} unread)` : '';
  const frozen = room.frozen ? `  FROZEN: ${room.frozen}` : '';
  return `${room.room}  ${printable(name)}${room.status === 1 ? '  [invited]' : ''}${unread}${frozen}`;
}

/** An alarm for people. */
export function alarmSentence(alarm: Alarm): string {
  return `WARNING ${alarm.code}: the server showed something that contradicts what devices signed${alarm.room ? ` in ${alarm.room}` : ''}. Sending there is stopped.`;
}

/** Code and sentence of an error. */
export function describeError(error: unknown): { code: string; message: string } {
  if (error instanceof LoginError) return { code: error.code, message: error.message };
  if (!(error instanceof ClientError))
    return { code: 'BUG', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  const reason =
    error.rejection !== undefined
      ? rejectionName(error.rejection)
      : error.disconnect !== undefined
        ? disconnectName(error.disconnect)
        : '';
  return { code: reason || error.code, message: error.message };
}

/** The name part of an id. */
export function shortName(user: string): string {
  return user.split(':')[0] ?? user;
}

/** Text from outside must not steer the terminal: control characters are shown, not obeyed. */
export function printable(text: string): string {
  return text
    .replace(/\p{Cc}/gu, (letter) => (letter === '\n' ? '\n      ' : letter === '\t' ? ' ' : '\uFFFD'))
    .replace(/[\u202A-\u202E\u2066-\u2069]/g, '\uFFFD');
}

function noticeSentence(item: TimelineItem): string {
  const { notice } = item;
  if (!notice) return '';
  const actor = shortName(notice.actor || 'someone');
  const target = notice.target && notice.target !== notice.actor ? ` ${shortName(notice.target)}` : '';
  return notice.what === 'slot' ? `${actor} set the ${notice.slot}` : `${actor} ${notice.what}${target}`;
}
