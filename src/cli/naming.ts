// What a person's word names: a room, an invitation, a message. An id is always exact; anything else must be unique, so that nothing is said to the
// wrong people. Nothing here changes anything.
import { ClientError } from '#client/errors.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import type { RoomInfo } from '#client/shown.ts';
import { MemberStatus } from '#proto/gen/record.ts';
import type { Arguments } from './arguments.ts';
import { roomTitle } from './sentences.ts';

const { MEMBER_STATUS_INVITED, MEMBER_STATUS_JOINED, MEMBER_STATUS_LEFT } = MemberStatus;
const { MEMBER_STATUS_REMOVED, MEMBER_STATUS_BANNED, MEMBER_STATUS_SUSPENDED } = MemberStatus;

const nameMs = 5_000;
const namedMax = 5;

/** What finding something by a person's word needs. */
export interface Named {
  readonly client: LuxchatClient;
  readonly args: Arguments;
}

/** Invited, joined, or to be let in again: what a person calls their rooms. */
export function isCurrent(room: RoomInfo): boolean {
  return room.status === MEMBER_STATUS_INVITED || room.status === MEMBER_STATUS_JOINED || isWaiting(room);
}

/** Was this person taken out of it? The server's list tells so for 30 days. */
export function isRemovedFrom({ status }: RoomInfo): boolean {
  return status === MEMBER_STATUS_REMOVED || status === MEMBER_STATUS_BANNED;
}

/** Left, or taken out of: what was said before stays readable here. */
function isFormer(room: RoomInfo): boolean {
  return room.status === MEMBER_STATUS_LEFT || isRemovedFrom(room);
}

/** Did its person start over, and somebody has yet to let them in again? They can read meanwhile. */
export function isWaiting(room: RoomInfo): boolean {
  return room.status === MEMBER_STATUS_SUSPENDED;
}

/**
 * The room that a word names: its id; the 1:1 room with this Luxchat-ID; or a unique part of a current room's id or name, or of the Luxchat-ID of who is
 * in a 1:1 room. Where that is none, one that they are out of, by id or name. A person never names a group: what is meant for them alone would be read by all of it. Throws UNKNOWN or BAD_ARGUMENT.
 */
export function findRoom(session: Named, word: string): RoomInfo {
  const { client, args } = session;
  const rooms = client.rooms();
  // A shell takes the ! of an id for something else, so it may be left out.
  const exact = rooms.find(({ room }) => room === word || room === `!${word}`) ?? directWith(client, rooms, word);
  if (exact) return exact;
  const current = rooms.filter(isCurrent);
  const part = (name: string) => name.includes(word);
  // A group may be called like anybody.
  const named = word.startsWith('@') ? [] : current.filter(({ room, name }) => part(room) || part(name));
  const persons = personsNamed(client, current, word);
  const alone = persons.filter((user) => !directWith(client, current, user));
  const theirs = persons.flatMap((user) => directWith(client, current, user) ?? []);
  const found = [...new Set([...theirs, ...named])];
  const [lonely] = alone;
  if (lonely !== undefined && found.length === 0 && alone.length === 1) throw noDirect(session, lonely);
  if (lonely !== undefined) throw unclear(word, found, alone);
  const isNamed = ({ room, name }: RoomInfo) => part(room) || part(name);
  const former = word.startsWith('@') ? [] : rooms.filter((room) => isFormer(room) && isNamed(room));
  return only(found.length > 0 ? found : former, {
    word,
    missing: `see ${args.call} rooms and ${args.call} invitations. The start of an id will do; people are named by Luxchat-ID, since anybody may call themselves anything.`,
  });
}

/** What waits for an answer, by age, so that a new one moves no number: people first, so that number 1 is not the Info bot where somebody waits. */
export function invitationsOf({ client }: Pick<Named, 'client'>): RoomInfo[] {
  const sides = ({ invitedByBot, invitedMs, room }: RoomInfo) => [invitedByBot ? 1 : 0, invitedMs, room] as const;
  const inOrder = (one: RoomInfo, other: RoomInfo) => {
    const [a, b] = [sides(one), sides(other)];
    return a[0] - b[0] || a[1] - b[1] || (a[2] < b[2] ? -1 : 1);
  };
  return client
    .rooms()
    .filter((room) => room.status === MEMBER_STATUS_INVITED)
    .sort(inOrder);
}

/** The invitation that a word names: its number among them, or as for a room. Throws UNKNOWN or BAD_ARGUMENT. */
export function findInvitation(session: Named, word: string): RoomInfo {
  const all = invitationsOf(session);
  // A number that is gone must not be taken for a part of some id.
  const found = /^\d{1,3}$/.test(word)
    ? all.filter((_, at) => at + 1 === Number(word))
    : invitationsNamed(session, word, all);
  return only(found, {
    word,
    missing: `see ${session.args.call} invitations, and take the number in front, or who invites. A group shows its name when you are in.`,
  });
}

