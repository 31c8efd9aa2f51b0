// An export over a provider and rooms that are stood in for: what is in it, how much of it is in memory, and what is said of what is not in it.
import { unzipSync } from 'fflate';
import { beforeEach, expect, it } from 'vitest';
import { ListingChoice } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import type { LocalRecord } from '#proto/gen/local.ts';
import { Algorithm, EventHeader, EventKind, MemberStatus, Role, Stamp } from '#proto/gen/record.ts';
import { ClientError } from '../errors.ts';
import type { RoomReplica } from '../room/room.ts';
import { rowsOf } from '../room/room-rows.ts';
import { textContent } from '../sending/text-content.ts';
import type { Notice, TimelineItem } from '../shown.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { type ExportProgress, exportAccount } from './export.ts';
import { textLine } from './export-files.ts';

const user = '@ada:localhost';
const none = new Uint8Array();
const hash = new Uint8Array(32).fill(0xab);
const at = Date.UTC(2026, 10, 30, 12);

let store: MemoryStore;
let asked: string[];
/** What the provider has not, or refuses. */
let refused: Map<string, Rejection>;
/** What people want to be called. */
let names: Map<string, string>;
beforeEach(() => {
  store = new MemoryStore();
  asked = [];
  refused = new Map();
  names = new Map();
});

const standing = { room: '!a', member: 1, role: Role.ROLE_OWNER, status: MemberStatus.MEMBER_STATUS_JOINED };
const answers: Readonly<Record<string, (value: { after?: string }) => object>> = {
  readAccount: ({ after }) =>
    after === ''
      ? { facts, standings: [{ standing, sinceMs: 5 }], next: '!a' }
      : { facts: undefined, standings: [{ standing: { ...standing, room: '!b' }, sinceMs: 6 }], next: '' },
  listDevices: () => ({ devices: [{ device: 1, deviceId: 'A', name: 'phone', lastSeenDay: 20_000, current: true }] }),
  queryKeys: () => ({ users: [{ user, masterJson: new TextEncoder().encode('{"k":1}'), devices: [] }] }),
  readListing: () => ({ choice: ListingChoice.LISTING_CHOICE_YES, name: 'Ada' }),
  checkBackup: () => ({ version: 2, entries: 9, lastVersion: 2, hash, header: none }),
  listBlocks: () => ({ blocks: [{ user: '@eve:localhost', spans: [{ sinceMs: 1, untilMs: 0 }] }], next: '' }),
};
const facts = {
  ...{ createdMs: 7, removedDevices: [2], manifest: { version: 3, hash }, inboxHead: 9, inboxFloor: 1 },
  ...{ cursors: [{ device: 1, cursor: 8, waiting: 1, needsFullSync: false }], senders: [], limits: [] },
};
async function request({ $case, value }: { $case: string; value: { after?: string } }): Promise<object> {
  asked.push($case);
  const rejection = refused.get($case);
  if (rejection !== undefined) throw new ClientError('REJECTED', 'no', { rejection });
  return answers[$case]!(value);
}

async function say(room: string, n: number, text: string): Promise<void> {
  const { EVENT_KIND_CONTENT: kind } = EventKind;
  const place = { room, member: 1, device: 1, sendId: n, kind, algorithm: Algorithm.ALGORITHM_MEGOLM_V1, counts: true };
  const header = { ...place, bodySize: 0, bodyHash: hash, control: undefined, expiryDay: 0, commitment: hash };
  const stamp = { incarnation: 1, seq: n, acceptedMs: at + n * 60_000, count: n, previousHash: hash };
  const record = { stamp: Stamp.encode(stamp).finish(), header: EventHeader.encode(header).finish(), body: none };
  const row: LocalRecord = {
    ...{ record: { ...record, emptiedBy: 0 }, content: textContent(text), trouble: '', tries: 1 },
    ...{ writtenMs: 0, contradicts: '', unproven: false, afterMs: 0 },
  };
  await store.write(rowsOf(room, row));
}

function roomOf(room: string, { name = '', readableFrom = 1 } = {}): RoomReplica {
  const info = { room, name, topic: '', direct: name === '', members: ['@bob:localhost'], status: 2, role: 4 };
  const folding = { room, user, device: 1, person: () => user, moderates: () => false };
  const parts = { store, live: () => false, count: () => {} };
  const replica = {
    ...{ room, folding, info: () => info, local: { lowSeq: 1, readableFrom }, joined: true },
    members: () => [{ user }, { user: '@bob:localhost' }, { user: '' }],
    ports: { parts, outbox: { localId: () => undefined } },
  };
  return replica as unknown as RoomReplica;
}

