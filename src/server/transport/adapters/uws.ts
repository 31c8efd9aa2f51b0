// The edge over uWebSockets.js, the default. Its publish is native: one call reaches every subscriber.
// What it takes care of: bytes it is given are only valid during the call; a socket must not be closed or its subscriptions changed while
// the library iterates (so `dropped` only reports); a refused publish is silent, so the edge is told through `dropped`.

import type * as Uws from 'uWebSockets.js';
import { createRequire } from 'node:module';
import { Disconnect } from '../codes.ts';
import type { EdgeConnection } from '../connection.ts';
import { Edge } from '../edge.ts';
import { TransportFailure } from '../failure.ts';
import { complete, refusal } from '../http.ts';
import { completeLimits } from '../limits.ts';
import type { SocketPort } from '../socket-port.ts';
import type { Transport, TransportOptions } from '../transport.ts';
import { requestReader, writeRefusal } from './uws-http.ts';

interface SocketData {
  connection: EdgeConnection<Socket>;
}
type Socket = Uws.WebSocket<SocketData>;

// Above the message limit by this much the library still hands a message over, so that the close frame can say FRAME_TOO_LARGE;
// beyond, it cuts the connection itself and names this reason.
const payloadSlackBytes = 64 * 1024;
const tooBigReason = 'Received too big message';

/** See `createTransport`. */
export function createUwsTransport(options: TransportOptions): Transport {
  const limits = completeLimits(options.limits);
  // The library looks for the header behind TLS, and balancers write it in front.
  if (options.proxyProtocol && options.tls !== undefined)
    throw new RangeError('uws does not read the PROXY protocol in front of TLS');
  const uws = load(limits.httpHeaderBytesMax);
  const app = createApp(uws, options);
  const listening: { token: Uws.us_listen_socket | undefined } = { token: undefined };
  const edge = new Edge<Socket>(socketPort(uws, app, listening), options);
  const request = requestReader(edge, options);
  app.ws<SocketData>('/ws', behavior(uws, edge, options, request.source));
  app.any('/*', request.handle);
  return {
    kind: 'uws',
    counters: edge.counters,
    connections: () => edge.connections,
    waitingBytes: () => edge.waitingBytes(),
    publish: (topic, frame) => edge.publish(topic, frame),
    drain: (ms) => edge.drain(ms),
    listen: () =>
      new Promise((resolve, reject) => {
        const opened = (token: Uws.us_listen_socket | false) => {
          if (token === false)
            return reject(
              new TransportFailure('LISTEN_FAILED', `port ${options.port} on ${options.host} cannot be opened`),
            );
          listening.token = token;
          edge.start();
          resolve(uws.us_socket_local_port(token));
        };
        listenExclusively(uws, app, options, opened);
      }),
  };
}

// Loaded on demand: where the native module does not exist, the other adapter must still run.
function load(headerBytesMax: number): typeof Uws {
  process.env.UWS_HTTP_MAX_HEADERS_SIZE ??= String(headerBytesMax);
  try {
    return createRequire(import.meta.url)('uWebSockets.js') as typeof Uws;
  } catch (cause) {
    throw new TransportFailure('NATIVE_MODULE_FAILED', 'uWebSockets.js cannot be loaded on this machine', { cause });
  }
}

function createApp(uws: typeof Uws, options: TransportOptions): Uws.TemplatedApp {
  if (options.tls === undefined) return uws.App();
  try {
    return uws.SSLApp({ cert_file_name: options.tls.certFile, key_file_name: options.tls.keyFile });
  } catch (cause) {
    throw new TransportFailure('TLS_FAILED', `the certificate ${options.tls.certFile} or its key cannot be used`, {
      cause,
    });
  }
}

// The library would share a taken port (SO_REUSEPORT) unless told otherwise; its types lack the form with a host.
function listenExclusively(
  uws: typeof Uws,
  app: Uws.TemplatedApp,
  options: TransportOptions,
  opened: (token: Uws.us_listen_socket | false) => void,
): void {
  const exclusive = (uws as unknown as { LIBUS_LISTEN_EXCLUSIVE_PORT: number }).LIBUS_LISTEN_EXCLUSIVE_PORT;
  const withHost = app as unknown as {
    listen(host: string, port: number, flags: number, opened: (token: Uws.us_listen_socket | false) => void): void;
  };
  withHost.listen(options.host, options.port, exclusive, opened);
}

