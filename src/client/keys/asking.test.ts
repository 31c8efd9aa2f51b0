// Who is asked for a session that is lacking, when, and what is believed of the answers.
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { DeviceMessage } from '../crypto/engine.ts';
import type { SessionSecret } from '../crypto/keeping.ts';
import { ClientError } from '../errors.ts';
import type { Parts } from '../parts.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { orderedNumber, pageRows } from '../store/store.ts';
import { Asking, type AskingPorts, askAfterMs, askAgainMs, askedMax, authorAfterMs, roundEveryMs } from './asking.ts';
import { readSessionMessage } from './session-message.ts';

const room = `!g${'a'.repeat(32)}:localhost`;
const me = '@me:localhost';
const bob = '@bob:localhost';
const bobsKey = new Uint8Array(32).fill(2);

/** A device with one room, in which Bob's device 1 and Eve's device 1 write. */
class World {
  readonly store = new MemoryStore();
  nowMs = 0;
  live = true;
  confirmed = true;
  restoring = false;
  others = ['TWO'];
  failing: ClientError | undefined;
  /** Devices that nothing can be sent to. */
  broken = new Map<string, ClientError>();
  rooms = [room];
  readonly counted = new Map<string, number>();
  readonly sent: string[] = [];
  /** Sessions that were asked for, by whom they were asked of. */
  readonly wanted = new Map<string, string[]>();
  readonly lookedUp: string[] = [];
  readonly taken: SessionSecret[] = [];
  readonly came: string[] = [];
  crossSigned = true;
  #timers: { atMs: number; work: () => Promise<void> }[] = [];

