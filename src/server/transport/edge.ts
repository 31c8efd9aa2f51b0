// The life of connections, the same over both socket layers: open, frames, limits, close, drain.
// It guarantees one onClose per onOpen, nothing to a closed connection, and that after the first frame that could not be queued for a
// slow reader no later one is: it is closed with SLOW_READER before the next write. It does not touch sockets itself.
import { setTimeout as after } from 'node:timers/promises';
import { Admission, type Admitted, type UpgradeRequest } from './admission.ts';
import { closeReason, Disconnect } from './codes.ts';
import { EdgeConnection } from './connection.ts';
import { splitFrames } from './frames.ts';
import { type HttpSlot, HttpSlots } from './http-slots.ts';
import { completeLimits, type TransportLimits } from './limits.ts';
import { Outbox, type OutboxPort } from './outbox.ts';
import type { SocketPort } from './socket-port.ts';
import type { TransportCounters, TransportHandler, TransportOptions } from './transport.ts';
import { Watch } from './watch.ts';

const sweepMs = 250;
const drainStepMs = 20;

/** Everything about connections that is not a socket. One per transport. */
export class Edge<S> implements OutboxPort<EdgeConnection<S>> {
  readonly limits: TransportLimits;
  readonly port: SocketPort<S>;
  readonly copiesBytes: boolean;
  readonly counters: TransportCounters = {
    upgrades: 0,
    upgradesRefused: 0,
    messagesIn: 0,
    framesIn: 0,
    bytesIn: 0,
    sends: 0,
    publishes: 0,
    httpRequests: 0,
    closes: new Map(),
  };
  readonly #http: HttpSlots;
  readonly #handler: TransportHandler;
  readonly #now: () => number;
  readonly #onFault: (cause: unknown) => void;
  readonly #admission: Admission;
  readonly #outbox: Outbox<EdgeConnection<S>>;
  readonly #watch: Watch<EdgeConnection<S>, S>;
  // Sockets that wait for their backlog to shrink before the close frame fits.
  readonly #ending = new Set<S>();
  #doomed: EdgeConnection<S>[] = [];
  #turnPublishBytes = 0;
  #lastId: number;
  #admitted = 0;
  #draining = false;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(port: SocketPort<S>, options: TransportOptions) {
    this.limits = completeLimits(options.limits);
    this.port = port;
    this.copiesBytes = port.copiesBytes;
    this.#handler = options.handler;
    this.#lastId = (options.firstConnection ?? 1) - 1;
    this.#now = options.now ?? (() => performance.now());
    this.#onFault = options.onFault ?? (() => {});
    const random = options.random ?? Math.random;
    this.#admission = new Admission({
      limits: this.limits,
      allowedOrigins: new Set(options.allowedOrigins),
      now: this.#now,
      random,
    });
    this.#http = new HttpSlots(this.limits);
    this.#outbox = new Outbox(this, this.limits);
    const watchPort = {
      helloMissed: (connection: EdgeConnection<S>) =>
        this.close(connection, Disconnect.DISCONNECT_HELLO_TIMEOUT, 'no first frame'),
      heartbeatMissed: (connection: EdgeConnection<S>) =>
        this.close(connection, Disconnect.DISCONNECT_HEARTBEAT_MISSED, ''),
      ping: (connection: EdgeConnection<S>) => connection.socket !== null && port.ping(connection.socket),
      lingeredOut: (socket: S) => this.#cut(socket),
    };
    this.#watch = new Watch(watchPort, this.limits, this.#now());
  }

  /** Starts looking after time; call it when the port is open. */
  start(): void {
    this.#sweeper = setInterval(() => {
      this.#watch.sweep(this.#now());
      this.#http.sweep(this.#now());
      this.#admission.prune();
    }, sweepMs).unref();
  }

  get connections(): number {
    return this.#watch.open.size;
  }

  /** What waits in this process for all sockets together, closed ones that have not read it too. Looks at each: for a scrape, not for a turn. */
  waitingBytes(): number {
    let bytes = 0;
    for (const connection of this.#watch.open) bytes += connection.bufferedBytes();
    for (const socket of this.#watch.lingering) bytes += this.port.buffered(socket);
    return bytes;
  }

  /** Decides about an upgrade. On 101 the adapter must go on to `opened` or call `upgradeFailed`. */
  admit(request: UpgradeRequest): Admitted {
    const admitted: Admitted = this.#draining
      ? { status: 503, retryAfterMs: this.#admission.retryAfterMs() }
      : this.#admission.admit(request, this.connections + this.#admitted);
    if (admitted.status === 101) {
      this.counters.upgrades += 1;
      this.#admitted += 1;
    } else {
      this.counters.upgradesRefused += 1;
    }
    return admitted;
  }

  upgradeFailed(): void {
    this.#admitted -= 1;
  }

  /** See HttpSlots.take. */
  takeHttp(source: string, late: () => void): HttpSlot | undefined {
    return this.#http.take(source, this.#now(), late);
  }

  retryAfterMs(): number {
    return this.#admission.retryAfterMs();
  }

  connection(source: string): EdgeConnection<S> {
    this.#lastId += 1;
    return new EdgeConnection(this, this.#lastId, source);
  }

  opened(connection: EdgeConnection<S>, socket: S): void {
    this.#admitted -= 1;
    connection.socket = socket;
    this.#watch.opened(connection, this.#now());
    this.#guarded(connection, () => this.#handler.onOpen(connection));
    // The upgrade was under way when the drain began.
    if (this.#draining) this.close(connection, Disconnect.DISCONNECT_GOING_AWAY, '');
  }

  /** One WebSocket message. The bytes may be reused afterwards. */
  message(connection: EdgeConnection<S>, message: Uint8Array, isBinary: boolean): void {
    if (connection.socket === null) return;
    connection.pingsUnanswered = 0;
    if (!isBinary) {
      this.close(connection, Disconnect.DISCONNECT_TEXT_NOT_ALLOWED, 'binary only');
      return;
    }
    const frames = splitFrames(message, this.limits);
    if (!Array.isArray(frames)) {
      this.close(connection, frames.disconnect, frames.reason);
      return;
    }
    this.counters.messagesIn += 1;
    this.counters.framesIn += frames.length;
    this.counters.bytesIn += message.length;
    if (!connection.helloCame) {
      connection.helloCame = true;
      this.#watch.helloCame(connection);
    }
    this.#guarded(connection, () => this.#handler.onFrames(connection, frames));
  }

  /** A pong came. */
  heard(connection: EdgeConnection<S>): void {
    connection.pingsUnanswered = 0;
  }

  /** A write or publish to this connection was refused or went over the limit. Safe to call from within a write. */
  overflowed(connection: EdgeConnection<S>): void {
    if (this.#doomed.length === 0) setImmediate(() => this.#settle());
    this.#doomed.push(connection);
  }

  /** Some backlog of the socket left. */
  drained(socket: S): void {
    if (!this.#ending.has(socket) || this.port.buffered(socket) > this.limits.backpressureBytesMax) return;
    this.#ending.delete(socket);
    this.#watch.released(socket);
    this.#end(socket, Disconnect.DISCONNECT_SLOW_READER, '');
  }

  /** The socket is gone: by the other side, by the network, or after our own close. */
  gone(connection: EdgeConnection<S>, socket: S, code: number): void {
    this.#ending.delete(socket);
    this.#watch.released(socket);
    if (connection.socket !== null) this.#finish(connection, code);
  }

  publish(topic: string, frame: Uint8Array): void {
    this.#outbox.publish(topic, frame);
  }

  send(connection: EdgeConnection<S>, frame: Uint8Array): void {
    if (this.#outbox.send(connection, frame) > this.limits.backpressureBytesMax) this.overflowed(connection);
  }

  subscribe(connection: EdgeConnection<S>, topic: string): void {
    this.#outbox.flushTopic(topic);
    if (connection.socket !== null) this.port.subscribe(connection.socket, topic);
  }

  unsubscribe(connection: EdgeConnection<S>, topic: string): void {
    this.#outbox.flushTopic(topic);
    if (connection.socket !== null) this.port.unsubscribe(connection.socket, topic);
  }

  close(connection: EdgeConnection<S>, code: number, reason: string): void {
    this.#outbox.flush();
    const socket = connection.socket;
    if (socket === null) return;
    this.#finish(connection, code);
    this.#end(socket, code, reason);
  }

  publishBytes(topic: string, message: Uint8Array): void {
    this.#settle();
    this.counters.publishes += 1;
    this.#turnPublishBytes += message.length;
    this.port.publish(topic, message);
  }

  sendBytes(connection: EdgeConnection<S>, message: () => Uint8Array): boolean {
    this.#settle();
    const socket = connection.socket;
    if (socket === null) return true;
    const buffered = this.port.buffered(socket);
    if (buffered > this.limits.backpressureBytesMax) {
      this.overflowed(connection);
      this.#settle();
      return true;
    }
    // Publishes of this turn may still wait in the socket layer, in front of this. If one of them were refused there,
    // this message must not follow it: so it waits until they are through.
    if (buffered > 0 && buffered + this.#turnPublishBytes > this.limits.backpressureBytesMax) return false;
    this.counters.sends += 1;
    this.port.write(socket, message());
    return true;
  }

  endTurn(): void {
    this.port.endTurn();
    this.#settle();
    this.#turnPublishBytes = 0;
  }

  async drain(ms: number): Promise<void> {
    this.#draining = true;
    this.port.stopAccepting();
    let steps = Math.max(1, Math.floor(ms / drainStepMs));
    for (; steps > 0 && this.connections > 0; steps--) {
      let count = Math.ceil(this.connections / steps);
      for (const connection of this.#watch.open) {
        if (count-- === 0) break;
        this.close(connection, Disconnect.DISCONNECT_GOING_AWAY, '');
      }
      if (steps > 1) await after(drainStepMs);
    }
    for (; steps > 0 && this.#http.open > 0; steps--) await after(drainStepMs);
    // Close frames and last answers are with the kernel; one moment more for sockets whose peer answers at once.
    await after(2 * drainStepMs);
    clearInterval(this.#sweeper);
    await this.port.shutdown();
  }

  /** Reports a bug that the adapter caught. */
  fault(cause: unknown): void {
    this.#onFault(cause);
  }

  // Closes the slow readers found since the last write. Never called from within a write: socket layers iterate then.
  #settle(): void {
    while (this.#doomed.length > 0) {
      const doomed = this.#doomed;
      this.#doomed = [];
      for (const connection of doomed) {
        const socket = connection.socket;
        if (socket === null) continue;
        this.port.unsubscribeAll(socket);
        this.#finish(connection, Disconnect.DISCONNECT_SLOW_READER);
        if (this.port.endsBehindBacklog || this.port.buffered(socket) <= this.limits.backpressureBytesMax) {
          this.#end(socket, Disconnect.DISCONNECT_SLOW_READER, '');
        } else {
          this.#ending.add(socket);
          this.#watch.linger(socket, this.#now());
        }
      }
    }
  }

  #end(socket: S, code: number, reason: string): void {
    this.port.end(socket, code, closeReason(code, reason, this.#admission.retryAfterMs()));
  }

  /** The adapter keeps the socket after `end` until the other side answers: cut it after `lingerMs`. */
  linger(socket: S): void {
    this.#watch.linger(socket, this.#now());
  }

  #cut(socket: S): void {
    this.#ending.delete(socket);
    this.port.terminate(socket);
  }

  #finish(connection: EdgeConnection<S>, code: number): void {
    connection.socket = null;
    this.#outbox.forget(connection);
    this.#watch.closed(connection);
    this.counters.closes.set(code, (this.counters.closes.get(code) ?? 0) + 1);
    try {
      this.#handler.onClose(connection, code);
    } catch (cause) {
      this.#onFault(cause);
    }
  }

  // A bug in a handler costs that connection, nobody else.
  #guarded(connection: EdgeConnection<S>, call: () => void): void {
    try {
      call();
    } catch (cause) {
      this.#onFault(cause);
      this.close(connection, Disconnect.DISCONNECT_INTERNAL, '');
    }
  }
}
