// The links of this node: answers nodes that dial, dials those that it should have a link to, and passes packets. The younger process dials the older
// one. Guarantees: one link per process at a time; `up` before any packet of it, `down` after the last.
import { connect, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import type { Packet } from '#actors/cluster/packets.ts';
import type { NodeIdentity } from './handshake.ts';
import { Link, type LinkLimits, linkLimits } from './link.ts';
import { decodePacket, encodePacket } from './wire.ts';

/** A process and where it answers. */
export interface NodePlace {
  readonly node: string;
  readonly gen: number;
  readonly seat: number;
  /** `host:port`. */
  readonly address: string;
}

export interface LinksOptions {
  readonly self: NodeIdentity;
  readonly secret: Uint8Array;
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** PEM texts; both ends show a certificate of `ca`. Absent: plain, for networks where only the provider's nodes are. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string };
  readonly up: (peer: NodeIdentity) => void;
  readonly down: (peer: NodeIdentity) => void;
  readonly received: (seat: number, packet: Packet) => void;
  /** A node, or whoever says so, and this one do not accept each other: another secret, most likely. */
  readonly unproven: (seat: number) => void;
  readonly limits?: Partial<LinkLimits>;
}

/** Between two attempts to reach a node, milliseconds: doubles up to the second. */
const redialMs = [100, 2_000] as const;

/** Between two looks whether a younger process, whose link ended, is still there, milliseconds. */
const probeMs = 250;

interface Dial {
  readonly place: NodePlace;
  waitMs: number;
  timer: NodeJS.Timeout | null;
  isBusy: boolean;
}

export class Links {
  /** Packets that were of an unknown kind or malformed. */
  ignored = 0;
  readonly #options: LinksOptions;
  readonly #links = new Map<number, { readonly peer: NodeIdentity; readonly link: Link }>();
  readonly #all = new Set<Link>();
  /** Connections to this node, also those that have not come as far as a link. */
  readonly #sockets = new Set<Socket>();
  /** Those among them that have not shown who they are, by `endOf`, the oldest first. */
  readonly #strangers = new Map<string, Socket>();
  readonly #dials = new Map<number, Dial>();
  #wanted: ReadonlyMap<number, NodePlace> = new Map();
  /** Processes that are not where they should answer: they are gone. */
  readonly #gone = new Set<number>();
  /** Processes that answer where they should, and that no link comes about with. */
  readonly #strange = new Set<number>();
  #server: Server | null = null;
  #flushing = false;
  #closed = false;
  #last: { readonly packet: Packet; readonly bytes: Uint8Array } | null = null;

  constructor(options: LinksOptions) {
    this.#options = options;
  }

  /** Resolves to the port. */
  async listen(): Promise<number> {
    const { tls, host, port } = this.#options;
    const server =
      tls === undefined
        ? createServer((socket) => this.#link(socket, 'answerer'))
        : createTlsServer({ ...mutual(tls), handshakeTimeout: this.#handshakeMs }, (socket) =>
            this.#link(socket, 'answerer'),
          );
    this.#server = server;
    // Node says so, and leaves the connection open.
    server.on('tlsClientError', (_: Error, socket: Socket) => socket.destroy());
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      const end = endOf(socket);
      this.#strangers.set(end, socket);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        if (this.#strangers.get(end) === socket) this.#strangers.delete(end);
      });
      const [oldest] = this.#strangers.values();
      const { strangersMax = linkLimits.strangersMax } = this.#options.limits ?? {};
      if (this.#strangers.size > strangersMax) oldest?.destroy();
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) =>
        reject(
          Object.assign(new Error(`Port ${port} for the other nodes can't be opened`, { cause }), {
            code: 'LISTEN_FAILED',
          }),
        ),
      );
      server.listen(port, host, resolve);
    });
    // A connection that could not be accepted: who dialled it does so again, and both say that they are not linked.
    server.on('error', () => {});
    return (server.address() as { port: number }).port;
  }

  /** The processes to have links with, this one left out. Others are dialled no more; links that are there stay. */
  want(places: readonly NodePlace[]): void {
    const wanted = new Map(places.map((place) => [place.seat, place]));
    this.#wanted = wanted;
    for (const [seat, dial] of this.#dials) {
      if (wanted.has(seat)) continue;
      clearTimeout(dial.timer ?? undefined);
      this.#dials.delete(seat);
    }
    for (const seats of [this.#gone, this.#strange]) {
      for (const seat of seats) if (!wanted.has(seat)) seats.delete(seat);
    }
    for (const place of places) {
      if (place.seat >= this.#options.self.seat || this.#dials.has(place.seat)) continue;
      const dial: Dial = { place, waitMs: redialMs[0], timer: null, isBusy: false };
      this.#dials.set(place.seat, dial);
      this.#dial(dial);
    }
  }

  /** Those with a link. */
  get linked(): NodeIdentity[] {
    return [...this.#links.values()].map(({ peer }) => peer);
  }

  /** Bytes that wait for all other nodes together. */
  get waitingBytes(): number {
    let bytes = 0;
    for (const link of this.#all) bytes += link.waitingBytes;
    return bytes;
  }

  /** Nobody, or somebody else, answers where this process should: it is gone. */
  isGone(seat: number): boolean {
    return this.#gone.has(seat) && !this.#links.has(seat);
  }

  /** It answered lately where it should, and is alive, but it and this node do not accept each other. */
  isStrange(seat: number): boolean {
    return this.#strange.has(seat);
  }

  /** Nothing happens where there is no link. One packet for many is encoded once, if they are sent one after the other. */
  send(seat: number, packet: Packet): void {
    const found = this.#links.get(seat);
    if (found === undefined) return;
    if (this.#last?.packet !== packet) this.#last = { packet, bytes: encodePacket(packet) };
    found.link.send(this.#last.bytes);
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.#last = null;
      for (const { link } of this.#links.values()) link.flush();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.want([]);
    for (const link of this.#all) {
      link.flush();
      link.end();
    }
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => (this.#server === null ? resolve() : this.#server.close(() => resolve())));
  }

  #dial(dial: Dial): void {
    const { seat, address } = dial.place;
    if (this.#links.has(seat) || dial.isBusy || this.#closed) return;
    dial.isBusy = true;
    const { tls } = this.#options;
    const place = readHostPort(address);
    // Whoever writes to Redis can say anything.
    if (place === null) return this.#again(dial);
    const socket = tls === undefined ? connect(place) : connectTls({ ...mutual(tls), ...place });
    const tooLong = setTimeout(() => socket.destroy(new Error('no answer')), this.#handshakeMs);
    const failed = (error: NodeJS.ErrnoException) => {
      clearTimeout(tooLong);
      this.#strange.delete(seat);
      if (error.code === 'ECONNREFUSED') this.#gone.add(seat);
      this.#again(dial);
    };
    socket.once('error', failed);
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      clearTimeout(tooLong);
      socket.off('error', failed);
      this.#link(socket, 'dialler', dial);
    });
  }

  /** A younger process dials by itself if it lives; whether it does shows in whether its port is open. */
  #probe(seat: number): void {
    const place = this.#wanted.get(seat);
    if (seat < this.#options.self.seat || place === undefined || this.#links.has(seat) || this.#closed) return;
    const at = readHostPort(place.address);
    if (at === null) return;
    const socket = connect(at);
    const ended = (isGone: boolean) => {
      socket.destroy();
      if (isGone) this.#gone.add(seat);
      else setTimeout(() => this.#probe(seat), probeMs).unref();
    };
    socket.setTimeout(probeMs, () => ended(false));
    socket.once('connect', () => ended(false));
    socket.once('error', (error: NodeJS.ErrnoException) => ended(error.code === 'ECONNREFUSED'));
  }

  get #handshakeMs(): number {
    return this.#options.limits?.handshakeMs ?? linkLimits.handshakeMs;
  }

  #again(ended: Dial): void {
    ended.isBusy = false;
    // The place may have been given up and wanted again meanwhile.
    const dial = this.#dials.get(ended.place.seat);
    if (dial === undefined || dial.isBusy) return;
    clearTimeout(dial.timer ?? undefined);
    dial.timer = setTimeout(() => this.#dial(dial), dial.waitMs);
    dial.waitMs = Math.min(dial.waitMs * 2, redialMs[1]);
  }

  #link(socket: Socket, role: 'dialler' | 'answerer', dial?: Dial): void {
    if (this.#closed) return void socket.destroy();
    const { self, secret, received, down, unproven, limits = {} } = this.#options;
    let seat = -1;
    const link: Link = new Link(socket, {
      limits,
      self,
      secret,
      role,
      // Judged before anything is proven: whoever answers could as well refuse the connection. A proof would make it a link for the other end, which
      // would end the one that it has with this process.
      isWanted: (peer) => {
        if (dial === undefined || dial.place.seat === peer.seat) return true;
        this.#gone.add(dial.place.seat);
        this.#strange.delete(dial.place.seat);
        return false;
      },
      unproven: (peer) => {
        // Who dials may say any number.
        if (dial !== undefined) this.#strange.add(peer.seat);
        unproven(peer.seat);
      },
      up: (peer) => {
        seat = peer.seat;
        this.#strangers.delete(endOf(socket));
        this.#up(peer, link);
      },
      message: (bytes) => {
        const packet = decodePacket(bytes);
        if (packet === null) this.ignored++;
        else received(seat, packet);
      },
      ended: (peer) => {
        this.#all.delete(link);
        if (peer !== null && this.#links.get(peer.seat)?.link === link) {
          this.#links.delete(peer.seat);
          down(peer);
          this.#probe(peer.seat);
        }
        if (dial !== undefined) this.#again(dial);
      },
    });
    this.#all.add(link);
  }

  #up(peer: NodeIdentity, link: Link): void {
    // The other end knows already that the older link ended.
    this.#links.get(peer.seat)?.link.end();
    this.#links.set(peer.seat, { peer, link });
    this.#gone.delete(peer.seat);
    this.#strange.delete(peer.seat);
    const dial = this.#dials.get(peer.seat);
    if (dial !== undefined) dial.waitMs = redialMs[0];
    this.#options.up(peer);
  }
}

function mutual(tls: NonNullable<LinksOptions['tls']>) {
  return { ...tls, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' } as const;
}

/** Who is at the other end: the same for a connection and for what is encrypted on it. */
function endOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** Null where it is none. */
function readHostPort(address: string): { readonly host: string; readonly port: number } | null {
  const found = /^(\S+):(\d{1,5})$/.exec(address);
  const [host, port] = [(found?.[1] ?? '').replace(/^\[|\]$/g, ''), Number(found?.[2])];
  return host === '' || !(port >= 1 && port <= 65_535) ? null : { host, port };
}
