// A bot over a client that the test plays: which rooms it stays in.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Emitter } from '#client/emitter.ts';
import { ClientError } from '#client/errors.ts';
import type { ClientEvents } from '#client/events.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import type { RoomInfo, TimelineItem } from '#client/shown.ts';
import { MemberStatus } from '#proto/gen/record.ts';
import { Bot } from './bot.ts';

const { MEMBER_STATUS_INVITED: invited, MEMBER_STATUS_JOINED: joined, MEMBER_STATUS_LEFT: left } = MemberStatus;

const soon = (check: () => void) => vi.waitFor(check, { timeout: 20_000 });

/** A client in 1:1 rooms with silent people. */
class Stage extends Emitter<ClientEvents> {
  readonly #rooms = new Map<string, RoomInfo>();
  readonly gone: string[] = [];
  readonly startedOver: { readonly user: string; readonly changedTo: Uint8Array }[] = [];
  readonly approved: string[] = [];
  failures = 0;
  looks = 0;
  readonly accepted: string[] = [];
  readonly declined: string[] = [];
  /** What is said in every room. */
  said: TimelineItem[] = [];
  /** What the bot was asked for. */
  readonly heard: string[] = [];
  readonly bot: Bot;

  constructor(roomsMax: number) {
    super();
    const client = {
      on: this.on.bind(this),
      start: async () => {},
      synced: async () => this.emit('synced', undefined),
      close: async () => {},
      rooms: () => [...this.#rooms.values()],
      user: '@bot:x',
      people: { startedOver: () => this.startedOver },
      approveIdentity: async (user: string) => void this.approved.push(user),
      room: (room: string) => this.#rooms.get(room),
      leave: (room: string) => this.#leave(room),
      timeline: async (_: string, { beforeSeq }: { beforeSeq?: number }) => {
        this.looks += 1;
        return beforeSeq === undefined ? this.said : [];
      },
      accept: async (room: string) => void this.accepted.push(room),
      decline: async (room: string) => void this.declined.push(room),
      send: async () => {},
    };
    this.bot = new Bot(client as unknown as LuxchatClient, { said: this.#say }, { roomsMax });
  }

  readonly #say = (_: unknown, text: string) => {
    this.heard.push(text);
    return 'yes';
  };

  /** A room of another kind, or where it is only invited. */
  hasOther(room: string, other: { direct: boolean; status: MemberStatus }): void {
    this.#rooms.set(room, { room, lastMs: 1, members: [], ...other } as unknown as RoomInfo);
  }

  /** In this room the newest record came then. */
  has(room: string, lastMs: number, other: MemberStatus = joined): void {
    const person = { user: '@ann:x', status: other };
    this.#rooms.set(room, {
      room,
      lastMs,
      direct: true,
      status: joined,
      members: [],
      other: person,
    } as unknown as RoomInfo);
  }

  /** Something comes in this room; resolves when the bot has looked at it. */
  async comes(room: string): Promise<void> {
    const before = this.looks;
    this.emit('item', { room } as TimelineItem);
    await soon(() => expect(this.looks).toBeGreaterThan(before));
    await new Promise((turn) => setImmediate(turn));
  }

  async begin(rooms: number): Promise<void> {
    await this.bot.start();
    await soon(() => expect(this.looks).toBe(rooms));
    await new Promise((turn) => setImmediate(turn));
  }

  async #leave(room: string): Promise<void> {
    if (this.failures-- > 0) throw new ClientError('OFFLINE', 'gone');
    this.#rooms.set(room, { ...this.#rooms.get(room)!, status: left });
    this.gone.push(room);
  }
}

let stage: Stage;
afterEach(() => stage.bot.close());

describe('a bot', () => {
  it('lets in again who started over, and not itself', async () => {
    stage = new Stage(3);
    const changed = new Uint8Array(32).fill(1);
    stage.startedOver.push({ user: '@ann:x', changedTo: changed }, { user: '@bot:x', changedTo: changed });
    await stage.begin(0);
    expect(stage.approved).toEqual(['@ann:x']);
    stage.startedOver.push({ user: '@ben:x', changedTo: changed });
    stage.emit('alarm', { code: 'IDENTITY_SWAPPED', user: '@ben:x' });
    expect(stage.approved).toEqual(['@ann:x', '@ann:x', '@ben:x']);
  });

  it('stays in as many rooms as it may, and leaves the one that was silent longest when one more comes', async () => {
    stage = new Stage(3);
    for (const [room, lastMs] of [
      ['a', 30],
      ['b', 10],
      ['c', 20],
    ] as const)
      stage.has(room, lastMs);
    await stage.begin(3);
    expect(stage.gone).toEqual([]);
    await stage.comes('b');
    stage.has('d', 40);
    await stage.comes('d');
    expect(stage.gone).toEqual(['c']);
    stage.has('e', 50);
    await stage.comes('e');
    expect(stage.gone).toEqual(['c', 'a']);
  });

  it('accepts whoever invites it into a 1:1 room, declines groups, and leaves one that it was got into', async () => {
    stage = new Stage(3);
    const group = { direct: false };
    stage.hasOther('!one', { direct: true, status: invited });
    stage.hasOther('!asked', { ...group, status: invited });
    stage.hasOther('!in', { ...group, status: joined });
    stage.hasOther('!gone', { ...group, status: left });
    await stage.begin(0);
    await soon(() => expect([stage.accepted, stage.declined, stage.gone]).toEqual([['!one'], ['!asked'], ['!in']]));
    // The same of what comes later.
    stage.hasOther('!late', { ...group, status: invited });
    stage.emit('invitation', { room: '!late' } as RoomInfo);
    await soon(() => expect(stage.declined).toEqual(['!asked', '!late']));
    expect([stage.looks, stage.accepted]).toEqual([0, ['!one']]);
  });

  it('looks at 5,000 characters of a text, and not at one more', async () => {
    stage = new Stage(3);
    const line = (seq: number, characters: number) =>
      ({
        ...{ id: `1.1.${seq}`, room: '!a', seq, sender: '@ann:x', own: false, kind: 'message' },
        content: { body: { $case: 'text', value: { text: 'x'.repeat(characters) } } },
      }) as unknown as TimelineItem;
    stage.said = [line(1, 5_000), line(2, 5_001)];
    stage.has('!a', 1);
    await stage.bot.start();
    await soon(() => expect(stage.heard.map((text) => text.length)).toEqual([5_000, 5_000]));
  });

  it('answers nobody who left', async () => {
    stage = new Stage(3);
    stage.has('!a', 1, left);
    stage.has('!b', 2);
    // Of the two it reads one alone.
    await stage.begin(1);
    expect(stage.looks).toBe(1);
  });

  it('leaves the same one later, where it could not now', async () => {
    stage = new Stage(1);
    stage.has('a', 10);
    await stage.begin(1);
    stage.failures = 1;
    stage.has('b', 20);
    await stage.comes('b');
    expect(stage.gone).toEqual([]);
    await stage.comes('b');
    expect(stage.gone).toEqual(['a']);
  });
});
