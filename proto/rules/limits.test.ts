// Every limit of the protocol at n and at n + 1. Those that the rules hold themselves are tried here; of the others the test stands beside the actor
// that holds them, and is named. A limit without a case does not compile.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Rejection } from '../gen/codes.ts';
import {
  Algorithm,
  ControlKind,
  Emptying,
  EmptyingCause,
  EventHeader,
  EventKind,
  Role,
  SlotWrite,
} from '../gen/record.ts';
import { makeActor, signManifest, testPrimitives } from '../golden/cast.ts';
import { groupPolicy, Story } from '../golden/story.ts';
import { concatBytes, noBytes, utf8Bytes, zeroHash } from './bytes/bytes.ts';
import { FrameError, framedBytes, joinFrames, splitFrames, writeFrame } from './bytes/frames.ts';
import { parseJsonObject } from './bytes/json.ts';
import { decodeControl } from './control/entry.ts';
import { type Member, MemberTable } from './control/member-table.ts';
import type { ControlState } from './control/state.ts';
import { checkManifest } from './identity/manifest.ts';
import { isDeviceId, isProvider, isUserId } from './ids.ts';
import { limits } from './limits.ts';
import { decodeEmptying } from './record/emptying.ts';
import { checkBody, decodeHeader } from './record/event.ts';
import { isWrittenApart } from './record/payload.ts';
import { openStay } from './record/reading.ts';
import { checkSlotWrite, decodeSlotWrite, receiptSlot } from './record/slots.ts';

type Limit = keyof typeof limits;
/** What comes of exactly so much, in a word: `fine`, a code or a fault. */
type Try = (n: number) => string;
/** The word for n, and for one step over. */
interface Case {
  readonly at: Try;
  readonly over: string;
  /** Where the limit is a least one, one step over it is one less. */
  readonly least?: true;
}
/** The test beside the actor that holds the limit: file and title. */
type Elsewhere = readonly [file: string, title: string];

const ada = makeActor('@ada:alpha.lu');
const ben = makeActor('@ben:alpha.lu');
const story = Story.group(ada);
story.know(2, ben);
const state = story.state as ControlState;

const codes = new Map<number, string>(Object.entries(Rejection).map(([name, code]) => [code, name.slice(10)]));
/** Decoded or null = fine; a code by its name. */
const word = (result: unknown): string => (typeof result === 'number' ? (codes.get(result) ?? '?') : 'fine');
const fault = (result: unknown): string => (typeof result === 'string' ? result : 'fine');
const yes = (good: boolean, otherwise: string): string => (good ? 'fine' : otherwise);
const thrown = (attempt: () => unknown): string => {
  try {
    attempt();
    return 'fine';
  } catch (error) {
    if (error instanceof FrameError) return error.fault;
    throw error;
  }
};

/** The bytes of a message, filled up with a field of a later version to this length. */
function filled(bytes: Uint8Array, length: number): Uint8Array {
  const filler = length - bytes.length - 4;
  const field = Uint8Array.of(0xc2, 0x3e, (filler & 0x7f) | 0x80, filler >>> 7);
  return concatBytes(bytes, field, new Uint8Array(filler));
}

const header = EventHeader.encode({
  ...EventHeader.decode(noBytes),
  room: story.room,
  member: 1,
  device: 1,
  sendId: 1,
  bodyHash: zeroHash,
}).finish();
const megolm = Algorithm.ALGORITHM_MEGOLM_V1;
const write = (change: Partial<SlotWrite>): SlotWrite => ({
  slot: 'name',
  version: 1,
  algorithm: megolm,
  value: noBytes,
  ...change,
});
const receiptWriter = { state, member: 1, ordered: false, heldVersion: 7 };
const emptying = (change: Partial<Emptying>): Uint8Array => {
  const cause = EmptyingCause.EMPTYING_CAUSE_AUTHOR;
  return Emptying.encode({ ...Emptying.decode(noBytes), cause, seqs: [1], ...change }).finish();
};
const count = <T>(n: number, make: (at: number) => T): T[] => Array.from({ length: n }, (_, at) => make(at));
const bodyOf = (kind: EventKind): Try => {
  return (n) => {
    const body = new Uint8Array(n);
    const said = { ...EventHeader.decode(header), kind, bodySize: n, bodyHash: testPrimitives.sha256(body) };
    return word(checkBody(said, body, testPrimitives));
  };
};

