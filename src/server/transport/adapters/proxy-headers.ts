// Reads the PROXY header in front of a connection before node:http or node:https sees it, TLS included. uWebSockets.js has that built in.
// Guarantees: only trusted proxies are listened to, a connection has at most one header, and it is there in time or the connection ends.
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { readProxyHeader } from '../proxy-header.ts';
import { proxyHeaderFrom, type SourceOptions } from '../source.ts';

/** A balancer writes it first thing. */
const headerMs = 10_000;

/** The headers of a server's connections. */
export class ProxyHeaders {
  /** By the other end of the connection, since that of TLS is another object. */
  readonly #addresses = new Map<string, string>();
  readonly #waiting = new Set<Socket>();

  constructor(server: Server, options: SourceOptions) {
    if (options.proxyProtocol !== true) return;
    const isProxy = proxyHeaderFrom(options);
    const accept = server.listeners('connection');
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      const accepted = () => {
        for (const listener of accept) listener.call(server, socket);
      };
      if (isProxy(socket.remoteAddress ?? '')) this.#read(socket, accepted);
      else accepted();
    });
  }

  /** What the header of this connection said; empty where there was none. */
  addressOf(socket: Socket): string {
    return this.#addresses.get(endOf(socket)) ?? '';
  }

  /** Ends the connections whose header has not come. */
  cut(): void {
    for (const socket of this.#waiting) socket.destroy();
  }

  #read(socket: Socket, accepted: () => void): void {
    const end = endOf(socket);
    let bytes = Buffer.alloc(0);
    this.#waiting.add(socket);
    const late = () => {
      socket.destroy();
    };
    socket.setTimeout(headerMs, late);
    socket.on('error', late);
    socket.once('close', () => {
      this.#waiting.delete(socket);
      this.#addresses.delete(end);
    });
    const readable = () => {
      for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) bytes = Buffer.concat([bytes, chunk]);
      const header = readProxyHeader(bytes);
      if (header.kind === 'more') return;
      socket.off('readable', readable);
      if (header.kind === 'broken') return late();
      this.#waiting.delete(socket);
      socket.setTimeout(0);
      socket.off('timeout', late);
      if (header.kind === 'header' && header.address !== '') this.#addresses.set(end, header.address);
      const rest = header.kind === 'header' ? bytes.subarray(header.bytes) : bytes;
      if (rest.length > 0) socket.unshift(rest);
      accepted();
    };
    socket.on('readable', readable);
  }
}

function endOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
