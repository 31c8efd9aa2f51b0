import { describe, expect, it } from 'vitest';
import { InboxPage } from '#proto/gen/client.ts';
import { InboxEntry, MemberStatus, RoomStanding } from '#proto/gen/record.ts';
import type { PrivateMessage, ReceiveReport } from '../crypto/engine.ts';
import type { Parts } from '../parts.ts';
import { MemoryStore } from '../store/memory-store.ts';
import type { ClientBody } from './connection.ts';
import { Inbox } from './inbox.ts';

const me = '@me:localhost';
const said: PrivateMessage = { sender: me, device: 'OTHER', type: 'lu.luxchat.rooms', content: {} };

/** One entry at the server; the engine opens it once, as a ratchet does. */
class Stage {
  readonly store = new MemoryStore();
  readonly acked: number[] = [];
  lost = 0;
  #opened = false;

  /** Other entries than that one. */
  bodies: readonly InboxEntry['body'][] | null = null;
  /** What follows from a page, in order. */
  readonly followed: string[] = [];

  inbox(privateMessage: (message: PrivateMessage) => Promise<void>): Inbox {
    const nothing = async () => {};
    const follow = async (what: string) => void this.followed.push(what);
    return new Inbox({
      parts: () => this.parts(),
      roomKeys: nothing,
      standing: (room, status) => follow(`${room} ${status}`),
      manifest: (user, version) => follow(`manifest of ${user} ${version}`),
      devices: () => follow('devices'),
      newcomer: nothing,
      blocks: nothing,
      fullSync: nothing,
      privateMessage,
      lost: async () => void this.lost++,
    });
  }

  parts(): Parts {
    const engine = {
      flush: async () => ({ sent: 0, failed: 0 }),
      receive: async ({ messages }: { messages: readonly unknown[] }): Promise<ReceiveReport> => {
        const first = messages.length > 0 && !this.#opened;
        this.#opened ||= first;
        return {
          roomKeys: [],
          messages: first ? [said] : [],
          dropped: messages.length > 0 && !first ? 1 : 0,
          undecrypted: messages.length > 0 && !first ? [me] : [],
        };
      },
    };
    const parts: Partial<Parts> = {
      user: me,
      store: this.store,
      engine: engine as unknown as Parts['engine'],
      request: (async (body: ClientBody) => this.answer(body)) as unknown as Parts['request'],
      count: () => {},
    };
    return parts as Parts;
  }

  answer(body: ClientBody): unknown {
    if (body.$case === 'ackInbox') this.acked.push(body.value.through);
    if (body.$case !== 'fetchInbox') return {};
    const { after } = body.value;
    const value = {
      sender: me,
      senderDevice: 2,
      type: 'm.room.encrypted',
      content: new Uint8Array(),
      id: new Uint8Array(1),
    };
    const bodies = this.bodies ?? [{ $case: 'deviceMessage', value } as const];
    const entries = bodies.map((each, at) => ({ ...InboxEntry.decode(new Uint8Array()), seq: at + 1, body: each }));
    const { length: head } = entries;
    return { ...InboxPage.decode(new Uint8Array()), entries: entries.slice(after), through: head, head };
  }
}

describe('the inbox', () => {
  // Read positions were taken behind the acknowledgement: a crash in between lost them for good.
  it('moves on only when a private message is durable', async () => {
    const stage = new Stage();
    let durable = () => {};
    let taking = () => {};
    const taken = new Promise<void>((resolve) => {
      taking = resolve;
    });
    const inbox = stage.inbox(() => {
      taking();
      return new Promise((resolve) => {
        durable = resolve;
      });
    });
    const read = inbox.read();
    await taken;
    expect([stage.acked, await stage.store.get('account', 'cursor')]).toEqual([[], undefined]);
    durable();
    await read;
    expect(stage.acked).toEqual([1]);
    expect(stage.lost).toBe(0);
  });

  it('notices a message of an own device that a crash took away', async () => {
    const stage = new Stage();
    const crashed = stage.inbox(() => Promise.reject(new Error('the process was killed here')));
    await expect(crashed.read()).rejects.toThrow('killed');
    const again = stage.inbox(async () => {});
    await again.load();
    await again.read();
    expect([stage.lost, stage.acked]).toEqual([1, [1]]);
  });

  // A new device finds all that own devices ever did: it asked twice for each entry, until the limit of queries made it wait for minutes.
  it('follows what a page says again and again once, with the newest of it', async () => {
    const stage = new Stage();
    const manifest = (user: string, version: number) =>
      ({ $case: 'manifest', value: { user, head: { version, hash: new Uint8Array() } } }) as const;
    const standing = (room: string, status: MemberStatus) =>
      ({ $case: 'standing', value: { ...RoomStanding.decode(new Uint8Array()), room, status } }) as const;
    stage.bodies = [
      { $case: 'deviceNotice', value: { device: 2, removed: false } },
      { $case: 'keys', value: { user: me } },
      manifest('@her:localhost', 1),
      manifest(me, 1),
      { $case: 'deviceNotice', value: { device: 3, removed: false } },
      standing('!one', MemberStatus.MEMBER_STATUS_INVITED),
      manifest('@her:localhost', 2),
      manifest(me, 2),
      standing('!two', MemberStatus.MEMBER_STATUS_INVITED),
      standing('!one', MemberStatus.MEMBER_STATUS_JOINED),
    ];
    await stage.inbox(async () => {}).read();
    expect(stage.followed).toEqual([`manifest of ${me} 2`, 'manifest of @her:localhost 2', '!one 2', '!two 1']);
  });

  it('looks at own devices where no manifest of theirs moved', async () => {
    const stage = new Stage();
    stage.bodies = [
      { $case: 'keys', value: { user: me } },
      { $case: 'deviceNotice', value: { device: 2, removed: false } },
      { $case: 'keys', value: { user: '@her:localhost' } },
    ];
    await stage.inbox(async () => {}).read();
    expect(stage.followed).toEqual(['devices']);
  });
});
