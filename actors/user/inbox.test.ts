import { beforeEach, describe, expect, it } from 'vitest';
import type { AddressedDeviceMessage, DeliveryReport, InboxPage, Undelivered } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import { testPrimitives } from '#proto/golden/cast.ts';
import { utf8Bytes } from '#proto/rules/bytes/bytes.ts';
import { limits } from '#proto/rules/limits.ts';
import { userLimits } from './limits.ts';
import { Lanes } from './state/lanes.ts';
import { Street } from './testing/street.ts';

const user = '@alice:example.org';
const bob = '@bob:example.org';
const room = `!g${'a'.repeat(32)}:example.org`;

let street: Street;
beforeEach(() => {
  street = new Street(testPrimitives);
  hello(user, 1);
  hello(user, 2);
  hello(bob, 1);
  street.rooms.set(room, [user, bob]);
  ack(1, 2);
  ack(2, 2);
});

function hello(who: string, device: number): void {
  street.tell(who, { kind: 'hello', session: device, device, deviceId: `D${device}`, deviceName: 'phone' });
}

const message = (id: string | number, parts: Partial<AddressedDeviceMessage> = {}): AddressedDeviceMessage => ({
  user,
  device: 1,
  type: 'm.room.encrypted',
  content: utf8Bytes(`content ${id}`),
  id: utf8Bytes(`id ${id}`),
  ...parts,
});
function send(messages: readonly AddressedDeviceMessage[], from = { user: bob, device: 1 }): Undelivered[] {
  const value = { room, messages: [...messages] };
  return (street.ask(from, { $case: 'sendDeviceMessages', value })!.value as DeliveryReport).undelivered;
}
function fetch(device: number, after: number, limit = 0): InboxPage {
  return street.ask({ user, device }, { $case: 'fetchInbox', value: { after, limit } })!.value as InboxPage;
}
function ack(device: number, through: number, synced = false) {
  return street.ask({ user, device }, { $case: 'ackInbox', value: { through, synced } });
}
const contents = (page: InboxPage) =>
  page.entries.map(({ body }) =>
    body?.$case === 'deviceMessage' ? String.fromCharCode(...body.value.content) : body?.$case,
  );

describe('the inbox', () => {
  it('gives each device what is for it, in order, and skips the rest', () => {
    send([message(1), message(2, { device: 2 }), message(3), message(4, { device: 0 })]);
    const page = fetch(1, 2);
    expect(contents(page)).toEqual(['content 1', 'content 3', 'content 4']);
    expect(page.entries.map(({ seq }) => seq)).toEqual([3, 5, 6]);
    expect(page).toMatchObject({ through: 6, head: 6, needsFullSync: false });
    expect(contents(fetch(2, 2))).toEqual(['content 2', 'content 4']);
  });

  it('shows changes of the account without their content', () => {
    const page = fetch(1, 0);
    expect(page.entries).toMatchObject([
      { seq: 1, body: { $case: 'deviceNotice', value: { device: 1, removed: false } } },
      { seq: 2, body: { $case: 'deviceNotice', value: { device: 2, removed: false } } },
    ]);
    expect(JSON.stringify(page.entries)).not.toContain('phone');
  });

  it('cuts pages by count and by bytes and says how far it looked', () => {
    send([message(1), message(2), message(3)]);
    expect(fetch(1, 2, 2)).toMatchObject({ through: 4, head: 5 });
    expect(contents(fetch(1, 4, 2))).toEqual(['content 3']);
    const content = new Uint8Array(limits.deviceMessageBytesMax);
    send([message(4, { content }), message(5, { content })]);
    const large = fetch(1, 5);
    expect(large.entries).toHaveLength(1);
    expect(large.through).toBe(6);
    expect(fetch(1, 6)).toMatchObject({ through: 7, head: 7 });
  });

  it('gives no more than 200 entries, 100 where nothing is said', () => {
    for (let id = 0; id < 201; id++) send([message(id, { device: 0 })]);
    expect(fetch(1, 2).entries).toHaveLength(100);
    expect(fetch(1, 2, 200).entries).toHaveLength(200);
    expect(fetch(1, 2, 201).entries).toHaveLength(200);
    expect(fetch(1, 3, 200)).toMatchObject({ through: 203, head: 203 });
  });

  it('tells all sessions of the user once that it moved', () => {
    street.forget();
    street.log(user).held = true;
    street.asks({ user, device: 2 }, { $case: 'sendDeviceMessages', value: { room, messages: [message(1)] } });
    expect(street.all('deliver')).toEqual([]);
    street.flush(user);
    expect(street.all('deliver')).toMatchObject([{ audience: { user } }]);
  });

  it('does not give a message to all own devices back to its sender', () => {
    expect(send([message(1, { device: 0 })], { user, device: 1 })).toEqual([]);
    expect(contents(fetch(1, 2))).toEqual([]);
    expect(contents(fetch(2, 2))).toEqual(['content 1']);
  });
});

