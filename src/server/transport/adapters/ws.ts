// The edge over `ws` and node:http: the fall-back where the native module does not run. Same behaviour, same suite, several times the CPU.
// A publish is a loop over subscribers here; the encoded bytes are shared between them.
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { Disconnect } from '../codes.ts';
import type { EdgeConnection } from '../connection.ts';
import { Edge } from '../edge.ts';
import { TransportFailure } from '../failure.ts';
import { complete, type HttpResponse, refusal, type WrittenResponse } from '../http.ts';
import { completeLimits, type TransportLimits } from '../limits.ts';
import type { SocketPort } from '../socket-port.ts';
import type { Transport, TransportOptions } from '../transport.ts';
import { requestSource, serve } from './node-http.ts';
import { ProxyHeaders } from './proxy-headers.ts';

interface Socket {
  readonly webSocket: WebSocket;
  readonly connection: EdgeConnection<Socket>;
  readonly topics: Set<string>;
  /** Messages of this turn, joined into one write at its end. */
  outgoing: Uint8Array[];
  outgoingBytes: number;
}

const payloadSlackBytes = 64 * 1024;

/** See `createTransport`. */
export function createWsTransport(options: TransportOptions): Transport {
  const limits = completeLimits(options.limits);
  const server = createHttpServer(options, limits);
  const port = new WsPort(server, limits);
  const edge = new Edge<Socket>(port, options);
  port.overflowed = (connection) => edge.overflowed(connection);
  const headers = new ProxyHeaders(server, options);
  port.headers = headers;
  const sourceOf = requestSource(options, (socket) => headers.addressOf(socket));
  acceptUpgrades(server, edge, port, options, sourceOf);
  server.on('request', (request: IncomingMessage, response: ServerResponse) =>
    serve(edge, options, sourceOf(request), request, response),
  );
  return {
    kind: 'ws',
    counters: edge.counters,
    connections: () => edge.connections,
    waitingBytes: () => edge.waitingBytes(),
    publish: (topic, frame) => edge.publish(topic, frame),
    drain: (ms) => edge.drain(ms),
    listen: () =>
      new Promise((resolve, reject) => {
        const failed = (cause: Error) => {
          reject(
            new TransportFailure('LISTEN_FAILED', `port ${options.port} on ${options.host} cannot be opened`, {
              cause,
            }),
          );
        };
        server.once('error', failed);
        server.listen(options.port, options.host, () => {
          server.off('error', failed);
          server.on('error', (cause) => edge.fault(cause));
          edge.start();
          resolve((server.address() as AddressInfo).port);
        });
      }),
  };
}

function createHttpServer(options: TransportOptions, limits: TransportLimits): Server {
  const common = {
    maxHeaderSize: limits.httpHeaderBytesMax,
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    keepAliveTimeout: 10_000,
  };
  if (options.tls === undefined) return createServer(common);
  try {
    return createTlsServer({
      ...common,
      cert: readFileSync(options.tls.certFile),
      key: readFileSync(options.tls.keyFile),
    });
  } catch (cause) {
    throw new TransportFailure('TLS_FAILED', `the certificate ${options.tls.certFile} or its key cannot be used`, {
      cause,
    });
  }
}

class WsPort implements SocketPort<Socket> {
  readonly copiesBytes = false;
  readonly endsBehindBacklog = true;
  overflowed: (connection: EdgeConnection<Socket>) => void = () => {};
  /** Sockets whose closing handshake runs. */
  linger: (socket: Socket) => void = () => {};
  /** Connections that have not said yet whose they are. */
  headers: { cut(): void } = { cut: () => {} };
  readonly #server: Server;
  readonly #limits: TransportLimits;
  readonly #topics = new Map<string, Set<Socket>>();
  readonly #sockets = new Set<Socket>();
  #touched: Socket[] = [];

  constructor(server: Server, limits: TransportLimits) {
    this.#server = server;
    this.#limits = limits;
  }

  opened(socket: Socket): void {
    this.#sockets.add(socket);
  }

  closed(socket: Socket): void {
    this.#sockets.delete(socket);
    this.unsubscribeAll(socket);
  }

  write(socket: Socket, message: Uint8Array): void {
    if (this.buffered(socket) > this.#limits.backpressureBytesMax) {
      this.overflowed(socket.connection);
      return;
    }
    if (socket.outgoing.length === 0) this.#touched.push(socket);
    socket.outgoing.push(message);
    socket.outgoingBytes += message.length;
  }

