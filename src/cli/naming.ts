// What a person's word names: a room, an invitation, a message. An id is always exact; anything else must be unique, so that nothing is said to the
// wrong people. Nothing here changes anything.
import { ClientError } from '#client/errors.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import type { RoomInfo } from '#client/shown.ts';
import type { Arguments } from './arguments.ts';
import { roomTitle } from './sentences.ts';

const nameMs = 5_000;
const namedMax = 5;

/** What finding something by a person's word needs. */
export interface Named {
  readonly client: LuxchatClient;
  readonly args: Arguments;
}

/** Invited, joined, or to be let in again: what a person calls their rooms. Those they left or declined are found by their id alone. */
export function isCurrent(room: RoomInfo): boolean {
  return room.status === 1 || room.status === 2 || isWaiting(room);
}

/** Did its person start over, and somebody has yet to let them in again? They can read meanwhile. */
export function isWaiting(room: RoomInfo): boolean {
  return room.status === 7;
}

/**
 * The room that a word names: its id; the 1:1 room with this Luxchat-ID; or a unique part of id, name, inviter or member of a current room. A part of
 * one person's Luxchat-ID is the 1:1 room with them, whatever groups they are in too. Throws UNKNOWN or BAD_ARGUMENT.
 */
export function findRoom(session: Named, word: string): RoomInfo {
  const { client, args } = session;
  return only(matching(session, word, client.rooms()), {
    word,
    missing: `see ${args.call} rooms and ${args.call} invitations. The start of an id will do.`,
  });
}

/** What waits for an answer, in an order that is the same each time: people first, so that number 1 is not the Info bot where somebody waits. */
export function invitationsOf({ client }: Pick<Named, 'client'>): RoomInfo[] {
  const place = ({ invitedByBot, room }: RoomInfo) => `${invitedByBot ? 1 : 0} ${room}`;
  return client
    .rooms()
    .filter((room) => room.status === 1)
    .sort((one, other) => (place(one) < place(other) ? -1 : 1));
}

/** The invitation that a word names: its number among them, or as for a room. Throws UNKNOWN or BAD_ARGUMENT. */
export function findInvitation(session: Named, word: string): RoomInfo {
  const all = invitationsOf(session);
  // A number that is gone must not be taken for a part of some id.
  const found = /^\d{1,3}$/.test(word) ? all.filter((_, at) => at + 1 === Number(word)) : matching(session, word, all);
  return only(found, {
    word,
    missing: `see ${session.args.call} invitations, and take the number in front, or who invites. A group shows its name when you are in.`,
  });
}

/** The rooms that a word may mean, the first alone where it means that one for certain. */
function matching({ client }: Named, word: string, rooms: readonly RoomInfo[]): RoomInfo[] {
  // A shell takes the ! of an id for something else, so it may be left out.
  const exact = rooms.find((room) => room.room === word || room.room === `!${word}`);
  if (exact) return [exact];
  const people = ({ room, invitedBy }: RoomInfo) =>
    [invitedBy, ...client.members(room).map((member) => member.user)].filter((user) => user !== client.user);
  const direct = rooms.find((room) => room.direct && people(room).includes(word));
  if (direct) return [direct];
  const part = (name: string) => name.includes(word);
  const current = rooms.filter(isCurrent);
  const named = current.filter(({ room, name }) => part(room) || part(name));
  const persons = new Set(current.flatMap(people).filter(part));
  if (named.length === 0 && persons.size === 1) {
    const theirs = current.filter((room) => room.direct && people(room).some(part));
    if (theirs.length === 1) return theirs;
  }
  return current.filter((room) => named.includes(room) || people(room).some(part));
}

function only(
  found: readonly RoomInfo[],
  { word, missing }: { readonly word: string; readonly missing: string },
): RoomInfo {
  const [first, ...others] = found;
  if (!first) throw new ClientError('UNKNOWN', `Nothing matches "${word}": ${missing}`);
  if (others.length === 0) return first;
  const some = found.slice(0, namedMax).map((room) => `${room.room} (${roomTitle(room)})`);
  const more = found.length > namedMax ? `, and ${found.length - namedMax} more` : '';
  const list = some.join(', ') + more;
  throw new ClientError('BAD_ARGUMENT', `"${word}" matches ${found.length} rooms: use the room id. ${list}.`);
}

/** The same, where a group may be new here: its name comes a moment after it was accepted. Waits for it, five seconds at most, where one has none yet. */
export async function awaitRoom(session: Named, word: string): Promise<RoomInfo> {
  const { client, args } = session;
  const deadline = Date.now() + Math.min(nameMs, args.timeoutMs);
  for (;;) {
    try {
      return findRoom(session, word);
    } catch (error) {
      const left = deadline - Date.now();
      const mayCome = error instanceof ClientError && error.code === 'UNKNOWN' && client.rooms().some(lacksName);
      if (!mayCome || left <= 0) throw error;
      await nextOfRooms(client, left);
    }
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
  return !direct && name === '' && status === 2;
}

/**
 * The id of a message that a word names: its id, or the number in front of its line, with or without `#`. Throws UNKNOWN.
 */
export async function messageAt({ client, args }: Named, room: string, word: string): Promise<string> {
  const [, number] = /^#?(\d+)$/.exec(word) ?? [];
  if (number === undefined) return word;
  const seq = Number(number);
  const lines = await client.timeline(room, { beforeSeq: seq + 1, limit: 1 });
  const line = lines.find((item) => item.seq === seq && item.kind !== 'notice');
  if (!line) throw new ClientError('UNKNOWN', `There is no message #${seq} in this room: see ${args.call} history.`);
  return line.id;
}