describe('the cursor', () => {
  it('moves forward only, never beyond the head, and is durable before its answer', () => {
    send([message(1), message(2)]);
    expect(ack(1, 5)).toMatchObject({ value: { code: Rejection.REJECTION_BAD_REQUEST } });
    street.log(user).held = true;
    const request = street.asks({ user, device: 1 }, { $case: 'ackInbox', value: { through: 4, synced: false } });
    expect(street.answers.get(request)).toBeUndefined();
    street.flush(user);
    expect(street.answers.get(request)).toMatchObject({ $case: 'done' });
    street.crash(user);
    street.log(user).held = false;
    expect(ack(1, 3)).toMatchObject({ $case: 'done' });
    street.forget();
    hello(user, 1);
    expect(street.all('send').at(-1)?.message).toMatchObject({ body: { value: { inboxCursor: 4, inboxHead: 4 } } });
  });
});

describe('repeats', () => {
  it('are answered and stored once, also after a crash', () => {
    send([message(1), message(1)]);
    send([message(1)]);
    expect(street.log(user).rows).toHaveLength(3);
    street.crash(user);
    expect(send([message(1)])).toEqual([]);
    street.passivate(user);
    expect(send([message(1)])).toEqual([]);
    expect(street.log(user).rows).toHaveLength(3);
  });

  it('are known by sending device and receiver: another one is another message', () => {
    send([message(1), message(1, { device: 2 })]);
    hello(bob, 2);
    send([message(1)], { user: bob, device: 2 });
    expect(street.log(user).rows).toHaveLength(5);
  });

  it('are known for the last 128 of a device', () => {
    const many = (from: number, count: number) => Array.from({ length: count }, (_, i) => message(from + i));
    send(many(0, 128));
    const rows = street.log(user).rows.length;
    send([message(0)]);
    expect(street.log(user).rows).toHaveLength(rows);
    send([message(128)]);
    send([message(0)]);
    expect(street.log(user).rows).toHaveLength(rows + 2);
  });

  it('are answered only once the first one is durable', () => {
    street.log(user).held = true;
    const value = { room, messages: [message(1)] };
    const first = street.asks({ user: bob, device: 1 }, { $case: 'sendDeviceMessages', value });
    const repeat = street.asks({ user: bob, device: 1 }, { $case: 'sendDeviceMessages', value });
    expect(street.answers.get(repeat)).toBeUndefined();
    street.flush(user);
    expect(street.answers.get(first)).toMatchObject({ $case: 'deliveryReport', value: { undelivered: [] } });
    expect(street.answers.get(repeat)).toMatchObject({ $case: 'deliveryReport', value: { undelivered: [] } });
  });
});