  publish(topic: string, message: Uint8Array): void {
    for (const socket of this.#topics.get(topic) ?? []) this.write(socket, message);
  }

  subscribe(socket: Socket, topic: string): void {
    const subscribers = this.#topics.get(topic);
    if (subscribers === undefined) this.#topics.set(topic, new Set([socket]));
    else subscribers.add(socket);
    socket.topics.add(topic);
  }

  unsubscribe(socket: Socket, topic: string): void {
    const subscribers = this.#topics.get(topic);
    if (subscribers?.delete(socket) && subscribers.size === 0) this.#topics.delete(topic);
    socket.topics.delete(topic);
  }

  unsubscribeAll(socket: Socket): void {
    for (const topic of socket.topics) this.unsubscribe(socket, topic);
  }

  buffered(socket: Socket): number {
    return socket.outgoingBytes + socket.webSocket.bufferedAmount;
  }

  ping(socket: Socket): void {
    socket.webSocket.ping();
  }

  end(socket: Socket, code: number, reason: string): void {
    this.#send(socket);
    this.unsubscribeAll(socket);
    socket.webSocket.close(code, reason);
    this.linger(socket);
  }

  terminate(socket: Socket): void {
    socket.webSocket.terminate();
  }

  endTurn(): void {
    const touched = this.#touched;
    this.#touched = [];
    for (const socket of touched) this.#send(socket);
  }

  stopAccepting(): void {
    this.#server.close();
    this.#server.closeIdleConnections();
  }

  async shutdown(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const socket of this.#sockets) socket.webSocket.terminate();
    this.#server.closeAllConnections();
    this.headers.cut();
    await closed;
  }

  // A message may be 1 MiB at most, so several of a turn are joined only as far as that goes.
  #send(socket: Socket): void {
    const messages = socket.outgoing;
    socket.outgoing = [];
    socket.outgoingBytes = 0;
    let start = 0;
    let bytes = 0;
    for (let i = 0; i < messages.length; i++) {
      const next = (messages[i] as Uint8Array).length;
      if (bytes + next > this.#limits.messageBytesMax) {
        socket.webSocket.send(concat(messages.slice(start, i), bytes));
        start = i;
        bytes = 0;
      }
      bytes += next;
    }
    if (bytes > 0) socket.webSocket.send(concat(messages.slice(start), bytes));
  }
}

function concat(messages: readonly Uint8Array[], bytes: number): Uint8Array {
  return messages.length === 1 ? (messages[0] as Uint8Array) : Buffer.concat(messages, bytes);
}

function acceptUpgrades(
  server: Server,
  edge: Edge<Socket>,
  port: WsPort,
  options: TransportOptions,
  sourceOf: (request: IncomingMessage) => string | null,
): void {
  const { limits } = edge;
  const webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.messageBytesMax + payloadSlackBytes,
    handleProtocols: (offered) => offered.has('luxchat.1') && 'luxchat.1',
  });
  port.linger = (socket) => edge.linger(socket);
  const tls = options.tls !== undefined;
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy());
    const refuse = (response: HttpResponse) => refuseUpgrade(stream, complete('/ws', response, tls));
    if ((request.url ?? '').split('?', 1)[0] !== '/ws') {
      refuse(refusal(404, 'NOT_FOUND'));
      return;
    }
    const source = sourceOf(request);
    if (source === null) {
      edge.counters.upgradesRefused += 1;
      refuse(refusal(403, 'REFUSED'));
      return;
    }
    const ownOrigin = `${tls ? 'https' : 'http'}://${request.headers.host ?? ''}`;
    const subprotocols = request.headers['sec-websocket-protocol'] ?? '';
    const admitted = edge.admit({ source, origin: request.headers.origin ?? '', ownOrigin, subprotocols });
    if (admitted.status !== 101)
      return refuse(refusal(admitted.status, admitted.status === 503 ? 'BUSY' : 'REFUSED', admitted.retryAfterMs));
    let upgraded = false;
    stream.once('close', () => {
      if (!upgraded) edge.upgradeFailed();
    });
    webSockets.handleUpgrade(request, stream, head, (webSocket) => {
      upgraded = true;
      open(edge, port, edge.connection(source), webSocket);
    });
  });
}

function open(edge: Edge<Socket>, port: WsPort, connection: EdgeConnection<Socket>, webSocket: WebSocket): void {
  const socket: Socket = { webSocket, connection, topics: new Set(), outgoing: [], outgoingBytes: 0 };
  let tooLarge = false;
  webSocket.binaryType = 'nodebuffer';
  webSocket.on('message', (data: Buffer, isBinary: boolean) => {
    edge.message(connection, new Uint8Array(data.buffer, data.byteOffset, data.byteLength), isBinary);
  });
  webSocket.on('pong', () => edge.heard(connection));
  // `ws` closes after an error by itself; here only its kind is kept.
  webSocket.on('error', (error: NodeJS.ErrnoException) => {
    tooLarge ||= error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
  });
  webSocket.on('close', (code) => {
    port.closed(socket);
    edge.gone(connection, socket, tooLarge ? Disconnect.DISCONNECT_FRAME_TOO_LARGE : code);
  });
  port.opened(socket);
  edge.opened(connection, socket);
}

function refuseUpgrade(stream: Duplex, written: WrittenResponse): void {
  const headers = written.headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  stream.end(
    Buffer.concat([
      Buffer.from(
        `HTTP/1.1 ${written.status} ${written.statusText}\r\n${headers}content-length: ${written.body.length}\r\nconnection: close\r\n\r\n`,
      ),
      written.body,
    ]),
  );
}