/** Ben is invited into a room that stands otherwise like this. */
function inviteInto(change: Partial<ControlState>): string {
  const there = story.fork();
  const before = { ...state, ...change };
  there.state = before;
  const target = before.members.size + 1;
  const wish = { kind: ControlKind.CONTROL_KIND_INVITE, target, role: Role.ROLE_MEMBER, person: ben.commitment };
  return there.attempt(1, wish) ?? 'fine';
}

function tableOf(size: number): MemberTable {
  const first = state.members.get(1) as Member;
  let table = MemberTable.empty;
  for (let number = 1; number <= size; number++)
    table = table.put({ ...first, number, person: number === 1 ? first.person : zeroHash });
  return table;
}

function policyOf(membersMax: number): string {
  const wish = { kind: ControlKind.CONTROL_KIND_POLICY, policy: { ...groupPolicy, membersMax } };
  return story.fork().attempt(1, wish) ?? 'fine';
}

/** A message of exactly so many bytes, in frames as large as they may be. */
function messageOf(bytes: number): Uint8Array {
  const message = new Uint8Array(bytes);
  const whole = framedBytes(limits.frameBytesMax);
  let at = 0;
  while (bytes - at > whole) at = writeFrame(message, at, new Uint8Array(limits.frameBytesMax));
  writeFrame(message, at, new Uint8Array(bytes - at - 3));
  return message;
}

const manifest = signManifest(ada, { version: 1, devices: [1] });
const manifestOf = (signed: Uint8Array): string =>
  fault(checkManifest({ ...manifest, signed }, ada.user, testPrimitives)).replace('BAD_SIGNATURE', 'fine');

const here = {
  frameBytesMax: { at: (n) => thrown(() => joinFrames([new Uint8Array(n)])), over: 'TOO_LARGE' },
  messageBytesMax: { at: (n) => thrown(() => splitFrames(messageOf(n))), over: 'TOO_LARGE' },
  messageFramesMax: { at: (n) => thrown(() => splitFrames(new Uint8Array(2 * n).fill(1))), over: 'MALFORMED' },
  headerBytesMax: { at: (n) => word(decodeHeader(filled(header, n))), over: 'TOO_LARGE' },
  bodyBytesMax: { at: bodyOf(EventKind.EVENT_KIND_CONTENT), over: 'TOO_LARGE' },
  controlBytesMax: {
    at: (n) => fault(decodeControl({ ...invitation(), signed: filled(invitation().signed, n) })),
    over: 'MALFORMED',
  },
  controlEntryBytesMax: { at: bodyOf(EventKind.EVENT_KIND_CONTROL), over: 'TOO_LARGE' },
  slotValueBytesMax: {
    at: (n) => word(decodeSlotWrite(SlotWrite.encode(write({ value: new Uint8Array(n) })).finish())),
    over: 'TOO_LARGE',
  },
  slotWriteBytesMax: {
    at: (n) => word(decodeSlotWrite(filled(SlotWrite.encode(write({})).finish(), n))),
    over: 'TOO_LARGE',
  },
  slotVersionStepMax: {
    at: (n) => word(checkSlotWrite(write({ slot: receiptSlot(1), version: 7 + n }), receiptWriter)),
    over: 'BAD_EVENT',
  },
  emptyingBytesMax: { at: (n) => word(decodeEmptying(filled(emptying({}), n))), over: 'TOO_LARGE' },
  emptyingSeqsMax: { at: (n) => word(decodeEmptying(emptying({ seqs: count(n, (at) => at + 1) }))), over: 'BAD_EVENT' },
  emptyingBlobsMax: { at: (n) => word(decodeEmptying(emptying({ blobs: count(n, String) }))), over: 'BAD_EVENT' },
  blobIdCharactersMax: { at: (n) => word(decodeEmptying(emptying({ blobs: ['b'.repeat(n)] }))), over: 'BAD_EVENT' },
  writtenApartMs: { at: (n) => yes(!isWrittenApart(1_000 + n, 1_000), 'apart'), over: 'apart' },
  membersMax: { at: policyOf, over: 'BAD_POLICY' },
  membersMaxDefault: { at: (n) => inviteInto({ counted: n - 1 }), over: 'MEMBERS_FULL' },
  membersMaxLeast: { at: policyOf, over: 'BAD_POLICY', least: true },
  memberNumberMax: { at: (n) => inviteInto({ members: tableOf(n - 1), counted: 1 }), over: 'MEMBERS_FULL' },
  staysMax: {
    at: (n) => {
      const past = count(n - 1, (at) => ({ from: 2 * at + 1, through: 2 * at + 1 }));
      return yes(openStay(past, 2 * n, { fromStart: false })[0]?.from === 1, 'forgotten');
    },
    over: 'forgotten',
  },
  receiptMembersMax: {
    at: (n) => {
      const writer = { ...receiptWriter, state: { ...state, joined: n } };
      return word(checkSlotWrite(write({ slot: receiptSlot(1), version: 8 }), writer));
    },
    over: 'UNSUPPORTED',
  },
  devicesMax: {
    at: (n) =>
      fault(
        checkManifest(signManifest(ada, { version: 1, devices: count(n, (at) => at + 1) }), ada.user, testPrimitives),
      ),
    over: 'MALFORMED',
  },
  manifestBytesMax: { at: (n) => manifestOf(filled(manifest.signed, n)), over: 'MALFORMED' },
  keyJsonBytesMax: {
    at: (n) => yes(parseJsonObject(utf8Bytes(`{}${' '.repeat(n - 2)}`)) !== null, 'null'),
    over: 'null',
  },
  keyJsonDepthMax: {
    at: (n) => yes(parseJsonObject(utf8Bytes(`{"a":${'['.repeat(n - 1)}${']'.repeat(n - 1)}}`)) !== null, 'null'),
    over: 'null',
  },
  providerCharactersMax: { at: (n) => yes(isProvider(`a.${'b'.repeat(n - 2)}`), 'none'), over: 'none' },
  userNameCharactersMax: { at: (n) => yes(isUserId(`@${'a'.repeat(n)}:x`), 'none'), over: 'none' },
  deviceIdCharactersMax: { at: (n) => yes(isDeviceId('A'.repeat(n)), 'none'), over: 'none' },
} as const satisfies { readonly [limit in Limit]?: Case };