describe('lanes', () => {
  it('hold 256 of one sender for a device; beyond, LANE_FULL and a full sync', () => {
    for (let id = 0; id < limits.laneEntriesMax; id++) expect(send([message(id)])).toEqual([]);
    expect(fetch(1, 2, 1).needsFullSync).toBe(false);
    expect(send([message('over')])).toEqual([
      { index: 0, code: Rejection.REJECTION_LANE_FULL, retryAfterMs: userLimits.retryAfterMs },
    ]);
    expect(fetch(1, 2, 1).needsFullSync).toBe(true);
    expect(fetch(2, 2, 1).needsFullSync).toBe(false);
    expect(send([message('own')], { user, device: 2 })).toEqual([]);
    expect(send([message('other', { device: 2 })])).toEqual([]);
    street.passivate(user);
    expect(send([message('over')])).toMatchObject([{ code: Rejection.REJECTION_LANE_FULL }]);
    ack(1, 3, true);
    expect(send([message('over')])).toEqual([]);
    expect(fetch(1, 3, 1).needsFullSync).toBe(false);
  });

  it('store a message to all devices as long as one of them has room', () => {
    for (let id = 0; id < limits.laneEntriesMax; id++) send([message(id)]);
    expect(send([message('all', { device: 0 })])).toEqual([]);
    expect(fetch(1, 2, 1).needsFullSync).toBe(true);
    expect(fetch(2, 2, 200).needsFullSync).toBe(false);
  });

  it('keep notices of the own provider beyond 256, and ask for a full sync', () => {
    const rename = (n: number) =>
      street.ask({ user, device: 1 }, { $case: 'renameDevice', value: { device: 1, name: `name ${n}` } });
    for (let n = 0; n < limits.laneEntriesMax; n++) rename(n);
    expect(fetch(1, 2, 1).needsFullSync).toBe(false);
    rename(-1);
    expect(fetch(1, 2, 1).needsFullSync).toBe(true);
    expect(fetch(1, 2 + limits.laneEntriesMax).entries).toHaveLength(1);
  });

  it('hold 4,096 in all for those who have more than a few there', () => {
    const lanes = new Lanes();
    for (let seq = 1; seq <= userLimits.waitingEntriesMax; seq++) expect(lanes.add(`@u${seq % 40}:p`, seq)).toBe(true);
    expect(lanes.add('@u1:p', 9_999)).toBe(false);
    expect(lanes.drop(1)).toBe(1);
    expect(lanes.add('@u1:p', 9_999)).toBe(true);
    expect(new Lanes(lanes.toRow()).total).toBe(userLimits.waitingEntriesMax);
  });

  it('live 30 days', () => {
    street.log(user).held = true;
    street.asks({ user: bob, device: 1 }, { $case: 'sendDeviceMessages', value: { room, messages: [message(1)] } });
    const { now } = street;
    expect(street.log(user).waiting).toMatchObject([
      { kind: 'append', rows: [{ acceptedMs: now, expiresMs: now + limits.inboxDays * 86_400_000 }] },
    ]);
  });

  it('are open to a seventeenth sender when sixteen have filled theirs, up to 16 entries each and 8,192 in all', () => {
    const lanes = new Lanes();
    let seq = 0;
    const fill = (lane: string) => {
      let taken = 0;
      while (lanes.add(lane, ++seq)) taken++;
      return taken;
    };
    for (let n = 1; n <= 16; n++) expect(fill(`@full${n}:p`)).toBe(limits.laneEntriesMax);
    expect(lanes.total).toBe(userLimits.waitingEntriesMax);
    expect(fill('@seventeenth:p')).toBe(userLimits.waitingQuietMax);
    for (let n = 1; lanes.total < userLimits.waitingHardMax; n++) fill(`@quiet${n}:p`);
    expect(lanes.total).toBe(userLimits.waitingHardMax);
    expect(fill('@late:p')).toBe(0);
    lanes.drop(1);
    expect(fill('@late:p')).toBe(1);
  });

  it('lose what expired below the cursor, and say so', () => {
    send([message(1), message(2, { device: 2 })]);
    street.passivate(user);
    street.log(user).floor = 5;
    street.log(user).coveredThrough = 4;
    street.forget();
    hello(user, 1);
    expect(street.all('send').at(-1)?.message).toMatchObject({ body: { value: { needsFullSync: true } } });
    const page = fetch(1, 2);
    expect(page).toMatchObject({ entries: [], through: 4, needsFullSync: true });
    ack(1, 4, true);
    expect(fetch(1, 4).needsFullSync).toBe(false);
  });

  it('lose nothing where only entries of other devices expired', () => {
    send([message(1, { device: 2 })]);
    street.log(user).floor = 4;
    expect(fetch(1, 2)).toMatchObject({ through: 3, needsFullSync: false });
    expect(fetch(2, 2)).toMatchObject({ through: 3, needsFullSync: true });
  });
});

describe('a device message', () => {
  it('is refused at its limits, by position', () => {
    const undelivered = send([
      message(1, { type: 'x'.repeat(64), id: new Uint8Array(32) }),
      message(2, { type: 'x'.repeat(65) }),
      message(3, { type: '' }),
      message(4, { id: new Uint8Array(33) }),
      message(5, { id: new Uint8Array(0) }),
      message(6, { device: 9 }),
      message(7),
    ]);
    expect(undelivered.map(({ index, code }) => [index, code])).toEqual([
      [1, Rejection.REJECTION_BAD_REQUEST],
      [2, Rejection.REJECTION_BAD_REQUEST],
      [3, Rejection.REJECTION_BAD_REQUEST],
      [4, Rejection.REJECTION_BAD_REQUEST],
      [5, Rejection.REJECTION_NOT_FOUND],
    ]);
  });

  it('is 48 KiB at most', () => {
    const sized = (bytes: number) => send([message(bytes, { content: new Uint8Array(bytes) })]);
    expect(sized(limits.deviceMessageBytesMax)).toEqual([]);
    expect(sized(limits.deviceMessageBytesMax + 1)).toMatchObject([{ code: Rejection.REJECTION_TOO_LARGE }]);
  });

  it('goes to no account that never was, and wakes nothing in the store', () => {
    const ghost = '@ghost:example.org';
    street.rooms.set(room, [user, bob, ghost]);
    expect(send([message(1, { user: ghost })])).toMatchObject([{ code: Rejection.REJECTION_NOT_FOUND }]);
    expect(street.log(ghost).exists).toBe(false);
  });
});
