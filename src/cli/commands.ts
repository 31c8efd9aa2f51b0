// The commands that open the device, do one thing and close it again. Each prints one result, or one line a thing.
import { createInterface } from 'node:readline';
import type { Alarm } from '#client/alarms.ts';
import { ClientError } from '#client/errors.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import type { RoomInfo, TimelineItem } from '#client/shown.ts';
import type { Arguments } from './arguments.ts';
import type { Output } from './output.ts';
import {
  alarmSentence,
  datedLines,
  describeItem,
  describeRoom,
  itemSentence,
  roomSentence,
  roomTitle,
} from './sentences.ts';

const nameMs = 5_000;

/** What a command works with. */
export interface Session {
  readonly client: LuxchatClient;
  readonly args: Arguments;
  readonly out: Output;
}

/** What finding something by a person's word needs. */
export type Named = Pick<Session, 'client' | 'args'>;

/** A command. `live`: waits for the server first. `watches`: shows alarms itself. */
export interface Command {
  readonly live: boolean;
  readonly watches?: boolean;
  readonly run: (session: Session) => Promise<void>;
}

/** The commands by name. */
export const commands: Readonly<Record<string, Command>> = {
  whoami: { live: true, run: whoami },
  identity: { live: true, run: identity },
  rooms: { live: true, run: async (session) => listRooms(session, isCurrent) },
  invitations: { live: true, run: async (session) => listRooms(session, (room) => room.status === 1) },
  start: {
    live: true,
    run: async ({ client, args, out }) =>
      sayRoom(out, client.room(await client.startDirect(need(args, 0, 'a Luxchat-ID')))),
  },
  group: { live: true, run: makeGroup },
  invite: { live: true, run: onRoom(({ client, args }, room) => client.invite(room, need(args, 1, 'a Luxchat-ID'))) },
  accept: { live: true, run: onInvitation((client, room) => client.accept(room), 'You are in') },
  decline: { live: true, run: onInvitation((client, room) => client.decline(room), 'Declined') },
  leave: { live: true, run: onRoom(({ client }, room) => client.leave(room)) },
  remove: { live: true, run: onRoom(({ client, args }, room) => client.remove(room, need(args, 1, 'a Luxchat-ID'))) },
  'go-on': { live: true, run: onRoom(({ client }, room) => client.acknowledgeAlarm(room)) },
  members: { live: true, run: listMembers },
  send: { live: false, run: send },
  edit: { live: true, run: onMessage(({ client, args }, room, id) => client.edit(room, id, text(args, 2))) },
  react: {
    live: true,
    run: onMessage(({ client, args }, room, id) => client.react(room, id, need(args, 2, 'an emoji'))),
  },
  delete: { live: true, run: onMessage(({ client }, room, id) => client.deleteForAll(room, id)) },
  history: { live: true, run: history },
  read: { live: true, run: onRoom(({ client }, room) => client.markRead(room)) },
  receipts: { live: false, run: receipts },
  tail: { live: false, watches: true, run: tail },
  devices: { live: true, run: listDevices },
  'devices-remove': {
    live: true,
    run: removeDevice,
  },
  status: {
    live: true,
    run: async ({ client, out }) => {
      const counters = client.counters();
      out.say(counters, ...Object.entries(counters).map(([name, count]) => `${name}  ${count}`));
    },
  },
};

async function receipts({ client, args, out }: Session): Promise<void> {
  const [word] = args.rest;
  if (word !== undefined && word !== 'on' && word !== 'off')
    throw new ClientError('BAD_ARGUMENT', `${args.call} receipts on, or off; without a word it says how it is.`);
  if (word !== undefined) await client.setReceipts(word === 'on');
  const state = client.receipts ? 'on: others see how far you have read' : 'off: nobody sees what you have read';
  out.say({ type: 'receipts', on: client.receipts }, `receipts are ${state}`);
}

/** Invited or joined: what a person calls their rooms. Those they left or declined are found by their id alone. */
export function isCurrent(room: RoomInfo): boolean {
  return room.status === 1 || room.status === 2;
}

