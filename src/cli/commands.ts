// The commands that open the device, do one thing and close it again. Each prints one result, or one line a thing.
import { botExplanation } from '#client/bots/words.ts';
import { ClientError } from '#client/errors.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import type { RoomInfo } from '#client/shown.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { alarmSentence } from './alarms.ts';
import { roleWords } from './called.ts';
import { fullSentences } from './full-backup.ts';
import { goOn } from './go-on.ts';
import { identityMark } from './heard.ts';
import { leave } from './leave.ts';
import { awaitRoom, findInvitation, invitationsOf, isCurrent, isRemovedFrom, messageAt } from './naming.ts';
import type { Output } from './output.ts';
import { datedLines, describeItem, describeRoom, roomSentence, roomTitle } from './sentences.ts';
import { besides, type Command, need, onNewAlarm, type Session, text, toldBot, unchanged, unsaid } from './session.ts';
import { status } from './status.ts';
import { waysToConfirm } from './unconfirmed.ts';

/** The commands by name. */
export const commands: Readonly<Record<string, Command>> = {
  whoami: { live: true, run: whoami },
  rooms: {
    live: true,
    kept: true,
    run: async (session) => listRooms(session.out, session.client.rooms().filter(isShown)),
  },
  invitations: { live: true, run: async (session) => listInvitations(session) },
  group: { live: true, without: unchanged, run: makeGroup },
  accept: { live: true, without: unchanged, run: onInvitation((client, room) => client.accept(room), 'You are in') },
  decline: { live: true, without: unchanged, run: onInvitation((client, room) => client.decline(room), 'Declined') },
  leave: { live: true, without: unchanged, run: onRoom(leave) },
  'go-on': { live: true, without: unchanged, run: goOn },
  members: { live: true, kept: true, run: listMembers },
  edit: {
    live: true,
    without: unsaid,
    run: onMessage(({ client, args }, room, id) => client.edit(room, id, text(args, 2))),
  },
  react: {
    live: true,
    without: unsaid,
    run: onMessage(({ client, args }, room, id) => client.react(room, id, need(args, 2, 'an emoji'))),
  },
  delete: { live: true, without: unchanged, run: onMessage(({ client }, room, id) => client.deleteForAll(room, id)) },
  history: { live: true, kept: true, run: history },
  read: { live: true, without: unchanged, run: onRoom(({ client }, room) => client.markRead(room)) },
  receipts: { live: false, run: receipts },
  tail: { live: false, watches: true, run: tail },
  block: { live: true, without: unchanged, run: block },
  unblock: { live: true, without: unchanged, run: unblock },
  blocked: { live: true, run: listBlocked },
  report: { live: true, without: unsaid, run: report },
  status: { live: true, run: status },
};

async function receipts({ client, args, out }: Session): Promise<void> {
  const [word] = args.rest;
  if (word !== undefined && word !== 'on' && word !== 'off')
    throw new ClientError('BAD_ARGUMENT', `${args.call} receipts on, or off; without a word it says how it is.`);
  if (word !== undefined) await client.setReceipts(word === 'on');
  const state = client.receipts ? 'on: others see how far you have read' : 'off: nobody sees what you have read';
  out.say({ type: 'receipts', on: client.receipts }, `receipts are ${state}`);
}

/** Answers an invitation; rooms that one is in already are not meant. Says which, since numbers move up. */
function onInvitation(answer: (client: LuxchatClient, room: string) => Promise<void>, done: string) {
  return async ({ client, args, out }: Session) => {
    const found = findInvitation({ client, args }, need(args, 0, 'an invitation'));
    await answer(client, found.room);
    await toldBot({ client, args }, client.room(found.room));
    // Who was in it before may know its name.
    const name = found.direct || found.name !== '' ? '' : ' Its name comes when someone who is in it is there.';
    const what = `${found.room}, ${roomTitle(found)}`;
    out.say({ type: 'done', room: found.room }, `${done}: ${what}.${done === 'Declined' ? '' : name}`);
  };
}

function onRoom(work: (session: Session, room: string) => Promise<void>) {
  return async (session: Session) => {
    const { room } = await awaitRoom(session, need(session.args, 0, 'a room'));
    await work(session, room);
    session.out.say({ type: 'done', room }, 'Done.');
  };
}

function onMessage(work: (session: Session, room: string, id: string) => Promise<void>) {
  return onRoom(async (session, room) => {
    await work(session, room, await messageAt(session, room, need(session.args, 1, "a message's number or id")));
    await session.client.flushed(session.args.timeoutMs);
  });
}

async function whoami({ client, args, out }: Session): Promise<void> {
  const confirmed = (await client.devices()).find((device) => device.current)?.confirmed ?? false;
  const { user, device, deviceId } = client;
  const security = client.security.state();
  const state = confirmed ? 'confirmed' : `not confirmed yet: ${await waysToConfirm(client, args.call)}`;
  const secured = security.full ? 'messages secured, but not the newest' : 'messages secured';
  const kept = security.backup ? secured : `messages not secured${confirmed ? `: run ${args.call} secure` : ''}`;
  const full = security.full ? { full: true } : {};
  const said = { type: 'self', user, device, deviceId, confirmed, secured: security.backup, ...full };
  out.say(said, user, `device ${device} (${deviceId}), ${state}`, kept, ...fullSentences(security, args.call));
}

/** A room that one was taken out of does not vanish without a word. */
function isShown(room: RoomInfo): boolean {
  return isCurrent(room) || (isRemovedFrom(room) && room.listed);
}

