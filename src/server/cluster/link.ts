// One connection to another node: handshake, then messages in order each way. What is sent in one loop turn leaves in one write. Guarantees: `ended` is
// called once, and nothing comes after it; a peer that says nothing for two seconds, or does not read what it is sent, is hung up on.
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { helloOf, isProof, type NodeIdentity, proofOf, type Role, readHello } from './handshake.ts';

/** Limits of a link; see README.md. */
export const linkLimits = {
  /** One message, bytes. Beyond it the link ends. */
  messageBytesMax: 1024 * 1024,
  /** The same before the peer has shown who it is. */
  strangerBytesMax: 4 * 1024,
  /** Connections to this node that have not shown who they are. Beyond it the one that has waited longest ends: whoever knows the secret takes no time. */
  strangersMax: 256,
  /** Bytes that wait for a peer. Beyond it the link ends. */
  waitingBytesMax: 32 * 1024 * 1024,
  /** A sign of life at least so often, milliseconds. */
  beatMs: 500,
  /** Silence after which the link ends, milliseconds. */
  silenceMs: 2_000,
  /** For the whole handshake, milliseconds. */
  handshakeMs: 10_000,
};

export type LinkLimits = typeof linkLimits;

export interface LinkOptions {
  readonly limits?: Partial<LinkLimits>;
  readonly self: NodeIdentity;
  readonly secret: Uint8Array;
  readonly role: Role;
  /** Is it the process that was dialled? Asked when the other end has said who it is, before this one proves anything. False: the connection ends. */
  readonly isWanted: (peer: NodeIdentity) => boolean;
  /** Both have shown who they are. */
  readonly up: (peer: NodeIdentity) => void;
  readonly message: (bytes: Uint8Array) => void;
  /** The other end said who it is, and showed no proof of it, or took this end's for none. Called before `ended`. */
  readonly unproven: (peer: NodeIdentity) => void;
  /** `peer` is null where it never got so far. */
  readonly ended: (peer: NodeIdentity | null) => void;
}

const empty = Buffer.alloc(0);

export class Link {
  readonly #socket: Socket;
  readonly #options: LinkOptions;
  readonly #limits: LinkLimits;
  readonly #hello: Uint8Array;
  readonly #timer: NodeJS.Timeout;
  readonly #openedMs = performance.now();
  #theirHello: Uint8Array | null = null;
  #peer: NodeIdentity | null = null;
  #isUp = false;
  #hasProven = false;
  #ended = false;
  #rest: Buffer = empty;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #heardMs = performance.now();
  #saidMs = 0;

  /** The socket must be connected. */
  constructor(socket: Socket, options: LinkOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#limits = { ...linkLimits, ...options.limits };
    this.#hello = helloOf(options.self, randomBytes(32));
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#came(chunk));
    socket.on('error', () => this.end());
    socket.on('close', () => {
      // Whoever knows the secret answers a proof, unless it just ends.
      if (options.role === 'dialler' && this.#hasProven) this.#unproven();
      this.end();
    });
    this.#timer = setInterval(() => this.#look(), this.#limits.beatMs / 2);
    this.#write(this.#hello);
    this.flush();
  }

  /** Bytes that wait to leave. */
  get waitingBytes(): number {
    return this.#pendingBytes + this.#socket.writableLength;
  }

  /** Keeps a message for `flush`; ends the link where the peer does not read. */
  send(message: Uint8Array): void {
    if (!this.#isUp || this.#ended) return;
    this.#write(message);
    if (this.waitingBytes > this.#limits.waitingBytesMax) this.end();
  }

  /** Writes what was sent since the last time. */
  flush(): void {
    if (this.#pending.length === 0 || this.#ended) return;
    this.#saidMs = performance.now();
    this.#socket.write(this.#pending.length === 1 ? (this.#pending[0] as Uint8Array) : Buffer.concat(this.#pending));
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#timer);
    this.#socket.destroy();
    this.#options.ended(this.#isUp ? this.#peer : null);
  }

  #write(message: Uint8Array): void {
    const head = Buffer.allocUnsafe(4);
    head.writeUInt32BE(message.length);
    this.#pending.push(head, message);
    this.#pendingBytes += 4 + message.length;
  }

  #look(): void {
    const now = performance.now();
    const { silenceMs, handshakeMs, beatMs } = this.#limits;
    if (now - this.#heardMs > silenceMs) return this.end();
    if (!this.#isUp && now - this.#openedMs > handshakeMs) return this.end();
    if (now - this.#saidMs < beatMs || !this.#isUp) return;
    this.#write(empty);
    this.flush();
  }

  #came(chunk: Buffer): void {
    this.#heardMs = performance.now();
    let buffer = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const { messageBytesMax, strangerBytesMax } = this.#limits;
    while (buffer.length >= 4 && !this.#ended) {
      const length = buffer.readUInt32BE(0);
      if (length > (this.#isUp ? messageBytesMax : strangerBytesMax)) return this.end();
      if (buffer.length < 4 + length) break;
      // An empty message is a sign of life.
      if (length > 0) this.#message(buffer.subarray(4, 4 + length));
      buffer = buffer.subarray(4 + length);
    }
    this.#rest = buffer;
  }

  #message(bytes: Uint8Array): void {
    if (this.#isUp) return this.#options.message(bytes);
    if (this.#theirHello === null) this.#greeted(bytes.slice());
    else this.#proven(bytes);
  }

  #greeted(hello: Uint8Array): void {
    const { self, role, isWanted } = this.#options;
    this.#theirHello = hello;
    this.#peer = readHello(hello, self);
    if (this.#peer === null || !isWanted(this.#peer)) this.end();
    else if (role === 'dialler') this.#prove();
  }

  #proven(bytes: Uint8Array): void {
    const { secret, role, up } = this.#options;
    const theirs = role === 'dialler' ? 'answerer' : 'dialler';
    if (!isProof(bytes, secret, { role: theirs, hellos: this.#hellos() })) {
      this.#unproven();
      return this.end();
    }
    if (role === 'answerer') this.#prove();
    this.#isUp = true;
    up(this.#peer as NodeIdentity);
  }

  #unproven(): void {
    if (!this.#isUp && !this.#ended && this.#peer !== null) this.#options.unproven(this.#peer);
  }

  #prove(): void {
    this.#hasProven = true;
    this.#write(proofOf(this.#options.secret, this.#options.role, this.#hellos()));
    this.flush();
  }

  #hellos(): readonly [Uint8Array, Uint8Array] {
    const theirs = this.#theirHello as Uint8Array;
    return this.#options.role === 'dialler' ? [this.#hello, theirs] : [theirs, this.#hello];
  }
}
