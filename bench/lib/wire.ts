// A WebSocket client that costs next to nothing: one TCP socket, one read buffer shared by all, no copies of what comes whole. It speaks what a
// bench needs (binary messages, pings, closing) and trusts its server; it checks nothing. For thousands of clients in one process.
import { connect, type Socket } from 'node:net';

/** Where to connect. `path` defaults to `/ws`. */
export interface Target {
  readonly port: number;
  readonly path?: string;
}

/** Payload of one message: a view that is valid during the call only. */
export type Receive = (payload: Buffer) => void;

const readBuffer = Buffer.alloc(256 * 1024);
const none = Buffer.alloc(0);
const handshakeOf = (path: string) =>
  `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`;

export class Wire {
  readonly #socket: Socket;
  readonly #receive: Receive;
  /** Bytes of a message that has not come whole. */
  #rest: Buffer = none;
  #shaken = false;
  /** Resolves after the handshake; rejects with the server's first line where it refuses. */
  readonly opened: Promise<void>;
  /** Resolves when the socket is gone, with the close code that the server sent (1006: none). */
  readonly closed: Promise<number>;
  #closeCode = 1006;

  constructor({ port, path = '/ws' }: Target, receive: Receive) {
    this.#receive = receive;
    let opened: () => void = () => {};
    let refused: (error: Error) => void = () => {};
    this.opened = new Promise((resolve, reject) => {
      opened = resolve;
      refused = reject;
    });
    const take = (bytes: number) => {
      if (this.#shaken) {
        this.#take(readBuffer.subarray(0, bytes));
        return true;
      }
      this.#rest = Buffer.concat([this.#rest, readBuffer.subarray(0, bytes)]);
      const end = this.#rest.indexOf('\r\n\r\n');
      if (end < 0) return true;
      const answer = this.#rest;
      this.#rest = none;
      this.#shaken = true;
      if (answer.toString('latin1', 9, 12) !== '101') {
        refused(new Error(answer.toString('latin1', 0, 80)));
        this.#socket.destroy();
        return true;
      }
      opened();
      if (answer.length > end + 4) this.#take(answer.subarray(end + 4));
      return true;
    };
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer: readBuffer, callback: take } });
    this.#socket.on('error', refused);
    this.closed = new Promise((resolve) => {
      this.#socket.on('close', () => {
        refused(new Error('closed before it was open'));
        resolve(this.#closeCode);
      });
    });
    // Whoever waits for it hears so; nobody has to.
    this.opened.catch(() => {});
    this.#socket.write(handshakeOf(path));
  }

  /** Sends one binary message. */
  send(payload: Uint8Array): void {
    this.write(message(payload));
  }

  /** Sends a message that `message` made; it must not change afterwards. */
  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Reads nothing any more: what comes stays in the kernel, and then with the server. */
  pause(): void {
    this.#socket.pause();
  }

  /** Reads again. */
  resume(): void {
    this.#socket.resume();
  }

  /** Cuts the connection without a word. */
  cut(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    const data = this.#rest === none ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (at + 2 <= data.length) {
      const short = (data[at + 1] as number) & 0x7f;
      const headBytes = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (at + headBytes > data.length) break;
      const length =
        short === 126 ? data.readUInt16BE(at + 2) : short === 127 ? Number(data.readBigUInt64BE(at + 2)) : short;
      const end = at + headBytes + length;
      if (end > data.length) break;
      this.#message((data[at] as number) & 0x0f, data.subarray(at + headBytes, end));
      at = end;
    }
    // The buffer is read into again: what is left must be kept apart.
    this.#rest = at === data.length ? none : Buffer.from(data.subarray(at));
  }

  #message(opcode: number, payload: Buffer): void {
    if (opcode <= 2) this.#receive(payload);
    else if (opcode === 9) this.#socket.write(message(payload, 0x8a));
    else if (opcode === 8) {
      this.#closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
      this.#socket.end();
    }
  }
}

/** The bytes of a whole message. Clients must mask; a mask of zeros leaves the payload as it is. The payload starts at the end less its length. */
export function message(payload: Uint8Array, head = 0x82): Buffer {
  const { length } = payload;
  const headBytes = length < 126 ? 6 : length < 65_536 ? 8 : 14;
  const bytes = Buffer.alloc(headBytes + length);
  bytes[0] = head;
  if (length < 126) bytes[1] = 0x80 | length;
  else if (length < 65_536) {
    bytes[1] = 0xfe;
    bytes.writeUInt16BE(length, 2);
  } else {
    bytes[1] = 0xff;
    bytes.writeBigUInt64BE(BigInt(length), 2);
  }
  bytes.set(payload, headBytes);
  return bytes;
}