function socketPort(
  uws: typeof Uws,
  app: Uws.TemplatedApp,
  listening: { token: Uws.us_listen_socket | undefined },
): SocketPort<Socket> {
  const stopAccepting = () => {
    if (listening.token !== undefined) uws.us_listen_socket_close(listening.token);
    listening.token = undefined;
  };
  return {
    copiesBytes: true,
    endsBehindBacklog: false,
    // Corked, what was published before in this turn and this message leave in one write.
    write: (socket, message) => {
      socket.cork(() => socket.send(message, true));
    },
    publish: (topic, message) => {
      app.publish(topic, message, true);
    },
    subscribe: (socket, topic) => {
      socket.subscribe(topic);
    },
    unsubscribe: (socket, topic) => {
      socket.unsubscribe(topic);
    },
    unsubscribeAll: (socket) => {
      for (const topic of socket.getTopics()) socket.unsubscribe(topic);
    },
    buffered: (socket) => socket.getBufferedAmount(),
    ping: (socket) => {
      socket.ping();
    },
    end: (socket, code, reason) => socket.end(code, reason),
    terminate: (socket) => socket.close(),
    endTurn: () => {},
    stopAccepting,
    shutdown: async () => {
      stopAccepting();
      app.close();
    },
  };
}

function behavior(
  uws: typeof Uws,
  edge: Edge<Socket>,
  options: TransportOptions,
  sourceOf: (response: Uws.HttpResponse, request: Uws.HttpRequest) => string | null,
): Uws.WebSocketBehavior<SocketData> {
  const { limits } = edge;
  const scheme = options.tls === undefined ? 'http' : 'https';
  const connectionOf = (socket: Socket) => socket.getUserData().connection;
  return {
    maxPayloadLength: limits.messageBytesMax + payloadSlackBytes,
    maxBackpressure: limits.backpressureBytesMax,
    // The edge closes slow readers itself, with a code. The library's own way would cut them without one, and only after later frames.
    closeOnBackpressureLimit: false,
    compression: uws.DISABLED,
    // A last resort behind the edge's own heartbeat; whole seconds, 8 to 960.
    idleTimeout: Math.min(960, Math.max(8, Math.ceil((limits.heartbeatMs * (limits.pingsUnansweredMax + 2)) / 1000))),
    sendPingsAutomatically: false,
    upgrade: (response, request, context) => {
      const refuse = (status: number, code: string, retryAfterMs = 0) => {
        const written = complete('/ws', refusal(status, code, retryAfterMs), options.tls !== undefined);
        writeRefusal(response, 'GET', written, options);
      };
      const source = sourceOf(response, request);
      if (source === null) {
        edge.counters.upgradesRefused += 1;
        return refuse(403, 'REFUSED');
      }
      const ownOrigin = `${scheme}://${request.getHeader('host')}`;
      const subprotocols = request.getHeader('sec-websocket-protocol');
      const admitted = edge.admit({ source, origin: request.getHeader('origin'), ownOrigin, subprotocols });
      if (admitted.status !== 101)
        return refuse(admitted.status, admitted.status === 503 ? 'BUSY' : 'REFUSED', admitted.retryAfterMs);
      const data = { connection: edge.connection(source) };
      response.upgrade(
        data,
        request.getHeader('sec-websocket-key'),
        admitted.subprotocol,
        request.getHeader('sec-websocket-extensions'),
        context,
      );
    },
    open: (socket) => edge.opened(connectionOf(socket), socket),
    message: (socket, message, isBinary) => edge.message(connectionOf(socket), new Uint8Array(message), isBinary),
    pong: (socket) => edge.heard(connectionOf(socket)),
    dropped: (socket) => edge.overflowed(connectionOf(socket)),
    drain: (socket) => edge.drained(socket),
    close: (socket, code, message) => {
      const tooBig = code === 1006 && Buffer.from(message).toString('latin1') === tooBigReason;
      edge.gone(connectionOf(socket), socket, tooBig ? Disconnect.DISCONNECT_FRAME_TOO_LARGE : code);
    },
  };
}
