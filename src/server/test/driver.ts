// A device in a process of its own, driven by lines of JSON: `{id, call, args}` in, `{id, value}` or `{id, error}` out, and `{event, value}`
// unasked. For tests that kill clients: what was promised durable must be there when the next process opens the folder.
import { createInterface } from 'node:readline';
import { ClientError } from '#client/errors.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { openDevice } from '#client/node/device-folder.ts';
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

/** What a driver can be asked, besides `exit`. */
export type DriverCalls = {
  send: (room: string, text: string) => Promise<string>;
  flushed: (ms: number) => Promise<void>;
  /** The newest lines of a room, messages only. */
  log: (room: string, limit: number) => Promise<readonly LogLine[]>;
  /** Head seq, unread count, and whether this user is joined. */
  room: (room: string) => Promise<{ readonly headSeq: number; readonly unread: number; readonly joined: boolean }>;
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

function callsOf(client: LuxchatClient): DriverCalls {
  return {
    send: async (room, text) => (await client.send(room, text)).id,
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
      return { headSeq, unread, joined: status === MemberStatus.MEMBER_STATUS_JOINED };
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

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function drive(folder: string): Promise<void> {
  const client = await openDevice(folder, { backoffMaxMs: 300, requestTimeoutMs: 10_000 });
  client.on('alarm', (value) => say({ event: 'alarm', value }));
  client.on('fault', (error) => say({ event: 'fault', value: String(error.stack) }));
  client.on('ended', ({ code }) => say({ event: 'ended', value: code }));
  await client.start();
  say({ event: 'started' });
  const calls: Readonly<Record<string, (...args: never[]) => Promise<unknown>>> = callsOf(client);
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, call, args } = JSON.parse(line) as { id: number; call: string; args: never[] };
    const work = calls[call];
    if (!work) throw new Error(`the driver does not know ${call}`);
    work(...args).then(
      (value) => say({ id, value: value ?? null }),
      (error) => {
        if (!(error instanceof ClientError)) throw error;
        say({ id, error: `${error.code}: ${error.message}` });
      },
    );
  }
}

await drive(process.argv[2] as string);
