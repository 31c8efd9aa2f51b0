// Many WebSocket clients that cost next to nothing: raw TCP sockets, one shared read buffer, no copies, payloads counted and not decoded.
// It counts messages and payload bytes; who sends frames of one size knows the deliveries exactly. It checks nothing of the content.
import { connect, type Socket } from 'node:net';

export interface SwarmTarget {
  readonly port: number;
  readonly path: string;
  /** Bytes of the first WebSocket message (frames with their lengths), sent right after the handshake. */
  readonly first?: Uint8Array;
}

/** One raw client: counts what comes. */
class RawClient {
  payloadBytes = 0;
  messages = 0;
  // Bytes of the present payload still to come; the head of a message that was cut at the end of a read.
  #rest = 0;
  #head: Buffer = Buffer.alloc(0);
  readonly socket: Socket;
  readonly opened: Promise<void>;
  readonly #counted: () => void;

  constructor(target: SwarmTarget, buffer: Buffer, counted: () => void, lost: () => void) {
    this.#counted = counted;
    let handshake = '';
    let opened: () => void = () => {};
    let failed: (error: Error) => void = () => {};
    this.opened = new Promise((resolve, reject) => {
      opened = resolve;
      failed = reject;
    });
    const take = (bytes: number) => {
      if (handshake !== 'done') {
        handshake += buffer.toString('latin1', 0, bytes);
        const end = handshake.indexOf('\r\n\r\n');
        if (end === -1) return true;
        if (!handshake.startsWith('HTTP/1.1 101')) failed(new Error(handshake.slice(0, 60)));
        const early = Buffer.from(handshake.slice(end + 4), 'latin1');
        handshake = 'done';
        if (target.first !== undefined) this.send(target.first);
        opened();
        this.#count(early);
        return true;
      }
      this.#count(buffer.subarray(0, bytes));
      return true;
    };
    this.socket = connect({ port: target.port, host: '127.0.0.1', noDelay: true, onread: { buffer, callback: take } });
    this.socket.on('error', (error) => failed(error));
    this.socket.on('close', lost);
    this.socket.write(
      `GET ${target.path} HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
    );
  }

  /** One binary message. Clients must mask; a mask of zeros leaves the bytes as they are. */
  send(payload: Uint8Array): void {
    const length = payload.length;
    const head =
      length < 126
        ? Buffer.from([0x82, 0x80 | length, 0, 0, 0, 0])
        : Buffer.from([0x82, 0xfe, length >> 8, length & 255, 0, 0, 0, 0]);
    if (length > 65_535) throw new RangeError('a swarm client sends at most 65,535 bytes a message');
    this.socket.write(Buffer.concat([head, payload]));
  }

  #count(chunk: Buffer): void {
    let data = chunk;
    if (this.#head.length > 0) data = Buffer.concat([this.#head, chunk]);
    this.#head = data.subarray(0, 0);
    let at = 0;
    while (at < data.length) {
      if (this.#rest > 0) {
        const taken = Math.min(this.#rest, data.length - at);
        this.#rest -= taken;
        at += taken;
        continue;
      }
      const short = (data[at + 1] ?? 0) & 0x7f;
      const headBytes = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (at + headBytes > data.length) {
        this.#head = Buffer.from(data.subarray(at));
        break;
      }
      const length =
        short === 126 ? data.readUInt16BE(at + 2) : short === 127 ? Number(data.readBigUInt64BE(at + 2)) : short;
      const opcode = (data[at] ?? 0) & 0x0f;
      at += headBytes;
      this.#rest = length;
      if (opcode === 9) this.socket.write(Buffer.from([0x8a, 0x80, 0, 0, 0, 0]));
      if (opcode > 2) continue;
      this.messages += 1;
      // Counted when its head is seen; the wait below is for whole payloads, which `#rest` tells.
      this.payloadBytes += length;
    }
    this.#counted();
  }

  get whole(): boolean {
    return this.#rest === 0 && this.#head.length === 0;
  }
}

export class Swarm {
  readonly #clients: RawClient[] = [];
  #wake: () => void = () => {};
  #fail: (error: Error) => void = () => {};
  #lost = 0;

  /** Opens clients, at most 100 handshakes at once. */
  async open(target: SwarmTarget, count: number): Promise<void> {
    const buffer = Buffer.alloc(256 * 1024);
    for (let left = count; left > 0; left -= 100) {
      const batch = Array.from(
        { length: Math.min(100, left) },
        () =>
          new RawClient(
            target,
            buffer,
            () => this.#wake(),
            () => this.#lose(),
          ),
      );
      this.#clients.push(...batch);
      await Promise.all(batch.map((client) => client.opened));
    }
  }

  /** Resolves when every client has at least this many payload bytes since the last `reset`, all whole; rejects when one was closed. */
  async received(payloadBytes: number): Promise<void> {
    let behind = 0;
    const done = () => {
      // From the one that was behind last: most calls look at one client only.
      for (; behind < this.#clients.length; behind++) {
        const client = this.#clients[behind] as RawClient;
        if (client.payloadBytes < payloadBytes || !client.whole) return false;
      }
      return true;
    };
    if (done()) return;
    await new Promise<void>((resolve, reject) => {
      this.#fail = reject;
      this.#wake = () => {
        if (done()) resolve();
      };
      if (this.#lost > 0) this.#lose(0);
    });
    this.#wake = () => {};
  }

  totals(): { clients: number; messages: number; payloadBytes: number } {
    let messages = 0;
    let payloadBytes = 0;
    for (const client of this.#clients) {
      messages += client.messages;
      payloadBytes += client.payloadBytes;
    }
    return { clients: this.#clients.length, messages, payloadBytes };
  }

  reset(): void {
    for (const client of this.#clients) {
      client.messages = 0;
      client.payloadBytes = 0;
    }
  }

  #lose(count = 1): void {
    this.#lost += count;
    this.#fail(new Error(`${this.#lost} clients were closed`));
  }

  close(): void {
    this.#fail = () => {};
    for (const client of this.#clients.splice(0)) client.socket.destroy();
  }
}
