// What people may call a room and an invitation, and that nothing they call it is taken for another one.
import { describe, expect, it, vi } from 'vitest';
import { Emitter } from '#client/emitter.ts';
import type { RoomInfo } from '#client/shown.ts';
import { awaitRoom, findInvitation, findRoom, invitationsOf, messageAt, type Named } from './naming.ts';

interface Held extends Partial<RoomInfo> {
  /** Luxchat-IDs of its members. */
  readonly people?: readonly string[];
}

const me = '@abcd:lux';
const bob = '@vv4h:lux';

function device(rooms: readonly Held[], timeoutMs = 30_000, blocked: readonly string[] = []) {
  const events = new Emitter<{ room: RoomInfo }>();
  const client = {
    user: me,
    blocked: () => blocked,
    rooms: () =>
      rooms.map((room) => ({ invitedBy: '', invitedMs: 0, name: '', direct: false, status: 2, members: [], ...room })),
    members: (id: string) => [me, ...(rooms.find(({ room }) => room === id)?.people ?? [])].map((user) => ({ user })),
    on: events.on.bind(events),
  };
  return { events, session: { client, args: { call: 'npx luxchat -p bob', timeoutMs } } as unknown as Named };
}

describe('a room that a person names', () => {
  // Its slots are read a moment after the invitation was accepted: `chat Hiking` right after `accept` found nothing.
  it('may have its name in a moment', async () => {
    const group: Partial<RoomInfo> = { room: '!g1' };
    const { events, session } = device([group]);
    const found = awaitRoom(session, 'Hiking');
    events.emit('room', {} as RoomInfo);
    Object.assign(group, { name: 'Hiking' });
    events.emit('room', {} as RoomInfo);
    expect(await found).toMatchObject({ room: '!g1' });
  });

  it('is not waited for without end, and not at all where every group has its name', async () => {
    const unknown = { code: 'UNKNOWN', message: expect.stringContaining('npx luxchat -p bob rooms') };
    // By a clock that stands still.
    vi.useFakeTimers();
    try {
      await expect(awaitRoom(device([{ room: '!g1', name: 'Work' }]).session, 'Hiking')).rejects.toMatchObject(unknown);
      let over = false;
      const waits = awaitRoom(device([{ room: '!g1' }], 100).session, 'Hiking').finally(() => {
        over = true;
      });
      const refused = expect(waits).rejects.toMatchObject(unknown);
      await vi.advanceTimersByTimeAsync(99);
      expect(over).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      await refused;
    } finally {
      vi.useRealTimers();
    }
  });

  // Once two people shared a group too, a part of an id named neither of the two.
  it("is the 1:1 room where a part of one person's id is given", () => {
    const direct = { room: '!d1', direct: true, people: [bob] };
    const hiking = { room: '!g1', name: 'Hiking', people: [bob, '@xyzz:lux'] };
    const { session } = device([hiking, direct, { room: '!g2', name: 'Work', people: [bob] }]);
    for (const word of ['@vv4h', 'vv4', bob]) expect(findRoom(session, word).room).toBe('!d1');
    expect(findRoom(session, 'Hik').room).toBe('!g1');
  });

  // `send @ID` of somebody with whom there was no 1:1 room went to the one group that both were in, and all of it read what was for one.
  it('is never a group where a Luxchat-ID or a part of one is given', () => {
    const hiking = { room: '!g1', name: 'Hiking', people: [bob, '@xyzz:lux'] };
    const none = { code: 'UNKNOWN', message: expect.stringContaining('npx luxchat -p bob start @vv4h:lux') };
    for (const called of ['Hiking', bob, '@vv4h'])
      for (const word of [bob, '@vv4h', '@vv4', '@vv4h:l'])
        expect(() => findRoom(device([{ ...hiking, name: called }]).session, word)).toThrow(
          expect.objectContaining(none),
        );
    for (const word of ['vv4', 'vv4h:lux'])
      expect(() => findRoom(device([hiking]).session, word)).toThrow(expect.objectContaining(none));
    expect(() => findRoom(device([{ ...hiking, invitedBy: bob, people: [] }]).session, bob)).toThrow('no 1:1 chat');
    expect(() => findRoom(device([hiking]).session, '@stranger:lux')).toThrow('start @stranger:lux');
    expect(() => findRoom(device([hiking]).session, '@nobody')).toThrow('Nothing matches');
    expect(() => findRoom(device([hiking]).session, 'Alice')).toThrow('people are named by Luxchat-ID');
    // Two people, or a group's name.
    for (const word of ['@', 'z'])
      expect(() => findRoom(device([{ ...hiking, people: [bob, '@vv4z:lux', '@xyzz:lux'] }]).session, word)).toThrow(
        'matches',
      );
    expect(() => findRoom(device([{ ...hiking, name: 'vv4h' }]).session, 'vv4h')).toThrow(
      'matches 2 rooms and people: use the room id. !g1 (vv4h), @vv4h:lux (no 1:1 chat)',
    );
    // The provider is not what a person is called.
    expect(findRoom(device([{ ...hiking, name: 'luxurious' }]).session, 'lux').room).toBe('!g1');
    expect(findRoom(device([hiking]).session, 'Hik').room).toBe('!g1');
  });

  it('is not there while its person is blocked, and no group takes its place', () => {
    const { session } = device([{ room: '!g1', name: 'Hiking', people: [bob] }], 0, [bob]);
    for (const word of [bob, '@vv4', 'vv4'])
      expect(() => findRoom(session, word)).toThrow(/You block @vv4h:lux.*npx luxchat -p bob unblock @vv4h:lux/);
  });

  it('is the one of now where a person was left before', () => {
    const direct = { direct: true, people: [bob] };
    const { session } = device([
      { ...direct, room: '!d0', status: 3 },
      { ...direct, room: '!d1' },
    ]);
    expect(findRoom(session, bob).room).toBe('!d1');
    expect(findRoom(device([{ ...direct, room: '!d0', status: 3 }]).session, bob).room).toBe('!d0');
  });

  // Whoever was taken out of a group could not read what was said there before, unless they knew its id.
  it('is one that they are out of where no current one is meant, and a new one may yet be called so', async () => {
    const former: Held = { room: '!g0', name: 'Hiking', status: 5, people: [bob] };
    const declined: Held = { room: '!g3', name: 'Hiking', status: 4 };
    expect(findRoom(device([former, declined]).session, 'Hik').room).toBe('!g0');
    expect(findRoom(device([{ ...former, status: 3 }]).session, 'g0').room).toBe('!g0');
    const fresh: Partial<RoomInfo> = { room: '!g1' };
    const { events, session } = device([former, fresh]);
    expect((await awaitRoom(session, 'g0')).room).toBe('!g0');
    const found = awaitRoom(session, 'Hiking');
    Object.assign(fresh, { name: 'Hiking' });
    events.emit('room', {} as RoomInfo);
    expect((await found).room).toBe('!g1');
  });

  it("is said to be unclear where a word could be another person, a room's name, or oneself", () => {
    const direct = { room: '!d1', direct: true, people: [bob] };
    const unclear = (rooms: Held[], word: string) =>
      expect(() => findRoom(device([direct, ...rooms]).session, word)).toThrow(
        /matches 2 rooms( and people)?: use the room id. !d1 \(/,
      );
    unclear([{ room: '!g1', name: 'Hiking', people: [bob, '@vvxx:lux'] }], '@vv');
    unclear([{ room: '!g1', name: 'for vv4h', people: ['@xyzz:lux'] }], 'vv4h');
    unclear([{ room: '!d2', direct: true, people: ['@vvxx:lux'] }], '@vv');
    expect(() => findRoom(device([direct]).session, me)).toThrow('Nothing matches');
  });
});

describe('an invitation that a person names', () => {
  const { session } = device([
    { room: '!m', invitedBy: bob, status: 1, invitedMs: 20 },
    { room: '!k', invitedBy: bob, status: 1, direct: true, invitedMs: 10 },
    { room: '!a', name: 'Hiking' },
    // The oldest, and first by its id.
    { room: '!b', invitedBy: '@xyzz:lux', status: 1, invitedByBot: true, invitedMs: 5 },
  ]);

  it('has a number, the same at each start, and those of bots come last', () => {
    expect(invitationsOf(session).map(({ room }) => room)).toEqual(['!k', '!m', '!b']);
    // They went by room id, so that a new one took the number of another that somebody was about to accept.
    const since = (room: string, invitedMs: number): Held => ({ room, invitedBy: bob, status: 1, invitedMs });
    const held = [since('!1', 3), since('!3', 1), since('!2', 2)];
    const newest = since('!0', 3);
    const order = (rooms: Held[]) => invitationsOf(device(rooms).session).map(({ room }) => room);
    expect(order(held)).toEqual(['!3', '!2', '!1']);
    expect(order([newest, ...held])).toEqual(['!3', '!2', '!0', '!1']);
    for (const [at, room] of ['!k', '!m', '!b'].entries())
      expect(findInvitation(session, String(at + 1)).room).toBe(room);
    for (const beyond of ['0', '4']) expect(() => findInvitation(session, beyond)).toThrow('Nothing matches');
  });

  it('is also its id or who invites, and never a room that one is in or its unseen name', () => {
    expect(findInvitation(session, 'm').room).toBe('!m');
    expect(findInvitation(session, '@xyz').room).toBe('!b');
    expect(findInvitation(session, bob).room).toBe('!k');
    for (const wrong of ['Hiking', '!a', 'a'])
      expect(() => findInvitation(session, wrong)).toThrow(/take the number in front|matches/);
  });
});

// "There is no message #4", of a line that stood there with that number.
it('says of the number of a notice that it is none of a message', async () => {
  const lines = [
    { seq: 4, kind: 'notice' },
    { seq: 5, kind: 'message', id: '2.1.1' },
  ];
  const timeline = async (_: string, { beforeSeq }: { beforeSeq: number }) =>
    lines.filter(({ seq }) => seq === beforeSeq - 1);
  const named = { client: { timeline }, args: { call: 'luxchat' } } as never;
  expect(await messageAt(named, '!g', '#5')).toBe('2.1.1');
  await expect(messageAt(named, '!g', '4')).rejects.toThrow('#4 says what happened in this room');
  await expect(messageAt(named, '!g', '6')).rejects.toThrow('no message #6');
});