function listRooms(out: Output, rooms: readonly RoomInfo[]): void {
  if (rooms.length === 0 && !out.json) console.log('None.');
  for (const room of rooms) sayRoom(out, room);
}

function listInvitations({ client, args, out }: Session): void {
  const invitations = invitationsOf({ client });
  if (invitations.length === 0) return listRooms(out, []);
  const answers = `Answer with ${args.call} accept NUMBER, or decline NUMBER. A group shows its name when you are in.`;
  const byBot = invitations.some(({ invitedByBot }) => invitedByBot);
  const hints = byBot ? [answers, botExplanation(args.language)] : [answers];
  for (const [at, room] of invitations.entries()) {
    const number = at + 1;
    const isLast = number === invitations.length;
    const line = `${number}  ${room.room}  ${roomTitle(room)}`;
    out.say({ ...describeRoom(room), number }, line, ...(isLast ? hints : []));
  }
}

function sayRoom(out: Output, room: RoomInfo): void {
  out.say(describeRoom(room), roomSentence(room));
}

async function makeGroup({ client, args, out }: Session): Promise<void> {
  const name = args.name || 'Group';
  const room = await client.createGroup({ name, invite: args.rest });
  await client.flushed(args.timeoutMs);
  sayRoom(out, client.room(room));
}

async function listMembers({ client, args, out }: Session): Promise<void> {
  const { room } = await awaitRoom({ client, args }, need(args, 0, 'a room'));
  const statuses = ['', 'invited', 'joined', 'left', 'declined', 'removed', 'banned', 'suspended'];
  for (const member of client.members(room)) {
    const status = statuses[member.status] ?? '';
    const role = roleWords[member.role] ?? '';
    const bot = member.bot ? '  a bot' : '';
    const doubt = member.contradicts ? '  CONTRADICTS what this device holds' : '';
    const who = `${member.user || '(forgotten)'}${member.name === '' ? '' : `  ${member.name}`}`;
    const marks = `${bot}${identityMark(member)}${doubt}`;
    out.say({ type: 'member', room, ...member, status, role }, `${who}  ${role}  ${status}${marks}`);
  }
}

async function history({ client, args, out }: Session): Promise<void> {
  const { room } = await awaitRoom({ client, args }, need(args, 0, 'a room'));
  const lines = datedLines(Date.now(), () => besides(client));
  await client.security.restored(room);
  for (const item of await client.timeline(room, { limit: args.limit })) out.say(describeItem(item), ...lines(item));
}

async function tail({ client, args, out }: Session): Promise<void> {
  const room = args.rest[0] === undefined ? undefined : (await awaitRoom({ client, args }, args.rest[0])).room;
  const lines = datedLines(Date.now(), () => besides(client));
  let last = room;
  client.on('item', (item) => {
    if (room !== undefined && item.room !== room) return;
    const title = item.room === last ? [] : [`----- ${roomTitle(client.room(item.room))} -----`];
    last = item.room;
    out.say(describeItem(item), ...title, ...lines(item));
  });
  client.on('invitation', (info) => {
    const about = info.invitedByBot ? [botExplanation(args.language)] : [];
    out.say({ ...describeRoom(info), type: 'invitation' }, `Invitation: ${roomSentence(info)}`, ...about);
  });
  onNewAlarm(client, (alarm) => out.say({ type: 'alarm', ...alarm }, alarmSentence(alarm, args.call)));
  client.on('receipt', (receipt) => out.say({ type: 'receipt', ...receipt }));
  client.on('connection', (state) => out.say({ type: 'connection', state }));
  await client.synced();
  out.say({ type: 'synced' });
  await new Promise<void>((resolve, reject) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
    client.on('ended', reject);
  });
}

async function block({ client, args, out }: Session): Promise<void> {
  need(args, 0, 'a Luxchat-ID');
  const { user } = client.readContact(args.rest.join(' '));
  await client.block(user);
  const what = 'You hear nothing of them any more: no invitations, no 1:1 room, and in groups not what they say.';
  out.say({ type: 'done', user }, `Blocked: ${user}. ${what} They are told nothing.`);
}

async function unblock({ client, args, out }: Session): Promise<void> {
  need(args, 0, 'a Luxchat-ID');
  const { user } = client.readContact(args.rest.join(' '));
  await client.unblock(user);
  out.say({ type: 'done', user }, `Blocked no more: ${user}. What they wrote meanwhile is not shown.`);
}

async function listBlocked({ client, out }: Session): Promise<void> {
  const users = client.blocked();
  if (users.length === 0 && !out.json) console.log('You block nobody.');
  for (const user of users) out.say({ type: 'blocked', user }, user);
}

async function report(session: Session): Promise<void> {
  const { client, args, out } = session;
  const { room } = await awaitRoom(session, need(args, 0, 'a room'));
  const id = await messageAt(session, room, need(args, 1, "a message's number or id"));
  try {
    await client.report(room, id, args.rest.slice(2).join(' '));
  } catch (cause) {
    if (!(cause instanceof ClientError) || cause.rejection !== Rejection.REJECTION_NOT_FOUND) throw cause;
    throw new ClientError(
      'UNKNOWN',
      'The server has this message no more, so nobody there could check it: it was deleted, its time is over, or who wrote it erased their account.',
      { cause },
    );
  }
  const what = 'They see this one message as it was sent, and nothing else of the room. Nobody in it is told.';
  out.say({ type: 'done', room, id }, `Reported to the people of your provider. ${what}`);
}
