// Messages of one device in one room, one after the other: each is sent until it has an answer for good, under the same send id and as the same
// bytes, over however many connections that takes.

import { Rejected } from '#bench/lib/raw-client.ts';
import { contentEvent, type Place } from '#bench/lib/rooms.ts';
import type { Event } from '#proto/gen/record.ts';
import type { Placed } from '../events.ts';
import type { Recorder } from '../recorder.ts';
import { waited } from './back-off.ts';
import type { Connection } from './connection.ts';
import { shortHash } from './frames.ts';

interface Message {
  readonly sendId: number;
  readonly content: string;
  readonly event: Event;
  readonly resolve: (placed: Placed) => void;
  readonly reject: (error: Error) => void;
}

/** Below: the same again after a while. */
const finalFrom = 20;

export class Outbox {
  readonly #place: Omit<Place, 'sendId' | 'body'>;
  readonly #device: string;
  readonly #recorder: Recorder;
  readonly #queue: Message[] = [];
  #connection: Connection | null = null;
  #sending = false;
  #sendId: number;

  /** `sendId` is the last one that the device used in the room. */
  constructor(place: Omit<Place, 'sendId' | 'body'>, parts: { device: string; recorder: Recorder; sendId: number }) {
    this.#place = place;
    this.#device = parts.device;
    this.#recorder = parts.recorder;
    this.#sendId = parts.sendId;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** Resolves with the place when it was accepted; rejects with Rejected when it was refused for good. */
  send(body: Uint8Array): Promise<Placed> {
    const sendId = ++this.#sendId;
    const content = `${this.#place.room} ${this.#device} ${sendId}`;
    const event = contentEvent({ ...this.#place, sendId, body });
    const result = new Promise<Placed>((resolve, reject) => {
      this.#queue.push({ sendId, content, event, resolve, reject });
    });
    // The person waits from now on, connected or not.
    this.#note({ kind: 'sent', ...this.#sendOf(sendId), content });
    if (this.#connection !== null) this.#work(this.#connection);
    return result;
  }

  /** There is a connection. */
  resume(connection: Connection): void {
    this.#connection = connection;
    this.#work(connection);
  }

  /** There is none. */
  pause(): void {
    this.#connection = null;
  }

  async #work(connection: Connection): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    let tries = 0;
    for (let message = this.#queue[0]; message !== undefined; message = this.#queue[0]) {
      if (this.#connection !== connection) break;
      const retryMs = await this.#try(message, connection);
      if (retryMs === null) tries = 0;
      else await waited(++tries, retryMs);
    }
    this.#sending = false;
    // Another connection may have come while the old one was waited for.
    if (this.#connection !== null && this.#connection !== connection) this.#work(this.#connection);
  }

  /** Null where it has an answer for good; else how long to wait at least before it is tried again. */
  async #try({ sendId, content, event, resolve, reject }: Message, connection: Connection): Promise<number | null> {
    const send = this.#sendOf(sendId);
    const { room } = this.#place;
    const value = { room, event, person: undefined, credential: undefined, partner: '' };
    this.#note({ kind: 'sent', ...send, content });
    try {
      const { seq, hash } = await connection.ask({ $case: 'submit', value }, 'accepted');
      const placed = { seq, hash: shortHash(hash) };
      this.#note({ kind: 'accepted', ...send, ...placed });
      this.#queue.shift();
      resolve(placed);
      return null;
    } catch (error) {
      if (!(error instanceof Rejected)) {
        this.#note({ kind: 'unanswered', ...send });
        return 0;
      }
      this.#note({ kind: 'rejected', ...send, code: error.code });
      if (error.code < finalFrom) return error.retryAfterMs;
      this.#queue.shift();
      reject(error);
      return null;
    }
  }

  #note(event: Parameters<Recorder['note']>[0]): void {
    this.#recorder.note(event);
  }

  #sendOf(sendId: number) {
    return { device: this.#device, room: this.#place.room, sendId };
  }
}
