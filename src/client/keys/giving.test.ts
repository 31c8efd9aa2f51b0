// Who is given a session: own listed devices, and those of members who were in the room as long as the session lasts. Nobody else, and not without end.
import { beforeEach, describe, expect, it } from 'vitest';
import type { RoomKey } from '../crypto/ids.ts';
import { ClientError } from '../errors.ts';
import type { Parts } from '../parts.ts';
import { askedPerHour, Giving, gatherMs } from './giving.ts';
import { SessionKeys } from './session-keys.ts';
import { sessionMessageType } from './session-message.ts';

const room = `!g${'a'.repeat(32)}:localhost`;
const me = '@me:localhost';
const bob = '@bob:localhost';
const key = (sessionId: string, of = room): RoomKey => ({ room: of, sessionId });

class World {
  nowMs = 0;
  /** Under which entry sessions began here. */
  audiences = new Map([['S1', 3]]);
  joinedFrom = 2;
  joined = true;
  frozen = '';
  /** Bob's devices by the newest list that can be had. */
  devices = ['BOB'];
  reachable = true;
  /** Devices that no message can be made for, and users whose lists can't even be asked for. */
  broken = new Set<string>();
  readonly counted = new Map<string, number>();
  readonly sent: string[] = [];
  readonly looked: string[][] = [];
  #timers: (() => Promise<void>)[] = [];
  readonly ports = {
    parts: () => this.#parts(),
    rooms: () => ({ get: (of: string) => (of === room ? { replica: this.#replica() } : undefined) }) as never,
    send: async (messages: readonly unknown[]) => void this.sent.push(...(messages as string[])),
    later: (_: number, work: () => Promise<void>) => void this.#timers.push(work),
  };
  readonly giving = new Giving(this.ports);

  async ask(wanted: RoomKey[], { user = bob, device = 'BOB', own = false } = {}): Promise<void> {
    this.giving.asked({ user, device, own, wanted });
    await this.run();
  }

  async run(): Promise<void> {
    for (const work of this.#timers.splice(0)) await work();
  }

  #replica() {
    const chain = {
      memberOf: (user: string) => (user === bob ? 2 : 0),
      person: (member: number) => (member === 2 ? { user: bob, fingerprint: new Uint8Array() } : undefined),
      joinedSince: (member: number, number: number) => member === 2 && number >= this.joinedFrom,
    };
    return { joined: this.joined, local: { frozen: this.frozen }, chain };
  }

  #parts(): Parts {
    return {
      user: me,
      engine: {
        sessionAudience: async (_: string, session: string) => this.audiences.get(session),
        giveSessions: async (wanted: RoomKey[]) => {
          this.looked.push(wanted.map(({ sessionId }) => sessionId));
          return wanted.map((one) => ({ ...one, json: Uint8Array.of(1), sender: undefined }));
        },
        sealForDevices: async (
          _: string,
          { given }: { given: { session: string }[] },
          [to]: { devices: string[] }[],
        ) => {
          if (this.broken.has(`${to?.devices}`)) throw new ClientError('STORE', 'broken');
          return [`${to?.devices} ${given.map(({ session }) => session)}`];
        },
      },
      people: {
        tryRefresh: async (user: string) => {
          if (this.broken.has(user)) throw new ClientError('STORE', 'broken');
          return this.reachable;
        },
        recipient: () => (this.devices.length > 0 ? { user: bob, devices: this.devices } : undefined),
      },
      now: () => this.nowMs,
      count: (name: string, by = 1) => this.counted.set(name, (this.counted.get(name) ?? 0) + by),
    } as unknown as Parts;
  }
}

let world: World;

beforeEach(() => {
  world = new World();
});

describe('a session', () => {
  it('that this device began goes to a device of a member who was there when it began', async () => {
    await world.ask([key('S1')]);
    expect(world.sent).toEqual(['BOB S1']);
    expect(world.counted.get('keys.toOthers')).toBe(1);
  });

  it.each([
    ['that somebody else began', { audiences: new Map() }],
    ['to one who came after it began, or was away meanwhile', { joinedFrom: 4 }],
    ['to a device that is not in the newest list', { devices: ['OTHER'] }],
    ['to one whose identity changed, or whose newest list is kept back', { devices: [] }],
    ['while the newest list can not be had', { reachable: false }],
    ['in a room that is frozen', { frozen: 'HISTORY_FORKED' }],
    ['in a room that this user left', { joined: false }],
  ])('is not given: %s', async (_, state) => {
    Object.assign(world, state);
    await world.ask([key('S1')]);
    expect([world.sent, world.looked]).toEqual([[], []]);
  });

  it('is not given to one who is not in the room, or for a room that is not here', async () => {
    await world.ask([key('S1')], { user: '@eve:localhost', device: 'EVE' });
    await world.ask([key('S1', `!g${'b'.repeat(32)}:localhost`)]);
    expect(world.sent).toEqual([]);
  });

  it('goes to own devices, whoever began it', async () => {
    await world.ask([key('S9')], { user: me, device: 'TWO', own: true });
    expect(world.sent).toEqual(['TWO S9']);
    expect(world.counted.get('keys.toOwn')).toBe(1);
  });

  it('is looked for once for all who ask within a second, and each gets what it asked for', async () => {
    world.audiences.set('S2', 3);
    world.giving.asked({ user: bob, device: 'BOB', own: false, wanted: [key('S1')] });
    world.giving.asked({ user: bob, device: 'BOB', own: false, wanted: [key('S2')] });
    world.giving.asked({ user: me, device: 'TWO', own: true, wanted: [key('S2')] });
    await world.run();
    expect(world.looked).toEqual([['S1', 'S2']]);
    expect(world.sent).toEqual(['BOB S1,S2', 'TWO S2']);
    expect(gatherMs).toBe(1_000);
  });

  it.each(['BOB', bob])('is given to all who ask, also where one of them can not be answered (%s)', async (broken) => {
    world.broken.add(broken);
    world.giving.asked({ user: bob, device: 'BOB', own: false, wanted: [key('S1')] });
    world.giving.asked({ user: me, device: 'TWO', own: true, wanted: [key('S1')] });
    await expect(world.run()).rejects.toMatchObject({ code: 'STORE' });
    expect(world.sent).toEqual(['TWO S1']);
  });

  it.each([
    ['others', { user: bob, device: 'BOB', own: false }],
    ['own', { user: me, device: 'TWO', own: true }],
  ] as const)('is given within a budget an hour, of each device apart (%s)', async (kind, who) => {
    const most = askedPerHour[kind];
    await world.ask(
      Array.from({ length: most }, () => key('S1')),
      who,
    );
    expect(world.counted.get('keys.overAsked')).toBeUndefined();
    const before = world.sent.length;
    await world.ask([key('S1')], who);
    expect(world.counted.get('keys.overAsked')).toBe(1);
    expect(world.sent).toHaveLength(before);
    await world.ask([key('S1')], { ...who, device: who.own ? 'THREE' : 'BOB', user: who.user });
    world.nowMs += 3_600_000;
    await world.ask([key('S1')], who);
    expect(world.sent.length).toBeGreaterThan(before);
  });
});

describe('what is said of sessions', () => {
  const said = (over: object = {}) => ({
    ...{ type: sessionMessageType, sender: me, device: 'TWO', content: { ask: [[room, 'S1']] } },
    ...over,
  });
  const heard = async (message: ReturnType<typeof said>) => {
    const keys = new SessionKeys({
      ...world.ports,
      rooms: world.ports.rooms,
      otherDevices: () => ['TWO'],
      restoring: () => false,
      lookUp: () => {},
      keysCame: async () => {},
    });
    await keys.take(message);
    await world.run();
    return world.sent.length;
  };

  it('by a listed own device, or by a member, is heard', async () => {
    expect(await heard(said())).toBe(1);
    expect(await heard(said({ sender: bob, device: 'BOB' }))).toBe(2);
  });

  it.each([
    ['an own device that was taken off', { device: 'GONE' }],
    ['no device', { device: undefined }],
    ['another kind of message', { type: 'lu.luxchat.rooms' }],
    ['nonsense', { content: { ask: [] } }],
  ])('by %s is not', async (_, over) => {
    expect(await heard(said(over))).toBe(0);
  });
});
