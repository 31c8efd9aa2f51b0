// The edge of a node: WebSocket at /ws and HTTP on one port, behind one interface with two adapters that pass the same suite.
// It guarantees whole, bounded, well-formed frames in; ordered frames out, or a closed connection; and that no client slows another.
// It knows nothing of what frames mean: no login, no rooms, no protobuf.

import type { HttpHandler } from './http.ts';
import type { TransportLimits } from './limits.ts';

/** One open WebSocket. After `onClose` every method does nothing, so that nobody has to ask first. */
export interface Connection {
  /** Unique in this process, never reused. */
  readonly id: number;
  /** Address bucket key (an IPv4 address or an IPv6 /64). For counting only; never logged or stored. */
  readonly source: string;
  /** Queues a frame (1 byte to 64 KiB) for the end of this loop turn. The bytes must not change until then. Throws a RangeError outside the bounds. */
  send(frame: Uint8Array): void;
  /** The same as `send` for each, in order. */
  sendMany(frames: readonly Uint8Array[]): void;
  /** From now on this connection gets what is published to the topic; publishes made before are not delivered to it. */
  subscribe(topic: string): void;
  /** Publishes made before are still delivered. */
  unsubscribe(topic: string): void;
  /** Sends what is queued, then closes. Codes that allow reconnecting carry `retryAfter=<ms>` in front of the reason. */
  close(code: number, reason: string): void;
  /** Bytes that wait for this socket in this process, the unsent of this turn included. */
  bufferedBytes(): number;
}

/** What the server does with connections. Handlers are synchronous; a throw closes that one connection with INTERNAL. */
export interface TransportHandler {
  onOpen(connection: Connection): void;
  /** Frames of one WebSocket message, in order, never empty. Each is a copy that the handler may keep. */
  onFrames(connection: Connection, frames: Uint8Array[]): void;
  /** Exactly once per `onOpen`, last. The code is a Disconnect, or what the client or the network said (1000-1015). */
  onClose(connection: Connection, code: number): void;
}

export interface TransportOptions {
  readonly host: string;
  /** 0 takes any free one. A port that is taken is an error, never shared. */
  readonly port: number;
  /** PEM files. Without it the edge speaks plain text. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** Browser origins besides the own one, such as `https://app.example`. A present Origin that is not listed gets 403. */
  readonly allowedOrigins?: readonly string[];
  /** Addresses or CIDR networks whose X-Forwarded-For, or PROXY header, is believed. Default none. */
  readonly trustedProxies?: readonly string[];
  /**
   * Each connection of a trusted proxy begins with a header of the PROXY protocol, version 2; without one it gets 403. Default false: a connection with
   * such a header is refused. In front of TLS only `ws` reads it; `uws` with both throws a RangeError.
   */
  readonly proxyProtocol?: boolean;
  /** Whoever connects and is no trusted proxy gets 403, upgrades too: for an edge without TLS behind proxies that end it. Default false. */
  readonly proxiesOnly?: boolean;
  readonly limits?: Partial<TransportLimits>;
  readonly handler: TransportHandler;
  /** Number of the first connection; the others count on from it. Default 1. */
  readonly firstConnection?: number;
  /** Default: 404 for everything. */
  readonly http?: HttpHandler;
  /** Milliseconds of a clock that never jumps; default the monotonic one. Buckets, hello timeout and heartbeat follow it. */
  readonly now?: () => number;
  /** In [0, 1); default Math.random. Only spreads retryAfter. */
  readonly random?: () => number;
  /** Told of every bug that the edge caught: a handler that threw. Default: nothing. */
  readonly onFault?: (cause: unknown) => void;
}

/** Counters since the start, for telemetry. */
export interface TransportCounters {
  upgrades: number;
  upgradesRefused: number;
  messagesIn: number;
  framesIn: number;
  bytesIn: number;
  /** Native sends and publishes, each of one or more frames. */
  sends: number;
  publishes: number;
  httpRequests: number;
  /** Ends of connections by close code. */
  readonly closes: Map<number, number>;
}

export interface Transport {
  readonly kind: TransportKind;
  /** Opens the port and returns it. Rejects with a TransportFailure. */
  listen(): Promise<number>;
  /**
   * Queues a frame (1 byte to 64 KiB) for all subscribers of the topic, encoded once and sent by one native publish.
   * Who is subscribed at this call gets it. Frames of one topic keep their order. See the README for order between topics and sends.
   */
  publish(topic: string, frame: Uint8Array): void;
  /** Open connections. */
  connections(): number;
  /** Bytes that wait in this process for devices, all together, those too that were closed and have not read them. Looks at every connection. */
  waitingBytes(): number;
  readonly counters: TransportCounters;
  /** Stops accepting, closes all connections with GOING_AWAY evenly over `ms`, lets HTTP answers finish within it, then frees the port. */
  drain(ms: number): Promise<void>;
}

export type TransportKind = 'uws' | 'ws';
