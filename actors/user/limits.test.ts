// Every limit of a user actor at n and at n + 1: here, or named with the test beside the idea that holds it. A limit without a case does not compile.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { DeliveryReport, InboxPage, KeysAnswer } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { InboxEntry } from '#proto/gen/record.ts';
import { bytesOf, makeActor, testPrimitives } from '#proto/golden/cast.ts';
import { roomAddress } from '../kernel/address.ts';
import { userLimits } from './limits.ts';
import { Buckets } from './state/buckets.ts';
import { noteMet } from './strangers.ts';
import { Street } from './testing/street.ts';
import type { Turn } from './turn.ts';

/** File and title of the test. */
type Elsewhere = readonly [file: string, title: string];

const alice = makeActor('@alice:example.org');
const [user, bob] = [alice.user, '@bob:example.org'];
const room = `!g${'a'.repeat(32)}:example.org`;
const asker = { user, device: 1 };

function street(): Street {
  const made = new Street(testPrimitives);
  hello(made, user);
  return made;
}

function hello(on: Street, who: string): void {
  on.tell(who, { kind: 'hello', session: 1, device: 1, deviceId: 'A', deviceName: 'phone' });
}

/** The first page that a device gets of messages of these sizes, which another device of the user sends it. */
function sendOwn(on: Street, bytes: readonly number[]): InboxPage {
  on.tell(user, { kind: 'hello', session: 2, device: 2, deviceId: 'B', deviceName: 'laptop' });
  const after = on.log(user).rows.length;
  const messages = bytes.map((length, n) => message(user, n, length));
  on.ask({ user, device: 2 }, { $case: 'sendDeviceMessages', value: { room: '', messages } });
  return on.ask(asker, { $case: 'fetchInbox', value: { after, limit: 0 } })!.value as InboxPage;
}

const message = (to: string, n: number, length = 1) => ({
  user: to,
  device: 1,
  type: 't',
  content: new Uint8Array(length),
  id: bytesOf(`${n}`, 8),
});
const moved = (on: Street, who: string) =>
  on.tell(user, { kind: 'manifestMoved', user: who, head: { version: 1, hash: bytesOf('1') } });

