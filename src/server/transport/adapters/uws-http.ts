// HTTP over uWebSockets.js: reads a bounded request, asks the handler, writes the answer.
// What it takes care of: a request object lives only during the call, chunks are reused, and a response must not be touched after an abort.
import type * as Uws from 'uWebSockets.js';
import type { Edge } from '../edge.ts';
import { answer, complete, type HttpRequest, isBodiless, refusal, type WrittenResponse } from '../http.ts';
import { sourceReader } from '../source.ts';
import type { TransportOptions } from '../transport.ts';

/** Reads the bucket key of a request (null where it must be refused, see `source.ts`), and answers requests that are no upgrade. */
export function requestReader<S>(edge: Edge<S>, options: TransportOptions) {
  const read = sourceReader(options);
  const tls = options.tls !== undefined;
  const answerOptions = {
    handler: options.http ?? (() => refusal(404, 'NOT_FOUND')),
    tls,
    onFault: (cause: unknown) => edge.fault(cause),
  };
  const source = (response: Uws.HttpResponse, request: Uws.HttpRequest) =>
    read({
      address: Buffer.from(response.getRemoteAddressAsText()).toString('latin1'),
      proxied: Buffer.from(response.getProxiedRemoteAddressAsText()).toString('latin1'),
      forwardedFor: () => forwardedFor(request),
    });

  const handle = (response: Uws.HttpResponse, request: Uws.HttpRequest) => {
    const method = request.getCaseSensitiveMethod().toUpperCase();
    const path = request.getUrl();
    const query = new URLSearchParams(request.getQuery());
    const headers = headersOf(request);
    const refuse = (status: number, code: string, retryAfterMs = 0) =>
      writeRefusal(response, method, complete(path, refusal(status, code, retryAfterMs), tls), options);
    edge.counters.httpRequests += 1;
    const from = source(response, request);
    if (from === null) return refuse(403, 'REFUSED');
    if (path === '/ws') return refuse(426, 'UPGRADE_REQUIRED');
    if (Number(headers['content-length'] ?? 0) > edge.limits.httpBodyBytesMax) return refuse(413, 'BODY_TOO_LARGE');

    // `open` until answered or aborted: after that the response must not be touched.
    let open = true;
    const respondNow = (written: WrittenResponse, closeConnection: boolean) => {
      if (!open) return;
      done();
      response.cork(() => write(response, method, written, closeConnection));
    };
    const respond = (written: WrittenResponse, closeConnection = false) => {
      if (takesOneRequest(options)) setImmediate(() => respondNow(written, true));
      else respondNow(written, closeConnection);
    };
    const refuseLate = () => respond(complete(path, refusal(408, 'BODY_TIMEOUT'), tls), true);
    const slot = edge.takeHttp(from, refuseLate);
    if (slot === undefined) return refuse(503, 'BUSY', edge.retryAfterMs());
    const done = () => {
      open = false;
      slot.release();
    };
    response.onAborted(done);
    collectBody(response, edge.limits.httpBodyBytesMax, (body) => {
      if (!open) return;
      slot.bodyCame();
      if (body === undefined) return respond(complete(path, refusal(413, 'BODY_TOO_LARGE'), tls), true);
      const parsed: HttpRequest = { method, path, query, headers, body, source: from };
      const answered = answer(parsed, answerOptions);
      if (answered instanceof Promise) void answered.then((written) => respond(written));
      else respond(answered);
    });
  };
  return { source, handle };
}

// `getHeader` gives the first of several lines only, which is the one that a client wrote in front of its proxy.
function forwardedFor(request: Uws.HttpRequest): string {
  const lines: string[] = [];
  request.forEach((name, value) => {
    if (name === 'x-forwarded-for') lines.push(value);
  });
  return lines.join(',');
}

function headersOf(request: Uws.HttpRequest): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  request.forEach((name, value) => {
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before}, ${value}`;
  });
  return headers;
}

// Calls back once: with the whole body, or with undefined as soon as it is over the limit.
function collectBody(
  response: Uws.HttpResponse,
  bytesMax: number,
  whole: (body: Uint8Array | undefined) => void,
): void {
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  let over = false;
  response.onData((chunk, isLast) => {
    if (over) return;
    bytes += chunk.byteLength;
    if (bytes > bytesMax) {
      over = true;
      chunks = [];
      return whole(undefined);
    }
    // The library reuses the memory of a chunk.
    if (chunk.byteLength > 0) chunks.push(new Uint8Array(chunk.slice(0)));
    if (isLast) whole(chunks.length === 1 ? chunks[0] : new Uint8Array(Buffer.concat(chunks)));
  });
}

/**
 * The library takes a PROXY header in front of every request, not only of the first: whoever is behind a balancer could write another one and be somebody
 * else. So a connection has one request then. An answer in a later turn sees to that: until it is written the library ends a connection
 * that brings another request, and with it the connection closes.
 */
function takesOneRequest(options: TransportOptions): boolean {
  return options.proxyProtocol === true;
}

/** Refuses a request and closes its connection. Call it in the request handler. */
export function writeRefusal(
  response: Uws.HttpResponse,
  method: string,
  written: WrittenResponse,
  options: TransportOptions,
): void {
  if (!takesOneRequest(options)) return write(response, method, written, true);
  let open = true;
  response.onAborted(() => {
    open = false;
  });
  setImmediate(() => {
    if (open) response.cork(() => write(response, method, written, true));
  });
}

/** Writes a whole answer. Call it corked or in the request handler. */
function write(response: Uws.HttpResponse, method: string, written: WrittenResponse, closeConnection: boolean): void {
  response.writeStatus(`${written.status} ${written.statusText}`);
  for (const [name, value] of written.headers) response.writeHeader(name, value);
  // Without arguments: an explicit undefined would be sent as a length of 2^63.
  if (isBodiless(written.status) && !closeConnection) response.endWithoutBody();
  // A length that should not be there, but without one the connection would stay open.
  else if (isBodiless(written.status)) response.endWithoutBody(0, true);
  else if (method === 'HEAD') response.endWithoutBody(written.body.length, closeConnection);
  else response.end(written.body, closeConnection);
}
