// The files of an export, one after the other: what is in them and how they are written, in one place. README.txt, which every export holds, says it to whoever
// opens one years later.
import type { Content } from '#proto/gen/content.ts';
import { MemberStatus, Role } from '#proto/gen/record.ts';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import { steadyText } from '#proto/rules/text/steering.ts';
import type { Notice, RoomInfo, TimelineItem } from '../shown.ts';

/** What happened in a room, said of who did it. */
const words: Readonly<Record<Notice['what'], string>> = {
  created: 'began the conversation',
  invited: 'invited',
  joined: 'came in',
  declined: 'declined the invitation',
  left: 'left',
  removed: 'removed',
  banned: 'banned',
  unbanned: 'lifted the ban of',
  role: 'changed the role of',
  policy: 'changed the settings',
  identity: 'let in again, with another identity,',
  slot: 'set something',
};

/** The version of all of this. A number that is not known to a reader: read README.txt. */
export const exportVersion = 1;

/** A room in `rooms.json`. */
export interface ExportedRoom {
  readonly room: string;
  /** Its files are `rooms/<file>.jsonl` and `rooms/<file>.txt`. */
  readonly file: string;
  readonly name: string;
  readonly topic: string;
  readonly direct: boolean;
  readonly members: readonly string[];
  readonly status: string;
  readonly role: string;
  readonly lines: number;
  /** False: older lines could not be had, or the export had grown too large. */
  readonly complete: boolean;
}

/** Names of a room's files: never what people called it, since names of files may lead out of the folder. */
export function fileOf(index: number): string {
  return String(index + 1).padStart(4, '0');
}

/** A room without what is known only once its lines are written. */
export function describeRoom(info: RoomInfo, index: number): Omit<ExportedRoom, 'lines' | 'complete'> {
  const { room, name, topic, direct, members } = info;
  const file = fileOf(index);
  return {
    room,
    file,
    name,
    topic,
    direct,
    members,
    status: nameOf(MemberStatus, info.status),
    role: nameOf(Role, info.role),
  };
}

/** A line as JSON, one line of a `.jsonl` file. */
export function jsonLine(item: TimelineItem): string {
  const { id, seq, sender, device, own, at, writtenAt, kind, edited, reactions, notice, trouble, unproven } = item;
  const line = {
    ...{ id, seq, at, writtenAt, sender, device, own, kind, edited: edited || undefined },
    content: item.content && contentOf(item.content),
    notice: notice && noticeFields(notice),
    reactions: reactions.size === 0 ? undefined : Object.fromEntries(reactions),
    ...{ trouble, unproven },
  };
  return `${JSON.stringify(line)}\n`;
}

/** What people want to be called stands in `people.jsonl` alone. */
function noticeFields({ actorName: _, targetName: __, role, ...notice }: Notice) {
  return { ...notice, role: role === undefined ? undefined : nameOf(Role, role) };
}

/** A person as JSON, one line of `people.jsonl`. */
export function personLine({
  user,
  name,
  picture,
}: {
  readonly user: string;
  readonly name: string;
  /** `left out`: there is one, and the export had grown too large for it. */
  readonly picture: Uint8Array | 'left out' | undefined;
}): string {
  const shown = picture === 'left out' ? { complete: false } : { picture };
  return `${JSON.stringify(plain({ user, name: name || undefined, ...shown }))}\n`;
}

/** The same as `jsonLine` for people, one line of a `.txt` file; further lines of a text are indented. `calledBy`: what somebody wants to be called, or ''. */
export function textLine(item: TimelineItem, calledBy: (user: string) => string): string {
  const when = Number.isFinite(item.at) ? new Date(item.at).toISOString().replace('T', ' ').slice(0, 16) : '';
  const reactions = [...item.reactions].map(([emoji, users]) => ` ${emoji}${users.length}`).join('');
  const marks = `${item.edited ? ' (edited)' : ''}${item.unproven ? ' (NOT PROVEN)' : ''}${reactions}`;
  return `${when}  ${steadyText(`${personOf(item.sender, calledBy)}: ${sayingOf(item, calledBy)}${marks}`, '    ')}\n`;
}