async function exported(rooms: readonly RoomReplica[], options: Parameters<typeof exportAccount>[1] = {}) {
  const pieces: Uint8Array[] = [];
  const profiles = {
    info: (of: string) => ({ name: names.get(of) ?? '', picture: of === user }),
    picture: async (of: string) => (of === user ? Uint8Array.of(1, 2, 3) : undefined),
    heard: () => undefined,
  };
  const parts = () => ({ request: request as never, user, now: () => at, profiles });
  for await (const piece of exportAccount({ parts, rooms: () => rooms }, options)) pieces.push(piece);
  const zip = unzipSync(new Uint8Array(Buffer.concat(pieces)));
  const text = (name: string) => new TextDecoder().decode(zip[name]);
  const whole = Buffer.concat(pieces);
  /** Where a file begins: with a header of 30 bytes before its name. */
  const startOf = (name: string) => whole.indexOf(name) - 30;
  return { names: Object.keys(zip), text, startOf, json: (name: string) => JSON.parse(text(name)) };
}

it('holds what the provider keeps, every page of it, with names for numbers', async () => {
  const { json, names } = await exported([]);
  expect(names).toEqual(['README.txt', 'record.json', 'rooms.json', 'people.jsonl']);
  expect(json('record.json')).toMatchObject({
    ...{ format: 1, user, atMs: at, createdMs: 7, removedDevices: [2] },
    devices: [{ device: 1, deviceId: 'A', name: 'phone', lastSeenDay: 20_000, inbox: { cursor: 8, waiting: 1 } }],
    publicKeys: { master: { k: 1 }, listOfDevices: { version: 3, hash: 'ab'.repeat(32) } },
    listing: { choice: 'LISTING_CHOICE_YES', name: 'Ada' },
    backup: { version: 2, entries: 9 },
    blocks: [{ user: '@eve:localhost', spans: [{ sinceMs: 1, untilMs: 0 }] }],
    rooms: [
      { room: '!a', role: 'ROLE_OWNER', status: 'MEMBER_STATUS_JOINED', sinceMs: 5 },
      { room: '!b', sinceMs: 6 },
    ],
  });
});

it('says null of what the provider does not have, and fails where it does not answer', async () => {
  refused.set('readListing', Rejection.REJECTION_UNSUPPORTED).set('checkBackup', Rejection.REJECTION_UNSUPPORTED);
  expect((await exported([])).json('record.json')).toMatchObject({ listing: null, backup: null });
  refused.set('listBlocks', Rejection.REJECTION_UNAVAILABLE);
  await expect(exported([])).rejects.toMatchObject({ rejection: Rejection.REJECTION_UNAVAILABLE });
});

it('holds every line of every room, oldest first, for programs and for people', async () => {
  for (let n = 1; n <= 250; n++) await say('!a', n, `line ${n}`);
  await say('!b', 1, 'first\nsecond \u001b[31mred\u202e');
  const heard: ExportProgress[] = [];
  const onProgress = (progress: ExportProgress) => heard.push(progress);
  const { names, text, json } = await exported([roomOf('!a', { name: '../../up' }), roomOf('!b')], { onProgress });
  expect(names.slice(2, 6)).toEqual(['rooms/0001.jsonl', 'rooms/0001.txt', 'rooms/0002.jsonl', 'rooms/0002.txt']);
  const lines = text('rooms/0001.jsonl')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map(({ seq }) => seq)).toEqual(Array.from({ length: 250 }, (_, n) => n + 1));
  expect(lines[4]).toEqual({
    ...{ id: '1.1.5', seq: 5, at: at + 300_000, sender: user, device: 1, own: true, kind: 'message' },
    content: { type: 'text', value: { text: 'line 5' } },
  });
  expect(text('rooms/0001.txt').split('\n')[4]).toBe(`2026-11-30 12:05  ${user}: line 5`);
  expect(text('rooms/0002.txt')).toBe(`2026-11-30 12:01  ${user}: first\n    second \uFFFD[31mred\uFFFD\n`);
  expect(json('rooms.json')).toMatchObject([
    { room: '!a', file: '0001', name: '../../up', lines: 250, complete: true, role: 'ROLE_OWNER' },
    { room: '!b', file: '0002', lines: 1, complete: true, direct: true },
  ]);
  expect(heard.at(-1)).toEqual({ rooms: 2, roomsDone: 2, lines: 251, incomplete: 0 });
  for (const name of ['record.json', 'rooms.json', 'rooms/N.jsonl', 'rooms/N.txt'])
    expect(text('README.txt')).toContain(name);
});

