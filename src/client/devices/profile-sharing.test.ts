// How far a change of the own profile goes at once, and what own devices say of it.
import { expect, it } from 'vitest';
import { MemberStatus, Role } from '#proto/gen/record.ts';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import type { DeviceMessage } from '../crypto/engine.ts';
import type { Parts } from '../parts.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { ProfileSharing, profileMessageType, roomsToldMax } from './profile-sharing.ts';
import { Profiles } from './profiles.ts';

const me = '@me:localhost';
const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 1);

/** A device in so many groups, the first one used last, with one other own device. */
function stage(rooms: number, joined = 2) {
  const store = new MemoryStore();
  const told: { room: string; picture: number; leftOut: boolean }[] = [];
  const sealed: { type: string; content: object; devices: readonly string[] }[] = [];
  const sent: DeviceMessage[] = [];
  const member = { number: 1, status: MemberStatus.MEMBER_STATUS_JOINED, role: Role.ROLE_MEMBER, changed: 1 };
  const clock = { nowMs: 1_000, walks: 0 };
  const people = { version: 1, get: () => undefined };
  const members = {
    get: () => member,
    *[Symbol.iterator]() {
      clock.walks += 1;
      yield member;
    },
  };
  const replicas = Array.from({ length: rooms }, (_, at) => ({
    room: `!${at}`,
    joined: true,
    own: 1,
    isWithBot: false,
    direct: false,
    local: { profileMs: 0, profileControl: 0, profileAcceptedMs: 0, head: { acceptedMs: 1_000 - at } },
    chain: { number: 1, state: { members, joined, policy: {} }, user: () => me },
  }));
  const parts = {
    user: me,
    store,
    now: () => clock.nowMs,
    people,
    live: () => true,
    emit: () => {},
    count: () => {},
    background: () => {},
    engine: {
      sealForDevices: async (type: string, content: object, [to]: readonly [{ devices: readonly string[] }]) => {
        sealed.push({ type, content, devices: to.devices });
        return [{ user: me, device: 'OTHER', type: 'm.room.encrypted', bytes: new Uint8Array() }];
      },
    },
  } as unknown as Parts;
  const profiles = new Profiles(() => parts);
  const sharing = new ProfileSharing({
    parts: () => parts,
    profiles,
    rooms: () => ({ all: () => replicas.map((replica) => ({ replica })), get: () => undefined }) as never,
    outbox: () =>
      ({
        waiting: () => [],
        addAll: async (
          outgoing: { room: string; content: { body: { value: { picture: Uint8Array; pictureLeftOut: boolean } } } }[],
        ) => {
          for (const { room, content } of outgoing) {
            const { picture, pictureLeftOut } = content.body.value;
            told.push({ room, picture: picture.length, leftOut: pictureLeftOut });
          }
          return [];
        },
      }) as never,
    otherDevices: () => ['OTHER'],
    send: async (messages) => void sent.push(...messages),
  });
  return { sharing, profiles, store, told, sealed, sent, replicas, clock, people };
}

it.each([
  [roomsToldMax, roomsToldMax],
  [roomsToldMax + 1, roomsToldMax],
])('of %i rooms %i hear of a change at once: those that were used last', async (rooms, count) => {
  const { sharing, told } = stage(rooms);
  await sharing.set({ name: 'Ann' });
  expect(told.map(({ room }) => room)).toEqual(Array.from({ length: count }, (_, at) => `!${at}`));
});

it.each([
  [100, false],
  [101, true],
])('in a room of %i members the picture is left out: %s', async (members, leftOut) => {
  const { sharing, told } = stage(1, members);
  await sharing.set({ name: 'Ann', picture: jpeg });
  expect(told).toEqual([{ room: '!0', picture: leftOut ? 0 : jpeg.length, leftOut }]);
});

it('says nothing in a room for oneself alone', async () => {
  const { sharing, told } = stage(1, 1);
  await sharing.set({ name: 'Ann' });
  expect(told).toEqual([]);
});

it('looks for newcomers once for all messages in which nobody came', async () => {
  const { sharing, profiles, replicas, clock, people } = stage(1, 1_000);
  const [replica] = replicas;
  if (!replica) throw new Error('no room');
  const ahead = () => sharing.ahead(replica as never).length;
  await sharing.set({ name: 'Ann' });
  Object.assign(replica.local, {
    profileMs: profiles.own.changedMs,
    profileControl: 1,
    profileAcceptedMs: clock.nowMs,
  });
  clock.walks = 0;
  expect([ahead(), clock.walks]).toEqual([0, 0]);
  clock.nowMs += 86_400_000;
  expect([ahead(), ahead(), clock.walks]).toEqual([0, 0, 1]);
  people.version += 1;
  expect([ahead(), ahead(), clock.walks]).toEqual([0, 0, 2]);
  replica.chain.number += 1;
  replica.own = 2;
  Object.assign(replica.chain.state.members.get(), { changed: 2 });
  expect([ahead(), ahead(), clock.walks]).toEqual([1, 1, 3]);
});

it('tells own devices what changed here, once, and takes what they say', async () => {
  const { sharing, sealed, sent } = stage(0);
  await sharing.set({ name: 'Ann', picture: jpeg });
  await sharing.flush();
  expect(sealed).toEqual([
    {
      type: profileMessageType,
      content: { name: 'Ann', picture: toBase64(jpeg), changedMs: 1_000 },
      devices: ['OTHER'],
    },
  ]);
  expect(sent).toHaveLength(1);
  const other = stage(0);
  const message = { type: profileMessageType, sender: me, device: 'OTHER', content: sealed[0]!.content };
  await other.sharing.take(message as never);
  expect(other.profiles.own).toEqual({ name: 'Ann', picture: jpeg, changedMs: 1_000 });
  expect(await other.profiles.picture(me)).toEqual(jpeg);
  await other.sharing.take({ ...message, content: { ...sealed[0]!.content, name: 'Old', changedMs: 999 } } as never);
  expect(other.profiles.own.name).toBe('Ann');
});

it.each([
  ['another person', { sender: '@eve:localhost' }],
  ['a device that is not in the own list', { device: 'GONE' }],
  ['a message of another type', { type: 'lu.luxchat.rooms' }],
  ['something that is no profile', { content: { name: 7 } }],
])('takes nothing from %s', async (_who, over) => {
  const { sharing, profiles } = stage(0);
  const content = { name: 'Eve', picture: '', changedMs: 9 };
  await sharing.take({ type: profileMessageType, sender: me, device: 'OTHER', content, ...over } as never);
  expect(profiles.own.name).toBe('');
});
