// HTTP over node:http for the `ws` adapter: reads a bounded request, asks the handler, writes the answer.
// It guarantees that a request counts as open until its answer is written or its client is gone.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Edge } from '../edge.ts';
import { answer, complete, isBodiless, refusal, type WrittenResponse } from '../http.ts';
import { sourceReader } from '../source.ts';
import type { TransportOptions } from '../transport.ts';

/** Reads the bucket key of a request, or null where it must be refused; see `source.ts`. */
export function requestSource(
  options: TransportOptions,
  proxiedOf: (socket: Socket) => string,
): (request: IncomingMessage) => string | null {
  const read = sourceReader(options);
  return (request) => {
    const forwarded = request.headers['x-forwarded-for'] ?? '';
    return read({
      address: request.socket.remoteAddress ?? '',
      proxied: proxiedOf(request.socket),
      forwardedFor: () => (Array.isArray(forwarded) ? forwarded.join(',') : forwarded),
    });
  };
}

/** Answers one request that is no upgrade. */
export function serve<S>(
  edge: Edge<S>,
  options: TransportOptions,
  source: string | null,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const tls = options.tls !== undefined;
  const target = request.url ?? '';
  const cut = target.indexOf('?');
  const path = cut === -1 ? target : target.slice(0, cut);
  const method = request.method ?? 'GET';
  const refuse = (status: number, code: string, retryAfterMs = 0) => {
    response.shouldKeepAlive = false;
    write(response, complete(path, refusal(status, code, retryAfterMs), tls));
  };
  edge.counters.httpRequests += 1;
  if (source === null) {
    refuse(403, 'REFUSED');
    return;
  }
  if (!path.startsWith('/')) {
    refuse(400, 'BAD_TARGET');
    return;
  }
  if (path === '/ws') {
    refuse(426, 'UPGRADE_REQUIRED');
    return;
  }
  const slot = edge.takeHttp(source, () => refuse(408, 'BODY_TIMEOUT'));
  if (slot === undefined) {
    refuse(503, 'BUSY', edge.retryAfterMs());
    return;
  }
  response.once('close', () => slot.release());
  const query = new URLSearchParams(cut === -1 ? '' : target.slice(cut + 1));
  const answerOptions = {
    handler: options.http ?? (() => refusal(404, 'NOT_FOUND')),
    tls,
    onFault: (cause: unknown) => edge.fault(cause),
  };
  collectBody(request, edge.limits.httpBodyBytesMax, (body) => {
    if (!slot.bodyCame()) return;
    if (body === undefined) {
      refuse(413, 'BODY_TOO_LARGE');
      return;
    }
    const answered = answer({ method, path, query, headers: headersOf(request), body, source }, answerOptions);
    if (answered instanceof Promise) void answered.then((written) => write(response, written));
    else write(response, answered);
  });
}

function headersOf(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return headers;
}

// Calls back at most once: with the whole body, or with undefined as soon as it is over the limit. Never after an abort.
function collectBody(request: IncomingMessage, bytesMax: number, whole: (body: Uint8Array | undefined) => void): void {
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) {
    whole(undefined);
    return;
  }
  let chunks: Buffer[] = [];
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    const before = bytes;
    bytes += chunk.length;
    if (bytes <= bytesMax) chunks.push(chunk);
    else if (before <= bytesMax) {
      chunks = [];
      whole(undefined);
    }
  });
  request.on('end', () => {
    if (bytes <= bytesMax) whole(new Uint8Array(Buffer.concat(chunks)));
  });
  // It went away in the middle: its slot is freed when it closes, and nobody reads an answer.
  request.on('error', () => {});
}

function write(response: ServerResponse, written: WrittenResponse): void {
  if (response.destroyed || response.writableEnded) return;
  for (const [name, value] of written.headers) response.appendHeader(name, value);
  if (!isBodiless(written.status)) response.setHeader('content-length', written.body.length);
  response.writeHead(written.status, written.statusText);
  response.end(isBodiless(written.status) ? undefined : written.body);
}
