// What lines and rooms look like: plain data for scripts, sentences for people. Pure but for the time zone, which is the system's or that of TZ.
import type { RoomInfo, TimelineItem } from '#client/shown.ts';
import { messageId, showsBothTimes } from '#client/timeline/timeline.ts';
import { MemberStatus } from '#proto/gen/record.ts';
import { called, roleWords, shortName } from './called.ts';
import { unheardMark } from './heard.ts';
import { noticeSentence } from './notices.ts';
import { refusalWords } from './refusals.ts';
import { troubleSentence } from './troubles.ts';

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
    ...(item.senderName ? { senderName: item.senderName } : {}),
    own,
    at,
    ...(item.writtenAt === undefined ? {} : { writtenAt: item.writtenAt }),
    kind,
    ...(body?.$case === 'text' ? { text: body.value.text } : {}),
    ...(item.content?.replyTo ? { replyTo: messageId(item.content.replyTo) } : {}),
    ...(edited ? { edited } : {}),
    ...(item.reactions.size > 0 ? { reactions: Object.fromEntries(item.reactions) } : {}),
    ...(item.unproven ? { unproven: true } : {}),
    ...(item.trouble ? { trouble: item.trouble } : {}),
    ...(item.notice ? { notice: item.notice } : {}),
    ...(item.sending ? { sending: item.sending } : {}),
    ...(item.failure ? { failure: item.failure } : {}),
  };
}

/** What a line's sentence says besides. */
export interface Besides {
  /** Said behind the number. */
  readonly where?: string;
  /** Luxchat-ID of who is at this device; "you" in what happened. Default: not said. */
  readonly user?: string;
  /** Is this device confirmed? Of what was kept from it then another step is the next. Default: yes. */
  readonly confirmed?: boolean;
  /** The number of the line that it answers to, where that is on the screen. */
  readonly answers?: number | undefined;
}

/** The same for people: `#12   14:03 abc: hello`. The number is what edit, react and delete take; a line that waits has none yet. */
export function itemSentence(item: TimelineItem, besides: Besides = {}): string {
  const { where = '', confirmed = true, answers, user } = besides;
  const place = `#${item.seq > 0 ? item.seq : '-'}${where}`.padEnd(5);
  const written = showsBothTimes(item) ? ` (written ${shown(minute, item.writtenAt) ?? 'at no date'})` : '';
  return `${place} ${shown(clock, item.at) ?? '--:--'}${written} ${saying(item, { confirmed, answers, user })}`;
}

/** Lines whose numbers are remembered, for what answers to them; what answers to an older one says so. */
const numbersMax = 1_000;

/** Prints lines that follow each other: a line with the date comes first where the day is not that of the line before. Begins today. `besides` is
 * asked at each. */
export function datedLines(now: number, besides: () => Besides = () => ({})): (item: TimelineItem) => string[] {
  let day = shown(calendar, now);
  const numbers = new Map<string, number>();
  return (item) => {
    const date = shown(calendar, item.at) ?? day;
    const lines = date === day ? [] : [`----- ${date} -----`];
    day = date;
    if (item.seq > 0) numbers.set(item.id, item.seq);
    const [oldest] = numbers.keys();
    if (numbers.size > numbersMax && oldest !== undefined) numbers.delete(oldest);
    const to = item.content?.replyTo;
    return [...lines, itemSentence(item, { ...besides(), answers: to && numbers.get(messageId(to)) })];
  };
}

/** A room as plain data. */
export function describeRoom(room: RoomInfo): Record<string, unknown> {
  return { type: 'room', ...room };
}

const standings: Readonly<Partial<Record<MemberStatus, string>>> = {
  [MemberStatus.MEMBER_STATUS_INVITED]: '  [invited]',
  [MemberStatus.MEMBER_STATUS_LEFT]: '  [you left]',
  [MemberStatus.MEMBER_STATUS_REMOVED]: '  [you were removed]',
  [MemberStatus.MEMBER_STATUS_BANNED]: '  [you were removed, and banned]',
  [MemberStatus.MEMBER_STATUS_SUSPENDED]: '  [waits until you are let in again]',
};