/** The same among invitations, the first alone where it means that one for certain. Who invites names a group too: it shows no more of itself. */
function invitationsNamed({ client }: Named, word: string, rooms: readonly RoomInfo[]): RoomInfo[] {
  const exact = rooms.find((room) => room.room === word || room.room === `!${word}`) ?? directWith(client, rooms, word);
  if (exact) return [exact];
  const found = rooms.filter(({ room, invitedBy }) => room.includes(word) || invitedBy.includes(word));
  const directs = found.filter(({ direct }) => direct);
  const inviters = new Set(found.map(({ invitedBy }) => invitedBy));
  return inviters.size === 1 && directs.length === 1 && !found.some(({ room }) => room.includes(word))
    ? directs
    : found;
}

/** Who else is in a room, or invites into it. */
function peopleIn(client: LuxchatClient, { room, invitedBy }: RoomInfo): string[] {
  return [invitedBy, ...client.members(room).map(({ user }) => user)].filter(
    (user) => user !== '' && user !== client.user,
  );
}

/** The 1:1 room with this very user; a current one where there are several. */
function directWith(client: LuxchatClient, rooms: readonly RoomInfo[], user: string): RoomInfo | undefined {
  const directs = rooms.filter((room) => room.direct && peopleIn(client, room).includes(user));
  return directs.find(isCurrent) ?? directs[0];
}

/** Whose Luxchat-ID this is, or is a part of: of those whom one shares a room with, or blocks. The provider is a part only behind a name. */
function personsNamed(client: LuxchatClient, rooms: readonly RoomInfo[], word: string): string[] {
  if (word === client.user) return [];
  const all = [...new Set([...rooms.flatMap((room) => peopleIn(client, room)), ...client.blocked()])];
  if (/^@[^:]+:./.test(word) && !all.some((user) => user.startsWith(word))) return [word];
  if (all.includes(word)) return [word];
  return all.filter((user) => (word.includes(':') ? user : (user.split(':')[0] ?? '')).includes(word));
}

function noDirect({ client, args }: Named, user: string): ClientError {
  const why = client.blocked().includes(user)
    ? `You block ${user}: for the 1:1 chat with them first ${args.call} unblock ${user}`
    : `There is no 1:1 chat with ${user}: start it with ${args.call} start ${user}`;
  return new ClientError('UNKNOWN', `${why}. A group is named by its name or its room id.`);
}

function only(
  found: readonly RoomInfo[],
  { word, missing }: { readonly word: string; readonly missing: string },
): RoomInfo {
  const [first, ...others] = found;
  if (!first) throw new ClientError('UNKNOWN', `Nothing matches "${word}": ${missing}`);
  if (others.length > 0) throw unclear(word, found);
  return first;
}

/** `alone`: whom else the word may mean, and there is no 1:1 room with them. */
function unclear(word: string, found: readonly RoomInfo[], alone: readonly string[] = []): ClientError {
  const rooms = found.map((room) => `${room.room} (${roomTitle(room)})`);
  const all = [...rooms, ...alone.map((user) => `${user} (no 1:1 chat)`)];
  const more = all.length > namedMax ? `, and ${all.length - namedMax} more` : '';
  const what = alone.length > 0 ? 'rooms and people' : 'rooms';
  const list = all.slice(0, namedMax).join(', ') + more;
  return new ClientError('BAD_ARGUMENT', `"${word}" matches ${all.length} ${what}: use the room id. ${list}.`);
}

/** The same, where a group may be new here: its name comes a moment after it was accepted. Waits for it, five seconds at most, where one has none yet. */
export async function awaitRoom(session: Named, word: string): Promise<RoomInfo> {
  const { client, args } = session;
  const deadline = Date.now() + Math.min(nameMs, args.timeoutMs);
  for (;;) {
    const left = deadline - Date.now();
    const mayCome = left > 0 && !word.startsWith('@') && client.rooms().some(lacksName);
    try {
      const found = findRoom(session, word);
      // One that they are out of may be called as the new one.
      if (!mayCome || !isFormer(found) || found.room.includes(word)) return found;
    } catch (error) {
      if (!mayCome || !(error instanceof ClientError) || error.code !== 'UNKNOWN') throw error;
    }
    await nextOfRooms(client, left);
  }
}

/** Resolves when something changed in a room, and after `ms`. */
function nextOfRooms(client: LuxchatClient, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      stop();
      resolve();
    };
    const timer = setTimeout(done, ms);
    const stop = client.on('room', done);
  });
}

function lacksName({ direct, name, status }: RoomInfo): boolean {
  return !direct && name === '' && status === MEMBER_STATUS_JOINED;
}

/**
 * The id of a message that a word names: its id, or the number in front of its line, with or without `#`. Throws UNKNOWN.
 */
export async function messageAt({ client, args }: Named, room: string, word: string): Promise<string> {
  const [, number] = /^#?(\d+)$/.exec(word) ?? [];
  if (number === undefined) return word;
  const seq = Number(number);
  const lines = await client.timeline(room, { beforeSeq: seq + 1, limit: 1 });
  const line = lines.find((item) => item.seq === seq);
  if (line?.kind === 'notice')
    throw new ClientError('UNKNOWN', `#${seq} says what happened in this room: take the number of a message.`);
  if (!line) throw new ClientError('UNKNOWN', `There is no message #${seq} in this room: see ${args.call} history.`);
  return line.id;
}