/**
 * The room that a word names: its id; the 1:1 room with this Luxchat-ID; or a unique part of id, name, inviter or member of a current room.
 * Throws UNKNOWN or BAD_ARGUMENT.
 */
export function findRoom({ client, args }: Named, word: string, among: (room: RoomInfo) => boolean = isAny): RoomInfo {
  const rooms = client.rooms().filter(among);
  // A shell takes the ! of an id for something else, so it may be left out.
  const exact = rooms.find((room) => room.room === word || room.room === `!${word}`);
  if (exact) return exact;
  const people = (room: RoomInfo) => [room.invitedBy, ...client.members(room.room).map((member) => member.user)];
  const direct = rooms.find((room) => room.direct && people(room).includes(word));
  if (direct) return direct;
  const named = (room: RoomInfo) => [room.room, room.name, ...people(room)].some((name) => name.includes(word));
  const matching = rooms.filter((room) => isCurrent(room) && named(room));
  if (matching.length === 0)
    throw new ClientError(
      'UNKNOWN',
      `Nothing matches "${word}": see ${args.call} rooms and ${args.call} invitations. The start of an id will do.`,
    );
  if (matching.length === 1) return matching[0] as RoomInfo;
  throw new ClientError('BAD_ARGUMENT', `"${word}" matches ${matching.length} rooms: use the room id.`);
}

