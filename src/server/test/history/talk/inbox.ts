// Device messages of one device: sends them until they are stored, reads the own ones to the head and acknowledges them.
import { Rejected } from '#bench/lib/raw-client.ts';
import type { Tokens } from '#client/connection/login.ts';
import type { Welcome } from '#proto/gen/client.ts';
import type { InboxEntry } from '#proto/gen/record.ts';
import { utf8Bytes, utf8Text } from '#proto/rules/bytes/bytes.ts';
import { deviceKey } from '../events.ts';
import type { Recorder } from '../recorder.ts';
import type { Waited } from './back-off.ts';
import type { Connection } from './connection.ts';

export class Inbox {
  readonly #device: string;
  readonly #recorder: Recorder;
  readonly #waited: Waited;
  #connection: Connection | null = null;
  #connected = Promise.withResolvers<Connection>();
  #cursor = 0;
  #head = 0;
  #reading = false;

  constructor({ userId, deviceNumber }: Tokens, { recorder, waited }: { recorder: Recorder; waited: Waited }) {
    this.#device = deviceKey(userId, deviceNumber);
    this.#recorder = recorder;
    this.#waited = waited;
  }

  /** There is a connection. */
  resume(connection: Connection, { inboxHead, inboxCursor }: Welcome): void {
    this.#connection = connection;
    this.#connected.resolve(connection);
    this.#cursor = inboxCursor;
    // The head stays: what was pushed right behind the welcome has been heard before this.
    this.#reading = false;
    this.moved(inboxHead);
  }

  pause(): void {
    this.#connection = null;
    this.#connected = Promise.withResolvers();
  }

  /** There is more. */
  moved(head: number): void {
    this.#head = Math.max(this.#head, head);
    const connection = this.#connection;
    if (connection === null || this.#reading) return;
    this.#reading = true;
    this.#read(connection).catch(() => connection.cut());
  }

  /** Resolves when the message is stored at that device. */
  async send(room: string, { userId: user, deviceNumber }: Tokens, id: string): Promise<void> {
    const message = { user, device: deviceNumber, type: 'm.dummy', content: utf8Bytes('{}'), id: utf8Bytes(id) };
    const value = { room, messages: [message] };
    for (let tries = 1; ; tries++) {
      const connection = await this.#connected.promise;
      try {
        const report = await connection.ask({ $case: 'sendDeviceMessages', value }, 'deliveryReport');
        if (report.undelivered.length === 0) break;
        await this.#waited(tries, report.undelivered[0]?.retryAfterMs);
      } catch (error) {
        await this.#waited(tries, error instanceof Rejected ? error.retryAfterMs : 0);
      }
    }
    this.#recorder.note({ kind: 'inbox-stored', to: deviceKey(user, deviceNumber), id });
  }

  async #read(connection: Connection): Promise<void> {
    const device = this.#device;
    for (let tries = 1; this.#connection === connection && this.#cursor < this.#head; ) {
      try {
        const after = this.#cursor;
        const fetch = { $case: 'fetchInbox', value: { after, limit: 200 } } as const;
        const { entries, through, head, needsFullSync } = await connection.ask(fetch, 'inboxPage');
        const placed = entries.map((entry) => ({ seq: entry.seq, id: idOf(entry) }));
        this.#recorder.note({ kind: 'inbox-read', device, after, through, entries: placed, needsFullSync });
        const ack = { $case: 'ackInbox', value: { through, synced: needsFullSync } } as const;
        await connection.ask(ack, 'done');
        this.#recorder.note({ kind: 'inbox-acked', device, through });
        this.#cursor = through;
        this.#head = Math.max(this.#head, head);
        tries = 1;
      } catch (error) {
        if (!(error instanceof Rejected)) throw error;
        await this.#waited(tries++, error.retryAfterMs);
      }
    }
    if (this.#connection === connection) this.#reading = false;
  }
}

function idOf({ seq, body }: InboxEntry): string {
  return body?.$case === 'deviceMessage' ? (utf8Text(body.value.id) ?? '') : `${body?.$case} ${seq}`;
}
