// What becomes of messages that a command writes: `send`, `reply`, and `retry` and `discard` of what failed. Each says of every message whether it went
// out, waits or was refused, and what to do then.
import { createInterface } from 'node:readline';
import { ClientError, unlessBug } from '#client/errors.ts';
import type { RoomInfo, TimelineItem } from '#client/shown.ts';
import { messageRef } from '#client/timeline/timeline.ts';
import { MemberStatus } from '#proto/gen/record.ts';
import { counted } from './called.ts';
import { unreachable } from './deadline.ts';
import { explainUnheard, noteUnheard } from './heard.ts';
import { awaitRoom, isCurrent, isWaiting, messageAt } from './naming.ts';
import { describeItem, isGone, itemSentence, roomTitle } from './sentences.ts';
import { type Command, need, type Session, text, unchanged, unsaid, withSentence } from './session.ts';
import { waysToConfirm } from './unconfirmed.ts';

/** The commands by name. */
export const sendingCommands: Readonly<Record<string, Command>> = {
  send: { live: false, run: send },
  reply: { live: true, without: unsaid, run: reply },
  retry: { live: true, without: unsent, run: retry },
  discard: { live: true, without: unchanged, run: discard },
};

async function send(session: Session): Promise<void> {
  const { client, args, reaching } = session;
  const word = need(args, 0, 'a room');
  // Before a word is taken: what is written down on a device that is logged out never goes out.
  await session.loggedIn().catch(notSent);
  if (client.rooms().length === 0) await reaching(client.synced()).catch(notSent);
  const { room, direct, name } = await awaitRoom({ client, args }, word);
  // Who named the group by a part may have meant another.
  const where = direct || [room, room.slice(1), name].includes(word) ? '' : ` in ${name || room}`;
  const written = follow(session, room, where);
  const one = async (line: string) => written.add(await client.send(room, line));
  if (args.rest.length > 1) await one(text(args, 1));
  else for await (const line of createInterface({ input: process.stdin })) if (line !== '') await one(line);
  await written.tell();
}

async function reply(session: Session): Promise<void> {
  const { client, args } = session;
  const { room } = await awaitRoom(session, need(args, 0, 'a room'));
  const replyTo = messageRef(await messageAt(session, room, need(args, 1, "a message's number or id")));
  if (!replyTo) throw new ClientError('UNKNOWN', `There is no such message to answer: see ${args.call} history.`);
  const written = follow(session, room);
  written.add(await client.send(room, text(args, 2), { replyTo }));
  await written.tell();
}

async function retry(session: Session): Promise<void> {
  const { client, args } = session;
  const { room } = await awaitRoom(session, need(args, 0, 'a room'));
  const written = follow(session, room);
  for (const item of await failedIn(session, room)) {
    written.add(item);
    await client.retry(room, item.localId ?? item.id);
  }
  await written.tell();
}

async function discard(session: Session): Promise<void> {
  const { client, args, out } = session;
  const { room } = await awaitRoom(session, need(args, 0, 'a room'));
  for (const item of await failedIn(session, room)) {
    await client.discard(room, item.localId ?? item.id);
    out.say({ ...describeItem(item), type: 'discarded' }, `Let go of: ${itemSentence(item)}`);
  }
}

/** What failed in a room, oldest first; with a number behind the room that one alone. Throws UNKNOWN, BAD_ARGUMENT. */
async function failedIn({ client, args }: Session, room: string): Promise<readonly TimelineItem[]> {
  const failed = (await client.timeline(room, { limit: 1 })).filter(({ sending }) => sending === 'failed');
  const word = args.rest[1];
  if (failed.length === 0) throw new ClientError('UNKNOWN', 'No message of yours failed here.');
  if (word === undefined) return failed;
  const one = /^\d{1,6}$/.test(word) ? failed[Number(word) - 1] : undefined;
  if (!one)
    throw new ClientError(
      'BAD_ARGUMENT',
      `${args.command} takes the number of a failed message, 1 to ${failed.length}, oldest first; without one it means all of them. ${args.call} history shows them below.`,
    );
  return [one];
}

