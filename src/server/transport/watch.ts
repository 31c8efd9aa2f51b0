// Time at the edge without a timer per connection: one sweep looks after hello timeouts, heartbeats and sockets that linger after a close.
// Its cost a sweep is what is due, not what is open. Precision is one sweep interval (250 ms by default of the caller).
import type { TransportLimits } from './limits.ts';

export interface Watched {
  /** Pings sent since something was heard; the edge sets it to 0. */
  pingsUnanswered: number;
}

export interface WatchPort<C extends Watched, S> {
  helloMissed(connection: C): void;
  ping(connection: C): void;
  heartbeatMissed(connection: C): void;
  lingeredOut(socket: S): void;
}

export class Watch<C extends Watched, S> {
  readonly #port: WatchPort<C, S>;
  readonly #limits: TransportLimits;
  readonly #open = new Set<C>();
  // Both in order of their deadline, as every entry waits equally long.
  readonly #awaitingHello = new Map<C, number>();
  readonly #lingering = new Map<S, number>();
  #round: Iterator<C> = this.#open.values();
  // In connections times milliseconds, so that it stays a whole number.
  #due = 0;
  #sweptMs: number;

  constructor(port: WatchPort<C, S>, limits: TransportLimits, nowMs: number) {
    this.#port = port;
    this.#limits = limits;
    this.#sweptMs = nowMs;
  }

  get open(): ReadonlySet<C> {
    return this.#open;
  }

  opened(connection: C, nowMs: number): void {
    this.#open.add(connection);
    this.#awaitingHello.set(connection, nowMs + this.#limits.helloTimeoutMs);
  }

  helloCame(connection: C): void {
    this.#awaitingHello.delete(connection);
  }

  closed(connection: C): void {
    this.#open.delete(connection);
    this.#awaitingHello.delete(connection);
  }

  linger(socket: S, nowMs: number): void {
    this.#lingering.set(socket, nowMs + this.#limits.lingerMs);
  }

  released(socket: S): void {
    this.#lingering.delete(socket);
  }

  /** Sockets that were closed and have not gone. */
  get lingering(): Iterable<S> {
    return this.#lingering.keys();
  }

  sweep(nowMs: number): void {
    for (const [connection, deadlineMs] of this.#awaitingHello) {
      if (deadlineMs > nowMs) break;
      this.#port.helloMissed(connection);
    }
    for (const [socket, deadlineMs] of this.#lingering) {
      if (deadlineMs > nowMs) break;
      this.#lingering.delete(socket);
      this.#port.lingeredOut(socket);
    }
    this.#heartbeat(nowMs);
  }

  // Each connection is visited once per heartbeat, spread evenly over it: so many pings a sweep that a round takes heartbeatMs.
  #heartbeat(nowMs: number): void {
    const passedMs = Math.max(0, nowMs - this.#sweptMs);
    this.#sweptMs = nowMs;
    const { heartbeatMs } = this.#limits;
    this.#due = Math.min(this.#open.size * heartbeatMs, this.#due + this.#open.size * passedMs);
    for (; this.#due >= heartbeatMs; this.#due -= heartbeatMs) {
      let next = this.#round.next();
      if (next.done === true) {
        this.#round = this.#open.values();
        next = this.#round.next();
        if (next.done === true) return;
      }
      const connection = next.value;
      if (connection.pingsUnanswered >= this.#limits.pingsUnansweredMax) {
        this.#port.heartbeatMissed(connection);
      } else {
        connection.pingsUnanswered += 1;
        this.#port.ping(connection);
      }
    }
  }
}