/** The same, where a group may be new here: its name comes a moment after it was accepted. Waits for it, five seconds at most, where one has none yet. */
export async function awaitRoom(session: Named, word: string, among?: (room: RoomInfo) => boolean): Promise<RoomInfo> {
  const { client, args } = session;
  const deadline = Date.now() + Math.min(nameMs, args.timeoutMs);
  for (;;) {
    try {
      return findRoom(session, word, among);
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

/** An argument that must be there. Throws BAD_ARGUMENT. */
export function need(args: Arguments, at: number, what: string): string {
  const value = args.rest[at];
  if (value === undefined || value === '')
    throw new ClientError('BAD_ARGUMENT', `${args.command} needs ${what}. See ${args.call} help.`);
  return value;
}

function text(args: Arguments, from: number): string {
  const words = args.rest.slice(from).join(' ');
  if (words === '') throw new ClientError('BAD_ARGUMENT', `${args.command} needs a text. See ${args.call} help.`);
  return words;
}

function isAny(): boolean {
  return true;
}

/** Answers an invitation; rooms that one is in already are not meant. */
function onInvitation(answer: (client: LuxchatClient, room: string) => Promise<void>, done: string) {
  return async ({ client, args, out }: Session) => {
    const found = findRoom({ client, args }, need(args, 0, 'an invitation'), isInvitation);
    await answer(client, found.room);
    const name = found.direct ? '' : ' Its name comes when someone who is in it is there.';
    out.say({ type: 'done', room: found.room }, `${done}: ${found.room}.${done === 'Declined' ? '' : name}`);
  };
}

function isInvitation(room: RoomInfo): boolean {
  return room.status === 1;
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
  const state = confirmed
    ? 'confirmed'
    : `not confirmed yet: run ${args.call} verify here, and verify on a confirmed device`;
  out.say({ type: 'self', user, device, deviceId, confirmed }, user, `device ${device} (${deviceId}), ${state}`);
}

async function identity({ client, args, out }: Session): Promise<void> {
  const user = args.rest[0] ?? client.user;
  const number = await client.fingerprint(user);
  out.say({ type: 'identity', user, number }, `${user}\n${number}`);
}

function listRooms({ client, out }: Session, wanted: (room: RoomInfo) => boolean): void {
  const rooms = client.rooms().filter(wanted);
  if (rooms.length === 0 && !out.json) console.log('None.');
  for (const room of rooms) sayRoom(out, room);
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
  const roles = ['', 'member', 'moderator', 'admin', 'owner'];
  for (const member of client.members(room)) {
    const status = statuses[member.status] ?? '';
    const role = roles[member.role] ?? '';
    const doubt = member.contradicts ? '  CONTRADICTS what this device holds' : '';
    const who = member.user || '(forgotten)';
    out.say({ type: 'member', room, ...member, status, role }, `${who}  ${role}  ${status}${doubt}`);
  }
}

async function send({ client, args, out }: Session): Promise<void> {
  const word = need(args, 0, 'a room');
  if (client.rooms().length === 0) await client.synced();
  const { room } = await awaitRoom({ client, args }, word);
  const sent: string[] = [];
  const accepted = new Map<string, TimelineItem>();
  client.on('item', (item) => {
    if (item.localId && item.sending !== 'waiting') accepted.set(item.localId, item);
  });
  const one = async (line: string) => {
    sent.push((await client.send(room, line)).localId ?? '');
  };
  if (args.rest.length > 1) await one(text(args, 1));
  else for await (const line of createInterface({ input: process.stdin })) if (line !== '') await one(line);
  await client.flushed(args.timeoutMs);
  let failed = 0;
  for (const id of sent) {
    const item = accepted.get(id);
    if (item?.sending === 'failed') failed++;
    if (item) out.say(describeItem(item), itemSentence(item));
  }
  if (failed > 0) throw new ClientError('REJECTED', `${failed} of ${sent.length} messages were refused.`);
  if (accepted.size < sent.length) await explainWaiting({ client, args, out }, client.room(room));
}

/** Why messages wait: with a failure where they will not go out by themselves. */
async function explainWaiting({ client, args, out }: Session, room: RoomInfo): Promise<void> {
  if (room.frozen) throw new ClientError('UNTRUSTED', `Sending here is stopped: ${room.frozen}.`);
  if (!isCurrent(room))
    throw new ClientError('UNKNOWN', 'You are not in this room any more: the message waits, and will not go out.');
  const confirmed = (await client.devices()).find((device) => device.current)?.confirmed;
  if (!confirmed)
    throw new ClientError(
      'NOT_CONFIRMED',
      `This device is not confirmed: the message waits until you ran ${args.call} verify, and verify on a confirmed one.`,
    );
  out.note(
    room.status === 1
      ? 'It waits until you accept the invitation.'
      : 'It waits here until the other person has accepted, and goes out by itself then.',
  );
}

async function history({ client, args, out }: Session): Promise<void> {
  const { room } = await awaitRoom({ client, args }, need(args, 0, 'a room'));
  const lines = datedLines(Date.now());
  for (const item of await client.timeline(room, { limit: args.limit })) out.say(describeItem(item), ...lines(item));
}

async function tail({ client, args, out }: Session): Promise<void> {
  const room = args.rest[0] === undefined ? undefined : (await awaitRoom({ client, args }, args.rest[0])).room;
  const lines = datedLines(Date.now());
  let last = room;
  client.on('item', (item) => {
    if (room !== undefined && item.room !== room) return;
    const title = item.room === last ? [] : [`----- ${roomTitle(client.room(item.room))} -----`];
    last = item.room;
    out.say(describeItem(item), ...title, ...lines(item));
  });
  client.on('invitation', (info) =>
    out.say({ ...describeRoom(info), type: 'invitation' }, `Invitation: ${roomSentence(info)}`),
  );
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

async function removeDevice({ client, args, out }: Session): Promise<void> {
  const device = Number(need(args, 0, 'a device number'));
  if (!Number.isSafeInteger(device) || device < 1)
    throw new ClientError('BAD_ARGUMENT', `A device number is the first in a line of ${args.call} devices.`);
  await client.removeDevice(device);
  out.say({ type: 'done', device }, 'Done.');
}

async function listDevices({ client, out }: Session): Promise<void> {
  for (const device of await client.devices()) {
    const day = new Date(device.lastSeenDay * 86_400_000).toISOString().slice(0, 10);
    const marks = `${device.current ? '  (this one)' : ''}${device.confirmed ? '' : '  not confirmed'}`;
    out.say(
      { type: 'device', ...device },
      `${device.device}  ${device.deviceId}  ${device.name}  last seen ${day}${marks}`,
    );
  }
}