const here = {
  waitingTurnsMax() {
    const on = street();
    on.log(user).held = true;
    const ask = () => on.asks(asker, { $case: 'listDevices', value: {} });
    const first = ask();
    for (let n = 1; n < userLimits.waitingTurnsMax; n++) ask();
    const last = ask();
    expect(on.answers.has(first)).toBe(false);
    expect(on.answers.get(last)).toMatchObject({ $case: 'rejected', value: { code: Rejection.REJECTION_BUSY } });
    on.log(user).held = false;
    on.flush(user);
    expect(on.answers.get(first)).toMatchObject({ $case: 'deviceList' });
  },
  pageBytesMax() {
    const large = 40_000;
    const first = sendOwn(street(), [large]).entries.map((entry) => InboxEntry.encode(entry).finish().length + 8);
    const left = userLimits.pageBytesMax - first[0]!;
    // What the second one weighs beside its content, as the first does: its content is short of three bytes of length.
    const around = first[0]! - large;
    expect(sendOwn(street(), [large, left - around]).entries).toHaveLength(2);
    expect(sendOwn(street(), [large, left - around + 1]).entries).toHaveLength(1);
  },
  flushEntries() {
    const on = street();
    const rename = (n: number) => on.ask(asker, { $case: 'renameDevice', value: { device: 1, name: `name ${n}` } });
    for (let n = 1; n < userLimits.flushEntries - 1; n++) rename(n);
    expect([on.log(user).rows.length, on.log(user).state.size]).toEqual([userLimits.flushEntries - 1, 0]);
    rename(0);
    expect(on.log(user).state.size).toBeGreaterThan(0);
  },
  gatherMs() {
    const on = street();
    on.silent.add(roomAddress(room));
    on.asks(asker, { $case: 'queryKeys', value: { room, users: [bob], manifestsAbove: 0 } });
    expect(on.all('startTimer')).toMatchObject([{ delayMs: userLimits.gatherMs }]);
    expect(userLimits.gatherMs).toBe(10_000);
  },
  retryAfterMs() {
    const on = street();
    on.silent.add(roomAddress(room));
    const request = on.asks(asker, { $case: 'sendDeviceMessages', value: { room, messages: [message(bob, 1)] } });
    on.tell(user, { kind: 'timer', name: on.all('startTimer')[0]!.name });
    const report = on.answers.get(request)!.value as DeliveryReport;
    expect(report.undelivered).toMatchObject([{ retryAfterMs: userLimits.retryAfterMs }]);
  },
  noticedMax() {
    const on = street();
    for (let n = 0; n < userLimits.noticedMax; n++) moved(on, `@u${n}:example.org`);
    const rows = () => on.log(user).rows.length;
    const before = rows();
    moved(on, '@u0:example.org');
    expect(rows()).toBe(before);
    moved(on, '@over:example.org');
    moved(on, '@u0:example.org');
    expect(rows()).toBe(before + 2);
  },
  metMax() {
    const met = new Set<string>();
    const meet = (n: number) => noteMet({ desk: { met } } as unknown as Turn, `@u${n}:example.org`);
    for (let n = 0; n < userLimits.metMax; n++) meet(n);
    expect(met.size).toBe(userLimits.metMax);
    meet(userLimits.metMax);
    expect(met.size).toBe(1);
  },
  bucketsMax() {
    const buckets = new Buckets();
    const charge = (n: number, of: string) => buckets.charge('standing', n, { now: 0, of });
    buckets.charge('stranger', 1, { now: 0 });
    for (let n = 1; n < userLimits.bucketsMax; n++) charge(n === 7 ? 1 : 2, `@u${n}:example.org`);
    expect(buckets.toRow(0)).toHaveLength(userLimits.bucketsMax);
    charge(1, '@over:example.org');
    const names = buckets.toRow(0).map(({ name }) => name);
    expect(names).toHaveLength(userLimits.bucketsMax);
    expect(names).not.toContain('standing/@u7:example.org');
    expect(names).toEqual(expect.arrayContaining(['stranger', 'standing/@over:example.org']));
  },
  strangerEveryMs() {
    const on = street();
    const ask = (n: number) =>
      on.ask(asker, { $case: 'queryKeys', value: { room: '', users: [`@g${n}:example.org`], manifestsAbove: 0 } })!;
    for (let n = 0; n < userLimits.strangerBurst; n++) ask(n);
    expect(ask(100)).toMatchObject({ $case: 'rejected', value: { retryAfterMs: userLimits.strangerEveryMs } });
    on.now += userLimits.strangerEveryMs;
    expect((ask(101).value as KeysAnswer).missing).toHaveLength(1);
    expect(ask(102)).toMatchObject({ $case: 'rejected' });
  },
};

