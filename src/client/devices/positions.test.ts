import { describe, expect, it } from 'vitest';
import { toBase64 } from '#proto/rules/bytes/base.ts';
import type { DeviceMessage, PrivateMessage } from '../crypto/engine.ts';
import type { Parts } from '../parts.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { prefixRange } from '../store/store.ts';
import { joinTold } from './position-message.ts';
import { Positions } from './positions.ts';

const me = '@me:localhost';
const room = `!g${'a'.repeat(32)}:localhost`;

/** A room as far as positions see it. */
class FakeRoom {
  readonly ports = { changed: () => {} };
  readonly local = { readSeq: 0, readCount: 0, slots: [], frozen: '', toldControl: 0, toldHash: new Uint8Array() };
  readonly chain = { state: { number: 7, hash: new Uint8Array(32).fill(7) } };
  saved = 0;
  readonly room: string;

  constructor(room: string) {
    this.room = room;
  }

  readTo(seq: number, count: number): boolean {
    if (seq <= this.local.readSeq) return false;
    Object.assign(this.local, { readSeq: seq, readCount: count });
    return true;
  }

  async save(): Promise<void> {
    this.saved += 1;
  }

  exclusive<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }
}

/** This user's device with one other, `OTHER`. */
class Stage {
  readonly store = new MemoryStore();
  readonly rooms = new Map<string, { replica: FakeRoom }>();
  readonly sent: unknown[] = [];
  readonly counted: string[] = [];
  /** Devices that asked, and may have missed more than this. */
  readonly asked: string[] = [];
  now = 1_000_000;
  #background: Promise<void>[] = [];

  positions(): Positions {
    return new Positions({
      parts: () => this.parts(),
      rooms: () => ({ get: (id) => this.rooms.get(id) as never, all: () => [...this.rooms.values()] as never }),
      otherDevices: () => ['OTHER'],
      send: async (messages) => void this.sent.push(...messages.map((message) => message.type)),
      askedBy: async (device) => void this.asked.push(device),
    });
  }

  parts(): Parts {
    const engine = {
      sealForDevices: async (_: string, content: unknown, [to]: { devices: readonly string[] }[]) =>
        (to?.devices ?? []).map((device) => ({ user: me, device, type: JSON.stringify(content) }) as DeviceMessage),
    };
    const parts: Partial<Parts> = {
      user: me,
      store: this.store,
      engine: engine as unknown as Parts['engine'],
      live: () => true,
      count: (name) => void this.counted.push(name),
      background: (work) => void this.#background.push(work()),
      now: () => this.now,
    };
    return parts as Parts;
  }

