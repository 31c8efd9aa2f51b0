// Nodes of a test with real links on loopback, and peers that a test makes speak byte by byte.
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Packet } from '#actors/cluster/packets.ts';
import { helloOf, type NodeIdentity, proofOf, type Role } from '../handshake.ts';
import { Links, type LinksOptions, type NodePlace } from '../links.ts';

export const secret = Buffer.from('the secret of this cluster');
export const provider = 'lux.example';

export function identity(seat: number, change: Partial<NodeIdentity> = {}): NodeIdentity {
  return { provider, node: `n${seat}`, gen: seat, seat, ...change };
}

/** A node of which only the links are there; what happens to it in order. */
export class TestNode {
  readonly links: Links;
  readonly self: NodeIdentity;
  readonly happened: string[] = [];
  readonly received: Packet[] = [];
  /** Who said that they were of this cluster and were not. */
  readonly unproven: number[] = [];
  port = 0;

  constructor(seat: number, options: Partial<LinksOptions> = {}) {
    this.self = identity(seat);
    this.links = new Links({
      self: this.self,
      secret,
      host: '127.0.0.1',
      port: 0,
      up: (peer) => void this.happened.push(`up ${peer.seat}`),
      down: (peer) => void this.happened.push(`down ${peer.seat}`),
      received: (from, packet) => {
        this.happened.push(`${packet.kind} of ${from}`);
        this.received.push(packet);
      },
      unproven: (seat) => void this.unproven.push(seat),
      ...options,
    });
  }

  async listen(): Promise<this> {
    this.port = await this.links.listen();
    return this;
  }

  get place(): NodePlace {
    const { node, gen, seat } = this.self;
    return { node, gen, seat, address: `127.0.0.1:${this.port}` };
  }

  get seats(): number[] {
    return this.links.linked.map(({ seat }) => seat);
  }
}

/** A message as it crosses. */
export function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(message.length);
  return Buffer.concat([head, message]);
}

/** One end of a connection that says what a test wants. */
export class Speaker {
  readonly socket: Socket;
  readonly heard: Buffer[] = [];
  isClosed = false;
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
    });
    socket.on('data', (chunk: Buffer) => {
      this.#rest = Buffer.concat([this.#rest, chunk]);
      while (this.#rest.length >= 4 && this.#rest.length >= 4 + this.#rest.readUInt32BE(0)) {
        const end = 4 + this.#rest.readUInt32BE(0);
        this.heard.push(this.#rest.subarray(4, end));
        this.#rest = this.#rest.subarray(end);
      }
    });
  }

  static async dial(port: number): Promise<Speaker> {
    const socket = connect(port, '127.0.0.1');
    const speaker = new Speaker(socket);
    await new Promise((resolve) => socket.once('connect', resolve));
    return speaker;
  }

  say(message: Uint8Array): void {
    this.socket.write(framed(message));
  }

  /** The n-th message that was heard, once it is there. */
  async hear(n: number): Promise<Buffer> {
    await until('it is heard', () => this.heard.length > n);
    return this.heard[n] as Buffer;
  }

  /** Says hello, and then the proof when it is due; true = the other end took both. */
  async shake(role: Role, self: NodeIdentity, key: Uint8Array = secret): Promise<void> {
    const own = helloOf(self, Buffer.alloc(32, self.seat));
    this.say(own);
    const theirs = await this.hear(0);
    if (role === 'answerer') await this.hear(1);
    this.say(proofOf(key, role, role === 'dialler' ? [own, theirs] : [theirs, own]));
  }

  async closed(): Promise<void> {
    await until('the other end hangs up', () => this.isClosed);
  }
}

/** A port at which a test answers. */
export async function answering(answer: (speaker: Speaker) => void): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => answer(new Speaker(socket)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as { port: number }).port };
}

/** Resolves when it holds; rejects with `what` after ten seconds. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`Waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
