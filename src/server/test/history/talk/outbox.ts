// Messages of one device in one room, one after the other: each is sent until it has an answer for good, under the same send id and as the same
// bytes, over however many connections that takes. One that was made before somebody lost access is made anew, as the hub asks for.

import { Rejected } from '#bench/lib/raw-client.ts';
import { contentEvent, type Place } from '#bench/lib/rooms.ts';
import type { Submit } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import type { Placed } from '../events.ts';
import type { Recorder } from '../recorder.ts';
import type { Waited } from './back-off.ts';
import type { Connection } from './connection.ts';
import { shortHash } from './frames.ts';

interface Message {
  /** What it is now; none while others are before it. */
  sendId: number;
  submit: Submit | null;
  content: string;
  /** Makes it for a send id; `again` = it may be made anew where its control head is stale. */
  readonly make: (sendId: number) => Submit;
  readonly again: boolean;
  readonly resolve: (placed: Placed) => void;
  readonly reject: (error: Error) => void;
}

/** Below: the same again after a while. */
const finalFrom = 20;

export class Outbox {
  #place: Omit<Place, 'sendId' | 'body'>;
  readonly #device: string;
  readonly #recorder: Recorder;
  readonly #waited: Waited;
  readonly #queue: Message[] = [];
  #connection: Connection | null = null;
  #sending = false;
  #sendId: number;

  /** `sendId` is the last one that the device used in the room. */
  constructor(
    place: Omit<Place, 'sendId' | 'body'>,
    parts: { device: string; recorder: Recorder; waited: Waited; sendId: number },
  ) {
    this.#place = place;
    this.#waited = parts.waited;
    this.#device = parts.device;
    this.#recorder = parts.recorder;
    this.#sendId = parts.sendId;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** Resolves with the place when it was accepted; rejects with Rejected when it was refused for good. */
  send(body: Uint8Array): Promise<Placed> {
    const parts = { person: undefined, credential: undefined, partner: '' };
    const make = (sendId: number) => {
      const event = contentEvent({ ...this.#place, sendId, body });
      return { room: this.#place.room, event, ...parts };
    };
    return this.#push({ make, again: true });
  }

  /** The same for an entry of the control chain: nobody else may make one meanwhile. */
  sendControl(make: (sendId: number) => Submit): Promise<Placed> {
    return this.#push({ make, again: false });
  }

  #push({ make, again }: Pick<Message, 'make' | 'again'>): Promise<Placed> {
    return new Promise<Placed>((resolve, reject) => {
      this.#queue.push({ sendId: 0, submit: null, content: '', make, again, resolve, reject });
      if (this.#queue.length > 1) return;
      this.#begin();
      if (this.#connection !== null) void this.#work(this.#connection);
    });
  }

  /** The first in the queue gets its id. The person waits from now on, connected or not. */
  #begin(): void {
    const [message] = this.#queue;
    if (message === undefined) return;
    this.#make(message);
    message.content = `${this.#place.room} ${this.#device} ${message.sendId}`;
    this.#note({ kind: 'sent', ...this.#sendOf(message.sendId), content: message.content });
  }

  #make(message: Message): void {
    message.sendId = ++this.#sendId;
    message.submit = message.make(message.sendId);
  }

  /** There is a connection. */
  resume(connection: Connection): void {
    this.#connection = connection;
    void this.#work(connection);
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
      else await this.#waited(++tries, retryMs);
    }
    this.#sending = false;
    // Another connection may have come while the old one was waited for.
    if (this.#connection !== null && this.#connection !== connection) void this.#work(this.#connection);
  }

  /** Null where it has an answer for good; else how long to wait at least before it is tried again. */
  async #try(message: Message, connection: Connection): Promise<number | null> {
    const { sendId, content, resolve, reject } = message;
    const value = message.submit as Submit;
    const send = this.#sendOf(sendId);
    this.#note({ kind: 'sent', ...send, content });
    try {
      const { seq, hash } = await connection.ask({ $case: 'submit', value }, 'accepted');
      const placed = { seq, hash: shortHash(hash) };
      this.#note({ kind: 'accepted', ...send, ...placed });
      this.#next();
      resolve(placed);
      return null;
    } catch (error) {
      if (!(error instanceof Rejected)) {
        this.#note({ kind: 'unanswered', ...send });
        return 0;
      }
      this.#note({ kind: 'rejected', ...send, code: error.code });
      if (error.code < finalFrom) return error.retryAfterMs;
      if (error.code === Rejection.REJECTION_STALE_STATE && message.again && error.control !== undefined) {
        this.#place = { ...this.#place, control: error.control };
        this.#make(message);
        return 0;
      }
      this.#next();
      reject(error);
      return null;
    }
  }

  #next(): void {
    this.#queue.shift();
    this.#begin();
  }

  #note(event: Parameters<Recorder['note']>[0]): void {
    this.#recorder.note(event);
  }

  #sendOf(sendId: number) {
    return { device: this.#device, room: this.#place.room, sendId };
  }
}