/** The same for people. */
export function roomSentence(room: RoomInfo): string {
  const unread = room.unread > 0 ? `  (${room.unread} unread)` : '';
  const frozen = room.frozen ? '  FROZEN: nothing is sent here, see status' : '';
  const standing = standings[room.status] ?? '';
  return `${room.room}  ${roomTitle(room)}${standing}${unread}${frozen}${unheardMark(room.unheard)}`;
}

/** What a person calls a room: its name, or who is in it; of an invitation all that is shown before consent. */
export function roomTitle(room: RoomInfo): string {
  const mark = room.bot ? ' (a bot)' : '';
  return (
    room.name ||
    room.members.map((user, at) => `${called(user, room.memberNames[at])}${mark}`).join(', ') ||
    (room.invitedBy && !isGone(room)
      ? `${room.direct ? '1:1' : `group, as ${roleWords[room.role] || 'member'}`}, invited by ${room.invitedBy}${room.invitedByBot ? ', a bot' : ''}`
      : room.direct
        ? lonely(room)
        : 'nobody else yet')
  );
}

/** What the other of a 1:1 room did who is not in it any more. */
const went: Readonly<Partial<Record<MemberStatus, string>>> = {
  [MemberStatus.MEMBER_STATUS_LEFT]: 'left',
  [MemberStatus.MEMBER_STATUS_DECLINED]: 'declined',
};

/** Did the other of a 1:1 room leave, or decline? */
export function isGone({ other }: Pick<RoomInfo, 'other'>): boolean {
  return other !== undefined && went[other.status] !== undefined;
}

/** A 1:1 room where nobody else is. */
function lonely({ other }: RoomInfo): string {
  return other && isGone({ other })
    ? `${other.user === '' ? 'somebody' : shortName(other.user)}, who ${went[other.status]}`
    : 'waits for the other to accept';
}

function saying(
  item: TimelineItem,
  { confirmed, answers, user }: { confirmed: boolean; answers: number | undefined; user: string | undefined },
): string {
  const who = item.own ? 'me' : called(item.sender, item.senderName);
  const body = item.content?.body;
  if (item.kind === 'deleted') return `${who}: (deleted)`;
  if (item.kind === 'trouble') return `${who}: (${troubleSentence(item.trouble, { who, confirmed })})`;
  if (item.kind === 'notice') return `* ${noticeSentence(item, user)}`;
  const text =
    body?.$case === 'text'
      ? body.value.text
      : `(${body?.$case === 'botStart' ? 'started the bot' : (body?.$case ?? 'empty')})`;
  const to = item.content?.replyTo ? `(to ${answers === undefined ? 'an earlier message' : `#${answers}`}) ` : '';
  const marks = [...item.reactions]
    .map(([emoji, people]) => ` ${emoji}${people.length > 1 ? people.length : ''}`)
    .join('');
  const state =
    item.sending === 'waiting' ? ' …' : item.sending === 'failed' ? ` (not sent: ${refusalWords(item.failure)})` : '';
  const doubt = item.unproven
    ? ' (NOT PROVEN: nobody here could verify who wrote this; its key came from a backup or a key file)'
    : '';
  return `${who}: ${to}${text}${item.edited ? ' (edited)' : ''}${doubt}${marks}${state}`;
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const calendar = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
// The one that writes 2026-11-29 14:03.
const minute = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'short' });

/** Times come from others: what is no date is undefined. */
function shown(format: Intl.DateTimeFormat, ms = Number.NaN): string | undefined {
  return Number.isNaN(new Date(ms).getTime()) ? undefined : format.format(ms);
}

/** A UTC day since 1970-01-01 as a date. */
export function dayText(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}
