// What a test can ask of a device, in a process of its own (driver.ts) or in the test's.
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { nowhere } from '#client/node/stand-in-walk.ts';
import { MemberStatus } from '#proto/gen/record.ts';

/** A line of a room as tests compare it. */
export interface LogLine {
  readonly id: string;
  readonly seq: number;
  readonly kind: string;
  readonly text: string;
  readonly trouble: string;
  readonly sending: string;
}

/** A message that can't be read. */
export interface Trouble {
  readonly seq: number;
  readonly at: number;
  readonly cause: string;
}

/** Somebody joined a room, or was removed. */
export interface Move {
  readonly seq: number;
  readonly user: string;
  readonly joined: boolean;
}

const everything = 1_000_000;

/** What a driver can be asked, besides `exit`. */
export type DriverCalls = {
  send: (room: string, text: string) => Promise<string>;
  /** Writes these one after the other; resolves when all were promised. */
  sendAll: (room: string, texts: readonly string[]) => Promise<void>;
  invite: (room: string, user: string) => Promise<void>;
  accept: (room: string) => Promise<void>;
  remove: (room: string, user: string) => Promise<void>;
  /** All messages of a room that can be read, older ones fetched. */
  texts: (room: string) => Promise<readonly (readonly [seq: number, text: string])[]>;
  /** Who came and went in a room. */
  moves: (room: string) => Promise<readonly Move[]>;
  /** Why something may still wait to go out: for logs. */
  standing: () => Promise<string>;
  /** How many lines wait to go out. */
  unsent: () => Promise<number>;
  /** How many records wait for a key. */
  waiting: () => Promise<number>;
  /** All that can't be read. */
  troubles: (room: string) => Promise<readonly Trouble[]>;
  /** Sessions that are lacking and not asked of everybody yet. */
  open: () => Promise<number>;
  flushed: (ms: number) => Promise<void>;
  /** The newest lines of a room, messages only. */
  log: (room: string, limit: number) => Promise<readonly LogLine[]>;
  /** Head seq, unread count, and whether this user is joined, or invited. */
  room: (room: string) => Promise<{
    readonly headSeq: number;
    readonly unread: number;
    readonly joined: boolean;
    readonly invited: boolean;
  }>;
  markRead: (room: string) => Promise<void>;
  counters: () => Promise<Readonly<Record<string, number>>>;
  /** Where to send the person for a step-up for the backup. */
  beginStepUp: () => Promise<string>;
  /** Opens the backup with the step-up that ended at this address; resolves before history is read back. */
  unlock: (address: string, password: string) => Promise<void>;
  /** Everything is in the backup, and nothing is to be read back. */
  secured: () => Promise<void>;
  /** Drops the connection as a bad network would. */
  cut: () => Promise<void>;
  close: () => Promise<void>;
};

/** The calls on a client. */
export function callsOf(client: LuxchatClient): DriverCalls {
  return {
    send: async (room, text) => (await client.send(room, text)).id,
    sendAll: async (room, texts) => {
      for (const text of texts) await client.send(room, text);
    },
    invite: (room, user) => client.invite(room, user),
    accept: (room) => client.accept(room),
    remove: (room, user) => client.remove(room, user),
    texts: async (room) => {
      const lines = await client.timeline(room, { limit: everything });
      return lines.flatMap(({ seq, kind, content }) =>
        kind === 'message' && content?.body?.$case === 'text' ? [[seq, content.body.value.text] as const] : [],
      );
    },
    troubles: async (room) => {
      const lines = await client.timeline(room, { limit: everything });
      return lines.flatMap(({ seq, at, trouble }) => (trouble === undefined ? [] : [{ seq, at, cause: trouble }]));
    },
    moves: async (room) => {
      const lines = await client.timeline(room, { limit: everything });
      return lines.flatMap(({ seq, notice }): Move[] => {
        if (notice?.what === 'joined' || notice?.what === 'created') return [{ seq, user: notice.actor, joined: true }];
        return notice?.what === 'removed' ? [{ seq, user: notice.target, joined: false }] : [];
      });
    },
    standing: async () => {
      const rooms = client.held.all().map(({ replica: { room, local, joined }, sender }) => {
        const waiting = client.outbox.waiting(room).map(({ kind, sendId }) => `${kind}:${sendId}`);
        const member = local.status;
        return { room: room.slice(0, 6), joined, member, frozen: local.frozen, may: sender.maySend(), waiting };
      });
      return JSON.stringify({ state: client.connection.state, confirmed: client.ownDevices.confirmed, rooms });
    },
    unsent: async () =>
      client.held.all().reduce((sum, { replica }) => sum + client.outbox.waiting(replica.room).length, 0),
    waiting: async () => {
      const rows = await client.parts.store.list('undecrypted', { from: ' ', to: '~', limit: everything });
      return rows.length;
    },
    open: () => client.sessionKeys.open(),
    flushed: (ms) => client.flushed(ms),
    log: async (room, limit) => {
      const lines = await client.timeline(room, { limit });
      return lines
        .filter(({ kind }) => kind !== 'notice')
        .map(({ id, seq, kind, content, trouble, sending }) => {
          const text = content?.body?.$case === 'text' ? content.body.value.text : '';
          return { id, seq, kind, text, trouble: trouble ?? '', sending: sending ?? '' };
        });
    },
    room: async (room) => {
      const { headSeq, unread, status } = client.room(room);
      const [joined, invited] = [MemberStatus.MEMBER_STATUS_JOINED, MemberStatus.MEMBER_STATUS_INVITED];
      return { headSeq, unread, joined: status === joined, invited: status === invited };
    },
    markRead: (room) => client.markRead(room),
    counters: async () => client.counters(),
    beginStepUp: () => client.beginStepUp({ purpose: 'backup', redirect: nowhere, client: 'terminal' }),
    unlock: async (address, password) => client.security.unlock(await client.finishStepUp('backup', address), password),
    secured: () => client.security.flushed(),
    cut: async () => client.connection.cut(),
    close: () => client.close(),
  };
}
