// What a group is called and about, and what is pinned in it: everybody who is in may change that, and all see it. It goes out as messages do, and a command
// says Done once the room has it.
import { ClientError } from '#client/errors.ts';
import type { RoomInfo } from '#client/shown.ts';
import { messageId, messageRef } from '#client/timeline/timeline.ts';
import { MemberStatus } from '#proto/gen/record.ts';
import { awaitRoom, messageAt } from './naming.ts';
import { describeItem, itemSentence } from './sentences.ts';
import { type Command, need, type Session, text, unchanged, unchangedFrom } from './session.ts';
import { waysToConfirm } from './unconfirmed.ts';

/** The commands by name. */
export const settingsCommands: Readonly<Record<string, Command>> = {
  rename: { live: true, without: unchanged, run: rename },
  topic: { live: true, without: unchangedFrom(2), run: topic },
  pin: { live: true, without: unchanged, run: (session) => pin(session, true) },
  unpin: { live: true, without: unchanged, run: (session) => pin(session, false) },
  pins: { live: true, run: listPins },
};

async function rename(session: Session): Promise<void> {
  const { client, args } = session;
  const info = await group(session);
  const name = text(args, 1);
  await put(session, info, () => client.setName(info.room, name));
}

async function topic(session: Session): Promise<void> {
  const { client, args, out } = session;
  const info = await group(session);
  if (args.rest.length > 1 || args.none) {
    const said = args.none ? '' : text(args, 1);
    return put(session, info, () => client.setTopic(info.room, said));
  }
  out.say({ type: 'topic', room: info.room, topic: info.topic }, info.topic || 'This group has no topic.');
}

async function pin(session: Session, isPinned: boolean): Promise<void> {
  const { client, args } = session;
  const info = await awaitRoom(session, need(args, 0, 'a room'));
  const id = await messageAt(session, info.room, need(args, 1, "a message's number or id"));
  const ref = messageRef(id);
  if (!ref) throw new ClientError('UNKNOWN', `There is no such message: see ${args.call} history.`);
  const others = client.pins(info.room).filter((one) => messageId(one) !== id);
  if (!isPinned && others.length === client.pins(info.room).length)
    throw new ClientError('UNKNOWN', `This message is not pinned: see ${args.call} pins.`);
  await put(session, info, () => client.pin(info.room, isPinned ? [...others, ref] : others));
}

async function listPins(session: Session): Promise<void> {
  const { client, args, out } = session;
  const { room } = await awaitRoom(session, need(args, 0, 'a room'));
  const pins = client.pins(room);
  if (pins.length === 0 && !out.json) return out.say({}, 'Nothing is pinned here.');
  const lines = new Map((await client.timeline(room, { limit: args.limit })).map((item) => [item.id, item]));
  for (const ref of pins) {
    const [id, item] = [messageId(ref), lines.get(messageId(ref))];
    const older = `An older message than the newest ${args.limit}, with the id ${id}: --limit looks further back.`;
    out.say({ ...(item ? describeItem(item) : { room, id }), type: 'pin' }, item ? itemSentence(item) : older);
  }
}

/** The group that is meant. Throws BAD_ARGUMENT for a 1:1 chat. */
async function group(session: Session): Promise<RoomInfo> {
  const info = await awaitRoom(session, need(session.args, 0, 'a group'));
  if (info.direct)
    throw new ClientError('BAD_ARGUMENT', 'A 1:1 chat is called as the other wants to be called, and has no topic.');
  return info;
}

/** Has it brought out, or says why that can't be. */
async function put({ client, args, out }: Session, info: RoomInfo, work: () => Promise<void>): Promise<void> {
  if (info.status !== MemberStatus.MEMBER_STATUS_JOINED)
    throw new ClientError('UNKNOWN', 'Who is in this room changes that, and you are not.');
  if (client.security.state().state === 'unconfirmed')
    throw new ClientError('NOT_CONFIRMED', `This device is not confirmed: ${await waysToConfirm(client, args.call)}.`);
  const failures = () => client.counters()['send.failed'] ?? 0;
  const before = failures();
  await work();
  await client.flushed(args.timeoutMs);
  if (failures() > before)
    throw new ClientError(
      'REJECTED',
      'The room did not take it: you may not change that here, or are out of it by now.',
    );
  out.say({ type: 'done', room: info.room }, 'Done.');
}