  readonly ports: AskingPorts = {
    parts: () => this.#parts(),
    rooms: () => ({ all: () => this.rooms.map((of) => ({ replica: this.#replica(of) })) as never }),
    otherDevices: () => this.others,
    send: async (messages) =>
      void this.sent.push(...messages.map(({ user, device }: DeviceMessage) => `${user} ${device}`)),
    restoring: () => this.restoring,
    lookUp: (of) => this.lookedUp.push(of),
    keysCame: async (keys) => void this.came.push(...keys.map(({ sessionId }) => sessionId)),
    later: (ms, work) => this.#timers.push({ atMs: this.nowMs + ms, work }),
  };
  readonly asking = new Asking(this.ports);

  async lack(session: string, { cause = 'NO_KEY', from = '2.1', at = '1', in: of = room } = {}): Promise<void> {
    const value = new TextEncoder().encode(`${cause} ${session} ${from}`);
    await this.store.write([{ table: 'undecrypted', key: `${of} ${session}.${at}`, value }]);
  }

  async found(session: string): Promise<void> {
    await this.store.write([{ table: 'undecrypted', key: `${room} ${session}.1`, value: undefined }]);
  }

  /** Time goes on; what is due runs. */
  async pass(ms: number): Promise<unknown> {
    const untilMs = this.nowMs + ms;
    let failure: unknown;
    for (;;) {
      const [next] = this.#timers.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs);
      if (!next) break;
      this.#timers.splice(this.#timers.indexOf(next), 1);
      this.nowMs = next.atMs;
      await next.work().catch((error) => {
        failure = error;
      });
    }
    this.nowMs = untilMs;
    return failure;
  }

  #replica(of: string) {
    return { room: of, chain: { user: (member: number) => ['', me, bob, '@eve:localhost'][member] ?? '' } };
  }

  #parts(): Parts {
    const device = (id: string) => ({ number: 1, id });
    return {
      user: me,
      store: this.store,
      engine: {
        sealForDevices: async (_: string, content: object, [to]: { user: string; devices: string[] }[]) => {
          const failure = this.failing ?? this.broken.get(`${to?.devices}`);
          if (failure) throw failure;
          const said = readSessionMessage(content);
          const ids = said && 'wanted' in said ? said.wanted.map(({ sessionId }) => sessionId) : [];
          this.wanted.set(`${to?.user}`, [...(this.wanted.get(`${to?.user}`) ?? []), ...ids]);
          return to?.devices.map((id) => ({ user: to.user, device: id })) ?? [];
        },
        devices: async (user: string) => [
          { device: user === bob ? 'BOB' : 'EVE', curve25519: bobsKey, crossSigned: this.crossSigned },
        ],
        takeSessions: async (sessions: SessionSecret[]) => {
          if (sessions.some(({ json }) => json.length === 0)) throw new ClientError('BAD_ARGUMENT', 'no');
          this.taken.push(...sessions);
          return sessions;
        },
      },
      people: { get: (user: string) => ({ manifest: { body: { devices: [device(user === bob ? 'BOB' : 'EVE')] } } }) },
      live: () => this.live,
      confirmed: () => this.confirmed,
      now: () => this.nowMs,
      count: (name: string, by = 1) => this.counted.set(name, (this.counted.get(name) ?? 0) + by),
    } as unknown as Parts;
  }
}

let world: World;
const own = `${me} TWO`;
const author = `${bob} BOB`;
const secret = (sessionId: string, over: Partial<SessionSecret> = {}): SessionSecret => ({
  ...{ room, sessionId, json: Uint8Array.of(1), sender: undefined },
  ...over,
});
const from = (user: string, device: string) => ({ sender: user, device, type: '', content: {} });

beforeEach(() => {
  world = new World();
});

describe('a session that is lacking', () => {
  it('is asked for after a while: own devices, then the backup and the device that wrote; again after an hour, then two', async () => {
    await world.lack('S1');
    world.asking.look();
    await world.pass(askAfterMs - 1);
    expect(world.sent).toEqual([]);
    await world.pass(1);
    expect(world.sent).toEqual([own]);
    await world.pass(authorAfterMs - 1);
    expect([world.sent, world.lookedUp]).toEqual([[own], []]);
    await world.pass(1);
    expect([world.sent, world.lookedUp]).toEqual([[own, author], [room]]);
    await world.pass(askAgainMs - 1);
    expect(world.sent).toHaveLength(2);
    await world.pass(1 + authorAfterMs);
    expect(world.sent).toEqual([own, author, own, author]);
    await world.pass(askAgainMs + authorAfterMs);
    expect(world.sent).toHaveLength(4);
    await world.pass(askAgainMs);
    expect(world.sent).toHaveLength(6);
    await world.found('S1');
    await world.pass(10 * askAgainMs);
    expect(world.sent).toHaveLength(6);
  });

  it('that comes meanwhile is not asked for', async () => {
    await world.lack('S1');
    world.asking.look();
    await world.found('S1');
    await world.pass(askAgainMs);
    expect(world.sent).toEqual([]);
  });

  it('is asked of the author at once where there is no other own device', async () => {
    world.others = [];
    await world.lack('S1', { cause: 'WITHHELD' });
    world.asking.look();
    await world.pass(askAfterMs);
    expect(world.sent).toEqual([author]);
  });

  it.each([
    ['written by oneself', { from: '1.1' }],
    ['of an author whose device is not listed any more', { from: '2.9' }],
    ['of nobody known', { from: '' }],
  ])('%s is asked of own devices alone', async (_, over) => {
    await world.lack('S1', over);
    world.asking.look();
    await world.pass(askAfterMs + authorAfterMs);
    expect(world.sent).toEqual([own]);
  });

  it('that two claim is asked of neither: one of them copied', async () => {
    await world.lack('S1');
    await world.lack('S1', { from: '3.1', at: '2' });
    world.asking.look();
    await world.pass(askAfterMs + authorAfterMs);
    expect(world.sent).toEqual([own]);
  });

  it.each([['KEY_MISMATCH'], ['UNKNOWN_DEVICE']])('is not what is wrong with %s', async (cause) => {
    await world.lack('S1', { cause });
    world.asking.look();
    await world.pass(askAgainMs);
    expect(world.sent).toEqual([]);
  });

  it('waits while the device is unconfirmed, without a session, or reads the backup', async () => {
    await world.lack('S1');
    for (const state of [{ live: false }, { confirmed: false }]) {
      Object.assign(world, state);
      world.asking.look();
      await world.pass(askAgainMs);
      Object.assign(world, { live: true, confirmed: true });
    }
    world.restoring = true;
    world.asking.look();
    await world.pass(askAgainMs);
    expect(world.sent).toEqual([]);
    world.restoring = false;
    await world.pass(authorAfterMs);
    expect(world.sent).toEqual([own]);
  });

  // Each message that can't be read looks again: in a lively room the rounds came every five seconds, and the devices that were asked let the rest go.
  it('is asked for in its own round, however many messages come meanwhile that can not be read', async () => {
    for (let n = 0; n < 3 * askedMax; n++) await world.lack(`S${n}`);
    world.asking.look();
    await world.pass(askAfterMs);
    expect(world.counted.get('keys.askedOwn')).toBe(askedMax);
    for (let passed = 0; passed + askAfterMs < roundEveryMs; passed += askAfterMs) {
      world.asking.look();
      await world.pass(askAfterMs);
    }
    expect(world.counted.get('keys.askedOwn')).toBe(askedMax);
    await world.pass(askAfterMs);
    expect(world.counted.get('keys.askedOwn')).toBe(2 * askedMax);
  });

  it(`is one of ${askedMax} in a round, and the next come a minute later`, async () => {
    for (let n = 0; n <= askedMax; n++) await world.lack(`S${n}`);
    world.asking.look();
    await world.pass(askAfterMs);
    expect(world.counted.get('keys.askedOwn')).toBe(askedMax);
    expect(world.sent).toHaveLength(10);
    world.others = [];
    await world.pass(roundEveryMs);
    expect(world.counted.get('keys.askedAuthor')).toBe(askedMax);
    await world.pass(roundEveryMs);
    expect(world.counted.get('keys.askedAuthor')).toBe(askedMax + 1);
  });

  it('is asked for before those of older messages, of own devices while others are asked for what these did not give', async () => {
    const names = Array.from({ length: 2 * askedMax + 1 }, (_, n) => `S${String(n).padStart(4, '0')}`);
    for (const name of names) await world.lack(name);
    const newest = names.toReversed();
    world.asking.look();
    await world.pass(askAfterMs);
    expect(world.wanted.get(me)).toEqual(newest.slice(0, askedMax));
    expect(await world.asking.open()).toBe(names.length);
    await world.pass(roundEveryMs);
    expect(world.wanted.get(me)).toEqual(newest.slice(0, 2 * askedMax));
    expect(world.wanted.get(bob)).toEqual(newest.slice(0, askedMax));
    expect(await world.asking.open()).toBe(askedMax + 1);
    await world.pass(2 * roundEveryMs);
    expect(world.wanted.get(me)).toEqual(newest);
    expect(world.wanted.get(bob)).toEqual(newest);
    expect(await world.asking.open()).toBe(0);
  });

  it('is asked for of each room in turn', async () => {
    const second = `!g${'b'.repeat(32)}:localhost`;
    world.rooms = [room, second];
    for (const name of ['S1', 'S2', 'S3']) for (const of of [room, second]) await world.lack(`${name}`, { in: of });
    world.asking.look();
    await world.pass(askAfterMs);
    expect(world.wanted.get(me)).toEqual(['S3', 'S3', 'S2', 'S2', 'S1', 'S1']);
  });

  // As many as there are messages that can't be read: a member can write any number of those.
  it('is kept in mind as one of so many, the newest of each room: older ones are asked for when those came', async () => {
    const other = `!g${'b'.repeat(32)}:localhost`;
    world.rooms = [room, other];
    const few = new Asking(world.ports, { held: 3 });
    for (const session of ['S1', 'S2', 'S3']) await world.lack(session);
    few.look();
    await world.pass(askAfterMs);
    expect([world.wanted.get(me), world.counted.get('keys.unasked')]).toEqual([['S3', 'S2', 'S1'], undefined]);
    await world.lack('T1', { in: other });
    few.look();
    await world.pass(askAfterMs);
    expect([world.wanted.get(me)?.slice(3), world.counted.get('keys.unasked')]).toEqual([['T1'], 1]);
    await few.take(from(me, 'TWO'), [secret('S1')], true);
    expect(world.counted.get('keys.notAsked')).toBe(1);
    await world.found('S3');
    few.look();
    await world.pass(askAfterMs);
    expect(world.wanted.get(me)?.slice(4)).toEqual(['S1']);
  });

  it('is asked for once more where nobody could be asked', async () => {
    await world.lack('S1');
    world.failing = new ClientError('DISCONNECTED', 'gone');
    world.asking.look();
    expect(await world.pass(askAfterMs)).toBe(world.failing);
    world.failing = undefined;
    await world.pass(authorAfterMs);
    expect(world.sent).toEqual([own]);
  });

  // One own device whose keys could not be had kept all others from being asked, and the author for ever.
  it('is asked for of all others where one can not be asked, and then of the author', async () => {
    world.others = ['BROKEN', 'TWO'];
    world.broken.set('BROKEN', new ClientError('REJECTED', 'no'));
    await world.lack('S1');
    world.asking.look();
    expect(await world.pass(askAfterMs)).toMatchObject({ code: 'REJECTED' });
    expect(world.sent).toEqual([own]);
    await world.pass(authorAfterMs);
    expect(world.sent).toEqual([own, author]);
    await world.pass(askAgainMs - 1);
    expect(world.sent).toHaveLength(2);
  });

  it('is not asked for anew of whom it was asked, where the connection went before others were', async () => {
    world.others = ['TWO', 'LOST'];
    world.broken.set('LOST', new ClientError('DISCONNECTED', 'gone'));
    await world.lack('S1');
    world.asking.look();
    await world.pass(askAfterMs + authorAfterMs);
    expect(world.sent).toEqual([own, author]);
  });

  it('is looked for in all rooms at once, and not in one that is not here', async () => {
    const [second, gone] = [`!g${'b'.repeat(32)}:localhost`, `!g${'c'.repeat(32)}:localhost`];
    world.rooms = [second, room];
    for (const of of [room, second, gone]) await world.lack('S1', { in: of });
    const list = vi.spyOn(world.store, 'list');
    world.asking.look();
    await world.pass(askAfterMs);
    expect(list).toHaveBeenCalledTimes(1);
    expect(world.counted.get('keys.askedOwn')).toBe(2);
  });

  it.each([pageRows - 1, pageRows, pageRows + 1])('is found behind %i messages that wait for others', async (many) => {
    const last = `!g${'z'.repeat(32)}:localhost`;
    const value = new TextEncoder().encode('NO_KEY S1 2.1');
    const row = (n: number) => ({ table: 'undecrypted' as const, key: `${room} ${orderedNumber(n)}`, value });
    await world.store.write(Array.from({ length: many }, (_, n) => row(n)));
    await world.lack('S1', { in: last });
    world.rooms = [room, last];
    world.asking.look();
    await world.pass(askAfterMs);
    expect(world.counted.get('keys.askedOwn')).toBe(2);
  });
});

describe('an answer', () => {
  beforeEach(async () => {
    await world.lack('S1');
    world.asking.look();
    await world.pass(askAfterMs);
  });

  it('of an own device is taken with the sender that it names', async () => {
    const sender = { user: bob, device: 'BOB', key: bobsKey };
    await world.asking.take(from(me, 'TWO'), [secret('S1', { sender })], true);
    expect(world.taken).toEqual([secret('S1', { sender })]);
    expect(world.came).toEqual(['S1']);
    expect(world.counted.get('keys.fromOwn')).toBe(1);
  });

  it('that was not asked for is left alone', async () => {
    await world.asking.take(from(me, 'TWO'), [secret('S2')], true);
    await world.asking.take(from(bob, 'BOB'), [secret('S1')], false);
    expect(world.taken).toEqual([]);
    expect(world.counted.get('keys.notAsked')).toBe(2);
  });

  it('of the author gives a session of its own, whatever it says', async () => {
    await world.pass(authorAfterMs);
    const lie = { user: '@eve:localhost', device: 'EVE', key: new Uint8Array(32) };
    await world.asking.take(from(bob, 'OTHER'), [secret('S1')], false);
    await world.asking.take(from('@eve:localhost', 'BOB'), [secret('S1')], false);
    expect(world.taken).toEqual([]);
    await world.asking.take(from(bob, 'BOB'), [secret('S1', { sender: lie })], false);
    expect(world.taken).toEqual([secret('S1', { sender: { user: bob, device: 'BOB', key: bobsKey } })]);
    expect(world.counted.get('keys.fromAuthor')).toBe(1);
  });

  it('of an author whose device its owner did not sign is left alone', async () => {
    await world.pass(authorAfterMs);
    world.crossSigned = false;
    await world.asking.take(from(bob, 'BOB'), [secret('S1')], false);
    expect(world.taken).toEqual([]);
  });

  it('that is no session does no harm', async () => {
    await world.asking.take(from(me, 'TWO'), [secret('S1', { json: new Uint8Array() })], true);
    expect(world.counted.get('keys.malformed')).toBe(1);
  });
});
