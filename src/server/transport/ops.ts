// The operator's port: /health, /ready and /metrics, on a listener of its own so that it is never reachable with the clients' port.
// It guarantees nothing about who may ask: bind it to loopback or a private network.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TransportFailure } from './failure.ts';

export interface OpsOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** May this node get traffic? False answers 503. */
  readonly ready: () => boolean | Promise<boolean>;
  /** Prometheus text. */
  readonly metrics: () => string | Promise<string>;
  /** Told when `ready` or `metrics` threw; the answer was 500. */
  readonly onFault?: (cause: unknown) => void;
}

export interface OpsServer {
  /** Opens the port and returns it. Rejects with a TransportFailure. */
  listen(): Promise<number>;
  close(): Promise<void>;
}

/** Makes the operator's listener; nothing is opened before `listen`. /health says only that the event loop turns. */
export function createOpsServer(options: OpsOptions): OpsServer {
  const host = options.host ?? '127.0.0.1';
  const routes: Record<string, () => Promise<[number, string, string]>> = {
    '/health': async () => [200, 'application/json', '{"health":"ok"}'],
    '/ready': async () =>
      (await options.ready())
        ? [200, 'application/json', '{"ready":true}']
        : [503, 'application/json', '{"ready":false}'],
    '/metrics': async () => [200, 'text/plain; version=0.0.4; charset=utf-8', await options.metrics()],
  };
  const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
    const route = routes[(request.url ?? '').split('?', 1)[0] ?? ''];
    if (route === undefined || (request.method !== 'GET' && request.method !== 'HEAD'))
      return write(response, 404, 'application/json', '{"code":"NOT_FOUND"}');
    route()
      .then(([status, type, body]) => write(response, status, type, body))
      .catch((cause: unknown) => {
        options.onFault?.(cause);
        write(response, 500, 'application/json', '{"code":"INTERNAL"}');
      });
  });
  return {
    listen: () =>
      new Promise((resolve, reject) => {
        server.once('error', (cause) =>
          reject(new TransportFailure('LISTEN_FAILED', `port ${options.port} on ${host} cannot be opened`, { cause })),
        );
        server.listen(options.port, host, () => resolve((server.address() as AddressInfo).port));
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function write(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'content-type': type,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}
