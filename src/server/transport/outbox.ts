// What leaves in one loop turn: frames queued by publish and send are joined and handed to the socket layer once, at the turn's end.
// System calls are the cost of fan-out, not encoding: one message per topic and one write per socket, however many events a turn had.
// It guarantees the order within a topic and within the sends to one socket. At the end of a turn publishes go first, then sends.
import { framedBytes, writeFrames } from './frames.ts';
import type { TransportLimits } from './limits.ts';

/** What the outbox keeps on each connection: two fields, null while nothing waits. */
export interface Pending {
  pending: Uint8Array[] | null;
  pendingBytes: number;
}

/** The socket layer below. Bytes handed over are whole messages. */
export interface OutboxPort<C extends Pending> {
  /** True if bytes are copied before the call returns, so that the outbox may reuse its buffer. */
  readonly copiesBytes: boolean;
  publishBytes(topic: string, message: Uint8Array): void;
  /** False: not now, keep it and ask again next turn. */
  sendBytes(connection: C, message: () => Uint8Array): boolean;
  /** After the last of a turn. */
  endTurn(): void;
}

interface Batch {
  frames: Uint8Array[];
  bytes: number;
}

// uWebSockets.js joins what it sends to a socket in a buffer of 16 KiB; longer publishes are copied once per subscriber.
const publishBytesMax = 16_000;
const scratchBytes = 64 * 1024;

export class Outbox<C extends Pending> {
  readonly #port: OutboxPort<C>;
  readonly #limits: TransportLimits;
  readonly #topics = new Map<string, Batch>();
  #senders: C[] = [];
  #spare: Batch[] = [];
  #scheduled = false;
  readonly #scratch = new Uint8Array(scratchBytes);
  readonly #flush = () => {
    this.#scheduled = false;
    this.flush();
  };

  constructor(port: OutboxPort<C>, limits: TransportLimits) {
    this.#port = port;
    this.#limits = limits;
  }

  /** Queues a frame for a topic. Throws a RangeError on an empty or oversized one. */
  publish(topic: string, frame: Uint8Array): void {
    const bytes = this.#checked(frame);
    let batch = this.#topics.get(topic);
    if (
      batch !== undefined &&
      (batch.bytes + bytes > publishBytesMax || batch.frames.length === this.#limits.messageFramesMax)
    ) {
      this.#publishBatch(topic, batch);
      batch = undefined;
    }
    if (batch === undefined) {
      batch = this.#spare.pop() ?? { frames: [], bytes: 0 };
      this.#topics.set(topic, batch);
      this.#schedule();
    }
    batch.frames.push(frame);
    batch.bytes += bytes;
  }

  /** Queues a frame for one connection and returns the bytes that now wait for it here. Throws a RangeError like `publish`. */
  send(connection: C, frame: Uint8Array): number {
    const bytes = this.#checked(frame);
    if (connection.pending === null) {
      connection.pending = [];
      this.#senders.push(connection);
      this.#schedule();
    }
    connection.pending.push(frame);
    connection.pendingBytes += bytes;
    return connection.pendingBytes;
  }

  /** Hands over what waits for a topic, so that a subscription can change at exactly this point of the order. */
  flushTopic(topic: string): void {
    const batch = this.#topics.get(topic);
    if (batch !== undefined) this.#publishBatch(topic, batch);
  }

  /** Hands over everything. */
  flush(): void {
    for (const [topic, batch] of this.#topics) this.#publishBatch(topic, batch);
    const senders = this.#senders;
    this.#senders = [];
    for (const connection of senders) this.#sendPending(connection);
    this.#port.endTurn();
  }

  /** Drops what waits for a connection that is gone. */
  forget(connection: C): void {
    connection.pending = null;
    connection.pendingBytes = 0;
  }

  #publishBatch(topic: string, batch: Batch): void {
    this.#topics.delete(topic);
    this.#port.publishBytes(topic, this.#join(batch.frames, batch.bytes));
    batch.frames.length = 0;
    batch.bytes = 0;
    if (this.#spare.length < 256) this.#spare.push(batch);
  }

  #sendPending(connection: C): void {
    const frames = connection.pending;
    if (frames === null) return;
    let start = 0;
    while (start < frames.length) {
      let end = start;
      let bytes = 0;
      while (end < frames.length && end - start < this.#limits.messageFramesMax) {
        const next = framedBytes(frames[end] as Uint8Array);
        if (bytes + next > this.#limits.messageBytesMax) break;
        bytes += next;
        end++;
      }
      const part = start === 0 && end === frames.length ? frames : frames.slice(start, end);
      if (!this.#port.sendBytes(connection, () => this.#join(part, bytes))) break;
      // Closed from below: `forget` has emptied it.
      if (connection.pending === null) return;
      connection.pendingBytes -= bytes;
      start = end;
    }
    connection.pending = null;
    if (start === frames.length) return;
    connection.pending = frames.slice(start);
    this.#senders.push(connection);
    this.#schedule();
  }

  #join(frames: readonly Uint8Array[], bytes: number): Uint8Array {
    const target =
      this.#port.copiesBytes && bytes <= scratchBytes ? this.#scratch.subarray(0, bytes) : new Uint8Array(bytes);
    writeFrames(target, frames);
    return target;
  }

  #checked(frame: Uint8Array): number {
    if (frame.length > this.#limits.frameBytesMax)
      throw new RangeError(`frame of ${frame.length} bytes is over ${this.#limits.frameBytesMax}`);
    return framedBytes(frame);
  }

  // Once per turn of the event loop, after everything that this turn's sockets had to say.
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#flush);
  }
}