const elsewhere: { readonly [limit in Exclude<Limit, keyof typeof here>]: Elsewhere } = {
  requestsMax: ['actors/session/session.test.ts', 'lets 64 requests wait and not one more'],
  accessTokenBytesMax: ['actors/session/session.test.ts', 'bounds what a hello says'],
  clientNameCharactersMax: ['actors/session/session.test.ts', 'bounds what a hello says'],
  sendIdsKept: ['actors/room/state/send-ids.test.ts', 'remember the last 128 of %i and call the rest old'],
  controlBurst: ['actors/room/state/control-budget.test.ts', 'is 1,024 at once and one more every 20 seconds'],
  controlEveryMs: ['actors/room/state/control-budget.test.ts', 'is 1,024 at once and one more every 20 seconds'],
  receiptIntervalMs: ['actors/room/members/receipts.test.ts', 'comes at most every five seconds a member'],
  ephemeralIntervalMs: ['actors/room/covering/cover.test.ts', 'at most once a second a member'],
  roomsMax: ['actors/user/room-limits.test.ts', 'at 1,000 rooms that the user may enter no more'],
  botRoomsMax: ['actors/user/room-limits.test.ts', 'lets a bot be in 10,000 rooms'],
  roomPageMax: ['actors/user/rooms.test.ts', 'comes in pages of 64 rooms that fit a frame'],
  subscribeRoomsMax: ['actors/session/subscribe.test.ts', 'takes 1 to 160 well-formed rooms a request'],
  subscriptionsMax: ['actors/session/subscribe.test.ts', 'takes 1,000 rooms in all'],
  recordPageMax: ['actors/room/reading/fetch.test.ts', 'holds 100 records unless told, 200 at most'],
  recordPageDefault: ['actors/room/reading/fetch.test.ts', 'holds 100 records unless told, 200 at most'],
  controlPageMax: [
    'actors/room/reading/read-room.test.ts',
    'lets a device derive the very state of the hub, page by page',
  ],
  inboxPageMax: ['actors/user/inbox.test.ts', 'gives no more than 200 entries, 100 where nothing is said'],
  inboxPageDefault: ['actors/user/inbox.test.ts', 'gives no more than 200 entries, 100 where nothing is said'],
  deviceIdleDays: ['src/server/auth/devices.test.ts', 'that was not heard of for twelve months gives up its place'],
  deviceWarnDays: ['src/client/devices/devices.test.ts', 'is said thirty days before, and not earlier'],
  deviceNameCharactersMax: ['actors/user/user.test.ts', 'renames with 1 to 64 characters'],
  signaturesBytesMax: ['actors/user/manifest.test.ts', 'get their signatures in an upload of at most 32 KiB'],
  oneTimeKeysMax: ['actors/user/keys.test.ts', 'are kept up to 100; an upload that would pass it keeps nothing'],
  oneTimeKeyBytesMax: ['actors/user/keys.test.ts', 'have an id of their algorithm and at most 1 KiB'],
  keyIdCharactersMax: ['actors/user/keys.test.ts', 'have an id of their algorithm and at most 1 KiB'],
  queryUsersMax: ['actors/session/routes.test.ts', 'is bounded in how many it names'],
  claimTargetsMax: ['actors/session/routes.test.ts', 'is bounded in how many it names'],
  manifestPageMax: ['actors/user/manifest.test.ts', 'is shown with at most 16 of those before'],
  deviceMessageBytesMax: ['actors/user/inbox.test.ts', 'is 48 KiB at most'],
  deviceMessagesMax: ['actors/session/routes.test.ts', 'is bounded in how many it names'],
  deviceMessageTypeCharactersMax: ['actors/user/inbox.test.ts', 'is refused at its limits, by position'],
  deviceMessageIdBytesMax: ['actors/user/inbox.test.ts', 'is refused at its limits, by position'],
  deviceMessageIdsKept: ['actors/user/state/state.test.ts', 'are known by 128 ids each'],
  laneEntriesMax: [
    'actors/user/inbox.test.ts',
    'hold 256 of one sender for a device; beyond, LANE_FULL and a full sync',
  ],
  blockedMax: ['actors/user/blocks.test.ts', 'are 1,000 at most'],
  reportBytesMax: ['actors/session/consent.test.ts', 'has a shape'],
  reportReasonCharactersMax: ['actors/session/consent.test.ts', 'has a shape'],
  reportsMax: ['src/server/report/reports.test.ts', 'is one of 20 in 24 hours'],
  backupHeaderBytesMax: ['actors/session/backups.test.ts', 'bounds its header at 16 KiB'],
  backupEntryBytesMax: ['actors/session/backups.test.ts', 'bounds each entry at 8 KiB'],
  backupSessionCharactersMax: ['actors/session/backups.test.ts', 'wants ids of sessions of 1 to 64 characters'],
  backupPutEntriesMax: ['actors/session/backups.test.ts', 'takes 1 to 100 entries'],
  backupPageMax: ['src/server/backup/backups.test.ts', 'holds 100 entries at most, as many as fit a frame'],
  backupEntriesMax: ['src/server/backup/backups.test.ts', 'holds 50,000 entries and not one more'],
  backupBytesMax: ['src/server/backup/backups.test.ts', 'holds 64 MiB and not one byte more'],
  backupFetchesMax: ['src/server/backup/backups.test.ts', 'is opened five times an hour'],
  listingNameCharactersMax: ['proto/rules/directory.test.ts', 'has 1 to 64 characters, three of them letters'],
  listingLettersLeast: ['proto/rules/directory.test.ts', 'has 1 to 64 characters, three of them letters'],
  listingNamesMax: ['src/server/directory/directory.test.ts', 'takes ten names in ten days and not one more'],
  searchCharactersMax: ['proto/rules/directory.test.ts', 'leaves three letters or digits when it is folded, of 64'],
  searchHitsMax: ['src/server/storage/directory.contract.ts', 'finds ten and not one more'],
  inboxDays: ['actors/user/inbox.test.ts', 'live 30 days'],
};

describe('a limit that the rules hold', () => {
  it.each(Object.entries(here) as [keyof typeof here, Case][])('%s', (limit, { at, over, least }) => {
    const n = limits[limit];
    expect([at(n), at(least === true ? n - 1 : n + 1)]).toEqual(['fine', over]);
  });
});

describe('a limit that an actor holds', () => {
  it.each(Object.entries(elsewhere))('%s', (_limit, [file, title]) => {
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
    // As the title of a test, which no comment is; that none is skipped is for `scripts/tests.test.ts`.
    const titles = text.split('\n').filter((line) => /^ *(?:it(?:\.each\(.*\))?|\]\))\(/.test(line));
    expect([file, title, titles.some((line) => line.includes(title))]).toEqual([file, title, true]);
  });
});

function invitation() {
  return story.sign(1, {
    kind: ControlKind.CONTROL_KIND_INVITE,
    target: 2,
    role: Role.ROLE_MEMBER,
    person: ben.commitment,
  });
}