  async settled(): Promise<void> {
    while (this.#background.length > 0) await Promise.all(this.#background.splice(0));
  }

  enter(id: string): FakeRoom {
    const replica = new FakeRoom(id);
    this.rooms.set(id, { replica });
    return replica;
  }

  rows(): Promise<string[]> {
    return this.store.list('account', prefixRange('')).then((rows) => rows.map(({ key }) => key));
  }
}

function from(device: string, content: unknown): PrivateMessage {
  return { sender: me, device, type: 'lu.luxchat.rooms', content };
}

const read = (seq: number, count: number) => ({ rooms: [{ room, seq, count, slots: [] }] });

describe('a read position of another own device', () => {
  it('is taken and kept', async () => {
    const stage = new Stage();
    const garden = stage.enter(room);
    await stage.positions().take(from('OTHER', read(5, 3)));
    expect([garden.local.readSeq, garden.local.readCount, garden.saved]).toEqual([5, 3, 1]);
  });

  it('waits in the store for a room that is not here yet, over a restart', async () => {
    const stage = new Stage();
    const before = stage.positions();
    await before.take(from('OTHER', read(5, 3)));
    await before.take(from('OTHER', read(4, 2)));
    const after = stage.positions();
    await after.load();
    const garden = stage.enter(room);
    after.seen(room);
    await stage.settled();
    expect([garden.local.readSeq, garden.saved]).toEqual([5, 1]);
    expect(await stage.rows()).toEqual([]);
  });

  it('is taken at the start where a crash came between the room and it', async () => {
    const stage = new Stage();
    await stage.positions().take(from('OTHER', read(5, 3)));
    const garden = stage.enter(room);
    await stage.positions().load();
    await stage.settled();
    expect(garden.local.readSeq).toBe(5);
  });

  it('is refused from a device that is not in the own list', async () => {
    const stage = new Stage();
    const garden = stage.enter(room);
    const positions = stage.positions();
    for (const device of ['REMOVED', undefined]) await positions.take({ ...from('', read(5, 3)), device });
    expect([garden.local.readSeq, stage.counted.length]).toEqual([0, 2]);
  });

  it.each([
    null,
    7,
    { rooms: 'all' },
    { rooms: [null, { room: 1 }, { room: 'x'.repeat(5_000), seq: 1, count: 1 }, { room, seq: -1, count: 2 ** 60 }] },
    { rooms: [{ room, seq: 0, count: 0, slots: [null, { slot: 'name', version: 1, content: '/w==' }] }] },
  ])('that is nonsense is no reason to stop: %j', async (content) => {
    const stage = new Stage();
    stage.enter(room);
    await stage.positions().take(from('OTHER', content));
    expect(await stage.rows()).toEqual([]);
  });
});

describe('a device that lost messages', () => {
  it('asks the others, once in ten minutes, and forgets it when it has asked', async () => {
    const stage = new Stage();
    const positions = stage.positions();
    await positions.ask();
    await positions.ask();
    await stage.settled();
    positions.close();
    expect(stage.sent).toEqual(['{"ask":true}']);
    expect(await stage.rows()).toEqual([]);
  });

  it('asks after a restart where it could not before', async () => {
    const stage = new Stage();
    const offline = stage.positions();
    offline.close();
    await offline.ask();
    const positions = stage.positions();
    positions.kick();
    await stage.settled();
    positions.close();
    expect(stage.sent).toEqual(['{"ask":true}']);
  });

  it('is told everything', async () => {
    const stage = new Stage();
    const garden = stage.enter(room);
    garden.readTo(5, 3);
    const positions = stage.positions();
    await positions.take(from('OTHER', { ask: true }));
    await stage.settled();
    const control = { number: 7, hash: toBase64(garden.chain.state.hash) };
    const [told] = read(5, 3).rooms;
    expect(stage.sent).toEqual([JSON.stringify({ rooms: [{ ...told, control }] })]);
    expect(stage.asked).toEqual(['OTHER']);
    expect(await stage.rows()).toEqual([]);
    positions.close();
  });

  it('is not told where a chain stands against which something is held', async () => {
    const stage = new Stage();
    stage.enter(room).local.frozen = 'CONTROL_UNVOUCHED';
    const positions = stage.positions();
    await positions.take(from('OTHER', { ask: true }));
    await stage.settled();
    positions.close();
    expect(stage.sent).toEqual([JSON.stringify(read(0, 0))]);
  });

  it('hears where chains stand, and keeps the newest of what it can read', async () => {
    const stage = new Stage();
    const garden = stage.enter(room);
    const hash = toBase64(new Uint8Array(32).fill(9));
    const say = async (control: unknown) => {
      await stage.positions().take(from('OTHER', { rooms: [{ ...read(0, 0).rooms[0], control }] }));
      return garden.local.toldControl;
    };
    for (const bad of [7, { number: -1, hash }, { number: 3, hash: 'short' }, { number: 3 }])
      expect(await say(bad)).toBe(0);
    expect([await say({ number: 5, hash }), await say({ number: 4, hash }), await say({ number: 6, hash })]).toEqual([
      5, 5, 6,
    ]);
    const [older, newer] = [5, 6].map((number) => ({ ...read(1, 1).rooms[0]!, control: { number, hash } }));
    for (const joined of [joinTold(older!, newer!), joinTold(newer!, older!), joinTold(newer!, read(2, 2).rooms[0]!)])
      expect(joined.control?.number).toBe(6);
  });
});
