// The edge of this node with its settings: what connects and what it says goes to the actors.
import { portionsOf } from '#actors/session/portions.ts';
import { type Config, onlyProxiesConnect } from './config.ts';
import type { Runtime } from './runtime.ts';
import type { Socket } from './sockets.ts';
import type { Log } from './telemetry/log.ts';
import { createTransport } from './transport/create.ts';
import type { HttpHandler } from './transport/http.ts';
import type { Transport, TransportHandler } from './transport/transport.ts';

interface FrontParts {
  readonly log: Log;
  readonly http: HttpHandler;
  readonly firstConnection: number;
}

/** A transport that does not listen yet. */
export function openTransport(config: Config, runtime: Runtime, { log, http, firstConnection }: FrontParts): Transport {
  const handler: TransportHandler = {
    onOpen: (connection) => runtime.sockets.opened(connection),
    onFrames: (connection, frames) => receive(runtime, connection, frames),
    onClose: (connection) => runtime.sockets.closed(connection),
  };
  return createTransport(config.transport as 'uws' | 'ws', {
    host: config.host,
    port: config.port,
    ...(config.tlsCert ? { tls: { certFile: config.tlsCert, keyFile: config.tlsKey } } : {}),
    // Behind a proxy that ends TLS, a request does not say that devices use https.
    allowedOrigins: config.publicUrl ? [...config.origins, new URL(config.publicUrl).origin] : config.origins,
    trustedProxies: config.trustedProxies,
    proxyProtocol: config.proxyProtocol,
    proxiesOnly: onlyProxiesConnect(config),
    limits: {
      connectionsMax: config.connectionsMax,
      upgradesPerSecond: config.connectionsPerSecond,
      upgradesBurst: config.connectionsPerSecond * 2,
      sourceUpgradesPerSecond: config.connectionsPerSourceSecond,
      sourceUpgradesBurst: config.connectionsPerSourceSecond * 2,
      httpRequestsPerSourceMax: config.httpRequestsPerSource,
    },
    handler,
    http,
    firstConnection,
    onFault: (cause) => log.error('transport fault', cause),
  });
}

function receive(runtime: Runtime, socket: Socket, frames: readonly Uint8Array[]): void {
  // One WebSocket message may hold a megabyte of frames; the session takes it in portions, so that others have their turn between.
  for (const portion of portionsOf(frames)) {
    runtime.sockets.received(
      socket,
      portion,
      portion.reduce((bytes, frame) => bytes + frame.length, 0),
    );
  }
}
