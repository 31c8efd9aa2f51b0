// The other ends of a transport's sockets: a WebSocket client that keeps what came, and an HTTP client that writes its bytes itself.
import { createConnection, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import { joinFrames, splitFrames } from '../../frames.ts';
import { completeLimits } from '../../limits.ts';
import { until } from './waiting.ts';

/** One frame: `seq` in four bytes, then filling. */
export function numbered(seq: number, length = 4): Uint8Array {
  const frame = new Uint8Array(length);
  new DataView(frame.buffer).setUint32(0, seq);
  return frame;
}
export const seqOf = (frame: Uint8Array) => new DataView(frame.buffer, frame.byteOffset).getUint32(0);

/** A `ws` client that keeps the frames of each message. */
export class Client {
  readonly messages: Uint8Array[][] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly socket: WebSocket;
  readonly #opened: Promise<void>;
  #count = 0;
  readonly #wakers = new Set<() => void>();

  constructor(url: string, options: { protocol?: string; headers?: Record<string, string>; ca?: Buffer } = {}) {
    const { protocol, ...rest } = options;
    this.socket = new WebSocket(url, protocol === undefined ? [] : [protocol], rest);
    this.#opened = new Promise((resolve, reject) => {
      this.socket.once('open', resolve);
      this.socket.once('error', reject);
    });
    this.#opened.catch(() => {});
    this.socket.on('error', () => {});
    this.socket.on('message', (data: Buffer) => {
      this.messages.push(splitFrames(data, completeLimits()) as Uint8Array[]);
      this.#count += this.messages.at(-1)?.length ?? 0;
      for (const wake of this.#wakers) wake();
    });
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  async open(): Promise<this> {
    await this.#opened;
    return this;
  }

  get frames(): Uint8Array[] {
    return this.messages.flat();
  }

  send(...frames: Uint8Array[]): void {
    this.socket.send(joinFrames(frames));
  }

  /** Resolves when this many frames came. */
  async received(count: number): Promise<Uint8Array[]> {
    await until(() => this.#count >= count, this.#wakers, `${count} frames`);
    return this.frames;
  }
}

/** A connection whose bytes a test writes itself. */
export class RawConnection {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  #text = '';
  readonly #wakers = new Set<() => void>();

  constructor(port: number, ...parts: (string | Buffer)[]) {
    this.socket = createConnection(port, '127.0.0.1').setNoDelay();
    this.socket.on('data', (data) => {
      this.#text += data.toString('latin1');
      for (const wake of this.#wakers) wake();
    });
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()));
    if (parts.length > 0) this.socket.write(Buffer.concat(parts.map((part) => Buffer.from(part))));
  }

  /** Resolves when the bytes are with the kernel, or can't be any more. */
  write(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => this.socket.write(bytes, () => resolve()));
  }

  /** Has no more to say; resolves when the other side closed, too. */
  ended(): Promise<void> {
    this.socket.end();
    return this.closed;
  }

  /** The status that came. */
  async status(): Promise<number> {
    await until(() => this.#text.includes('\r\n\r\n'), this.#wakers, 'an HTTP answer');
    return Number(this.#text.slice(9, 12));
  }

  /** Resolves when the answer holds this text. */
  async holds(text: string): Promise<void> {
    await until(() => this.#text.includes(text), this.#wakers, text);
  }
}

/** An HTTP request of these lines. */
export class RawRequest extends RawConnection {
  constructor(port: number, ...lines: string[]) {
    super(port, `${lines.join('\r\n')}\r\n\r\n`);
  }
}