const rooms = 'room-limits.test.ts';
const elsewhere: { readonly [Key in Exclude<keyof typeof userLimits, keyof typeof here>]: Elsewhere } = {
  heldMessagesMax: ['user.test.ts', 'holds 256 messages while it opens and refuses the next with BUSY'],
  heldBytesMax: ['user.test.ts', 'holds a mebibyte of requests, and no frame that they came in'],
  waitingEntriesMax: ['inbox.test.ts', 'hold 4,096 in all for those who have more than a few there'],
  waitingQuietMax: ['inbox.test.ts', 'are open to a seventeenth sender when sixteen have filled theirs'],
  waitingHardMax: ['inbox.test.ts', 'are open to a seventeenth sender when sixteen have filled theirs'],
  sendersMax: ['state/state.test.ts', 'are 128; the longest silent makes room'],
  givenAwayMax: ['state/state.test.ts', 'are remembered for 256 keys'],
  removedDevicesMax: ['state/state.test.ts', 'remembers 256 removed devices'],
  manifestsKept: ['state/state.test.ts', 'keeps 64 manifests and lets the row of an older one go'],
  deviceJsonBytesMax: ['keys.test.ts', 'fit in 3 KiB'],
  inviteBurst: ['invited.test.ts', 'are 200 at once, then 200 a day'],
  inviteEveryMs: ['invited.test.ts', 'are 200 at once, then 200 a day'],
  inviteYoungBurst: ['invited.test.ts', 'are 20 at once in its first week, then 20 a day'],
  inviteYoungEveryMs: ['invited.test.ts', 'are 20 at once in its first week, then 20 a day'],
  youngMs: ['invited.test.ts', 'are 20 at once in its first week, then 20 a day'],
  blockSpansMax: ['blocks.test.ts', 'remember the newest 16 times of each'],
  pastBlocksMax: ['blocks.test.ts', 'remember 1,000 who were let in again'],
  invitationsOfOneMax: [rooms, 'keeps 20 invitations of one inviter; a further one displaces the oldest'],
  invitationsMax: [rooms, 'keeps 200 invitations; a further one displaces the oldest of the inviter who has most'],
  formerRoomsMax: [rooms, 'keeps 1,200 former rooms for 30 days, the oldest goes first'],
  formerRoomMs: [rooms, 'keeps 1,200 former rooms for 30 days, the oldest goes first'],
  gathersMax: ['gathers/gather.test.ts', 'are 16 at once; the next is BUSY'],
  roomsToldMax: ['tell-rooms.test.ts', 'goes to 100 rooms at once, the next ones a little later'],
  roomsTickMs: ['tell-rooms.test.ts', 'goes to 100 rooms at once, the next ones a little later'],
  roomsAgainMs: ['tell-rooms.test.ts', 'is told to each room until it confirms, with a wait in between'],
  standingBurst: [rooms, 'is listed and confirmed at once; devices hear of 20 by one of them, then of one a minute'],
  standingEveryMs: [rooms, 'is listed and confirmed at once; devices hear of 20 by one of them, then of one a minute'],
  manifestBurst: ['manifest.test.ts', 'may be published ten times at once, then once a minute'],
  manifestEveryMs: ['manifest.test.ts', 'may be published ten times at once, then once a minute'],
  claimBurst: ['gathers/gather.test.ts', 'is limited for the asker'],
  claimEveryMs: ['gathers/gather.test.ts', 'is limited for the asker'],
  strangerBurst: [
    'gathers/strangers.test.ts',
    'cost one stranger each, 20 at once, known or not; beyond, queries put them off',
  ],
  closingAgainMs: ['closing.test.ts', 'asks login again after a wait, until it has let go'],
  monthGoneDays: ['closing.test.ts', 'is promised what goes when, under a number of its own'],
  textGoneDays: ['closing.test.ts', 'is promised what goes when, under a number of its own'],
  filesGoneDays: ['closing.test.ts', 'is promised what goes when, under a number of its own'],
  newcomerAgainMs: ['newcomers.test.ts', 'is told again until the bot confirms, with a wait in between'],
  oneTimeKeysLow: ['keys.test.ts', 'push a hint when 24 are left, when none is, and when the fallback key goes'],
};

describe('a limit of a user actor holds at n and at n + 1', () => {
  it.each(Object.entries(here))('%s', (_, holds) => holds());

  it.each(Object.entries(elsewhere))('%s, in a test of its own', (_, [file, title]) => {
    const text = readFileSync(new URL(file, import.meta.url), 'utf8');
    expect([file, title, text.includes(title)]).toEqual([file, title, true]);
  });

  it('each of them', () => {
    expect([...Object.keys(here), ...Object.keys(elsewhere)].sort()).toEqual(Object.keys(userLimits).sort());
  });
});