// Names of people stood nowhere in it, one's own included.
it('holds what people want to be called, and says what happened in words', async () => {
  const bob = '@bob:localhost';
  names.set(user, 'Ada').set(bob, 'Bob\u001b[31m');
  await say('!a', 1, 'Moien');
  const { text } = await exported([roomOf('!a')]);
  expect(text('rooms/0001.txt')).toBe(`2026-11-30 12:01  Ada (${user}): Moien\n`);
  const people = text('people.jsonl').trimEnd().split('\n');
  expect(people.map((line) => JSON.parse(line))).toEqual([
    { user, name: 'Ada', picture: 'AQID' },
    { user: bob, name: 'Bob\u001b[31m' },
  ]);
  const happened = (what: Notice['what'], target: string, slot?: string, more: Partial<Notice> = {}) => {
    const notice = { what, actor: user, target, ...(slot ? { slot } : {}), ...more };
    const item = { kind: 'notice', at, sender: user, notice, reactions: new Map() } as unknown as TimelineItem;
    return textLine(item, (of) => names.get(of) ?? '').slice(18);
  };
  expect(happened('slot', '', 'name')).toBe(`Ada (${user}): * set the name\n`);
  expect(happened('slot', '', 'name', { text: 'Hiking' })).toBe(`Ada (${user}): * set the name: Hiking\n`);
  expect(happened('role', bob, undefined, { role: 2 })).toMatch(/changed the role of Bob.* to moderator\n$/);
  expect(happened('removed', bob)).toBe(`Ada (${user}): * removed Bob\uFFFD[31m (${bob})\n`);
  expect(happened('joined', user)).toBe(`Ada (${user}): * came in\n`);
  expect(text('README.txt')).toContain('people.jsonl');
});

// The picture was not there, and nothing said that there was one.
it('says of whom the picture is left out, from the first byte above the bound on', async () => {
  const people = ({ text }: Awaited<ReturnType<typeof exported>>) =>
    text('people.jsonl')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  const bob = { user: '@bob:localhost' };
  const before = await exported([roomOf('!a')]);
  // What stands in the zip when the first person's turn comes.
  const bytes = before.startOf('people.jsonl');
  expect(people(await exported([roomOf('!a')], { bytesMax: bytes + 1 }))).toEqual([{ user, picture: 'AQID' }, bob]);
  const cut = await exported([roomOf('!a')], { bytesMax: bytes });
  expect(people(cut)).toEqual([{ user, complete: false }, bob]);
  expect(cut.text('README.txt')).toMatch(/"complete": false where there is a picture/);
});

it('says which rooms are not whole: older lines could not be had', async () => {
  await say('!a', 1, 'newest');
  const replica = roomOf('!a', { readableFrom: 0 });
  Object.assign(replica.local, { lowSeq: 5, readableFrom: 1 });
  const { json } = await exported([replica]);
  expect(json('rooms.json')).toMatchObject([{ lines: 1, complete: false }]);
});

it('takes no lines in above so many bytes, and says where', async () => {
  for (let n = 1; n <= 250; n++)
    await say('!a', n, Buffer.from(crypto.getRandomValues(new Uint8Array(600))).toString('base64'));
  await say('!b', 1, 'later');
  const rooms = [roomOf('!a'), roomOf('!b')];
  const { json } = await exported(rooms, { bytesMax: 60_000 });
  const [first, second] = json('rooms.json');
  expect(first).toMatchObject({ complete: false });
  expect(first.lines).toBeLessThan(250);
  expect(first.lines).toBeGreaterThan(0);
  expect(second).toMatchObject({ lines: 0, complete: false });
  expect((await exported(rooms, { bytesMax: 10_000_000 })).json('rooms.json')).toMatchObject([
    { lines: 250, complete: true },
    { lines: 1, complete: true },
  ]);
});