/** README.txt of an export. */
export function readmeText(of: { readonly user: string; readonly at: number }): string {
  return `Luxchat: everything of ${of.user}, of ${new Date(of.at).toISOString()}
Format ${exportVersion}. All texts are UTF-8, times are milliseconds since 1970-01-01 UTC, days are days since then, bytes are base64.

This file is not encrypted. Whoever has it reads your messages, and those that others sent to you.

record.json    What the provider's server keeps of you: account, devices with the UTC day of their last visit, public keys, how you stand in rooms, whom you block,
               whether you are found by name, which backup there is. It also keeps and does not show: a keyed hash by which LuxID is recognised, hashes of logins,
               when you logged in with LuxID for a purpose within the last hour, the encrypted backup, what waits for your devices for at most 30 days, and
               messages that you reported for 30 days.
rooms.json     One entry a conversation: its id ("room"), the name of its files ("file"), what you see of it, how many lines there are, and whether that is all
               ("complete": false where older ones could not be had from the server, or the export had grown too large).
rooms/N.jsonl  The conversation, oldest first, one JSON object a line:
                 id, seq          which line: by its author, and by its place
                 at, writtenAt    when the server took it, and when its author wrote it by their own clock
                 sender, device   the Luxchat-ID of the author, and which of their devices
                 own              true: yours
                 kind             message, notice (of members and settings), deleted, or trouble (can't be read, and why)
                 content          what was said: "type" and "value" by the names of proto/content.proto; an edited text is the newest one
                 edited, reactions, notice, trouble, unproven   only where there is something to say
rooms/N.txt    The same for reading. Times are UTC. Characters that could steer a terminal are replaced.
people.jsonl   You, and everyone who was in one of these conversations: Luxchat-ID ("user"), what they want to be called ("name") and their picture ("picture", JPEG or
               WebP), as they said last and this device heard. It proves nothing: two may be called the same. "complete": false where there is a picture that is
               left out, since the export had grown too large.

Files that were sent (photos, voice) are not in it: this version of Luxchat has none.
`;
}

/** JSON with what JSON does not have: bytes as base64, maps as objects, without what is not set. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(plain(value), null, 2)}\n`;
}

/** A number as its enum calls it. */
export function nameOf(of: Readonly<Record<string, number>>, value: number): string {
  const [name] = Object.entries(of).find(([, each]) => each === value) ?? [`${value}`];
  return name;
}

/** What was said first, then what it refers to, where it does. */
function contentOf({ body, replyTo, mentions, forwarded, disappearSeconds }: Content): object {
  const more = {
    ...{ replyTo, mentions: mentions.length === 0 ? undefined : mentions },
    ...{ forwarded: forwarded || undefined, disappearSeconds: disappearSeconds || undefined },
  };
  return { type: body?.$case ?? 'none', value: plain(body?.value), ...(plain(more) as object) };
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return value.length === 0 ? undefined : toBase64(value);
  if (value instanceof Map) return plain(Object.fromEntries(value));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const named = Object.entries(value).filter(([name]) => name !== '_unknownFields');
  return Object.fromEntries(named.map(([name, of]) => [name, plain(of)]));
}

function personOf(user: string, calledBy: (user: string) => string): string {
  const name = user === '' ? '' : calledBy(user);
  return name === '' ? user : `${name} (${user})`;
}

function noticeOf({ what, actor, target, slot, text, role }: Notice, whom: string): string {
  if (what === 'slot') return `set the ${slot}${text ? `: ${text}` : ''}`;
  const given =
    what === 'role' && role !== undefined ? ` to ${nameOf(Role, role).replace('ROLE_', '').toLowerCase()}` : '';
  return target === '' || target === actor ? `${words[what]}${given}` : `${words[what]} ${whom}${given}`;
}

function sayingOf({ kind, content, notice, trouble }: TimelineItem, calledBy: (user: string) => string): string {
  if (kind === 'deleted') return '(deleted)';
  if (kind === 'trouble') return `(can't be read: ${trouble})`;
  if (kind === 'notice') return notice ? `* ${noticeOf(notice, personOf(notice.target, calledBy))}` : '*';
  const body = content?.body;
  if (body?.$case === 'text') return body.value.text;
  return body === undefined ? '(nothing)' : `(${body.$case}) ${JSON.stringify(plain(body.value))}`;
}