function unsent(): string {
  return 'It was not sent, and stays here as it was.';
}

function notSent(error: unknown): never {
  throw withSentence(unlessBug(error), unsaid());
}

/** Follows messages that are written from now on. `where`: said behind their numbers. */
function follow({ client, args, out, reaching }: Session, room: string, where = '') {
  const sent: string[] = [];
  const answered = new Map<string, TimelineItem>();
  client.on('item', (item) => {
    if (item.localId && item.sending !== 'waiting') answered.set(item.localId, item);
  });
  /** Logged out just now: what can't go out any more is let go of, so that nobody takes it for sent. */
  const stays = async (error: ClientError) => {
    if (error.code === 'OFFLINE' && error.message === unreachable)
      throw withSentence(error, 'What you wrote stays here, and goes out by itself later.');
    if (error.code !== 'LOGIN_NEEDED') throw error;
    const left = sent.filter((id) => !answered.has(id));
    for (const id of left) await client.discard(room, id).catch(unlessBug);
    throw left.length > 0 ? withSentence(error, unsaid()) : error;
  };
  return {
    add: ({ localId = '' }: TimelineItem) => void sent.push(localId),
    /** Waits, and says what became of them. */
    tell: async () => {
      await reaching(client.flushed(args.timeoutMs)).catch((error) => stays(unlessBug(error)));
      let failed = 0;
      for (const id of sent) {
        const item = answered.get(id);
        if (item?.sending === 'failed') failed++;
        if (item) out.say(describeItem(item), itemSentence(item, { where }));
      }
      const info = client.room(room);
      if (failed > 0)
        throw new ClientError(
          'REJECTED',
          `Refused: ${failed} of ${counted(sent.length, 'message')}.${whoLeft(info, args.call)} ${args.call} retry ${room} tries again then, ${args.call} discard ${room} lets go of them.`,
        );
      // What waited from before may have gone out meanwhile, and says nothing of these.
      if (!sent.every((id) => answered.has(id))) await explainWaiting({ client, args, out }, info);
      else noteUnheard(out, info, args.call);
    },
  };
}

/** That the other of a 1:1 room is gone, where that is so. */
function whoLeft(room: RoomInfo, call: string): string {
  if (!room.other || !isGone(room)) return '';
  return ` The room is of ${roomTitle(room)}; ${call} start ${room.other.user} invites them again.`;
}

/** Why messages wait: with a failure where they will not go out by themselves. */
async function explainWaiting(
  { client, args, out }: Pick<Session, 'client' | 'args' | 'out'>,
  room: RoomInfo,
): Promise<void> {
  if (room.frozen) throw new ClientError('UNTRUSTED', `Sending here is stopped: ${room.frozen}.`);
  if (!isCurrent(room))
    throw new ClientError(
      'UNKNOWN',
      'You are not in this room any more: the message waits, and goes out if somebody lets you in again.',
    );
  if (isWaiting(room)) {
    const who = room.direct ? (room.members[0] ?? 'the other') : 'somebody who leads the group';
    out.note(`You started over: it waits here until ${who} lets you in again, and goes out by itself then.`);
    return;
  }
  const confirmed = (await client.devices()).find((device) => device.current)?.confirmed;
  if (!confirmed)
    throw new ClientError(
      'NOT_CONFIRMED',
      `This device is not confirmed, and the message waits until it is: ${await waysToConfirm(client, args.call)}.`,
    );
  if (explainUnheard(out, room, args.call)) return;
  out.note(
    room.status === MemberStatus.MEMBER_STATUS_INVITED
      ? 'It waits until you accept the invitation.'
      : 'It waits here until the other person has accepted, and goes out by itself then.',
  );
}
