// HTTP over uWebSockets.js: reads a bounded request, asks the handler, writes the answer.
// What it takes care of: a request object lives only during the call, chunks are reused, and a response must not be touched after an abort.
import type * as Uws from 'uWebSockets.js';
import type { Edge } from '../edge.ts';
import { answer, complete, type HttpRequest, isBodiless, refusal, type WrittenResponse } from '../http.ts';
import { sourceKey, trustedProxies } from '../source.ts';
import type { TransportOptions } from '../transport.ts';

/** Reads the address bucket key of a request, and answers requests that are no upgrade. */
export function requestReader<S>(edge: Edge<S>, options: TransportOptions) {
  const trusted = trustedProxies(options.trustedProxies ?? []);
  const tls = options.tls !== undefined;
  const answerOptions = {
    handler: options.http ?? (() => refusal(404, 'NOT_FOUND')),
    tls,
    onFault: (cause: unknown) => edge.fault(cause),
  };
  const source = (response: Uws.HttpResponse, request: Uws.HttpRequest) =>
    sourceKey(
      Buffer.from(response.getRemoteAddressAsText()).toString('latin1'),
      request.getHeader('x-forwarded-for'),
      trusted,
    );

  const handle = (response: Uws.HttpResponse, request: Uws.HttpRequest) => {
    const method = request.getCaseSensitiveMethod().toUpperCase();
    const path = request.getUrl();
    const query = new URLSearchParams(request.getQuery());
    const headers = headersOf(request);
    const refuse = (status: number, code: string, retryAfterMs = 0) =>
      write(response, method, complete(path, refusal(status, code, retryAfterMs), tls), true);
    edge.counters.httpRequests += 1;
    if (path === '/ws') return refuse(426, 'UPGRADE_REQUIRED');
    if (edge.httpOpen >= edge.limits.httpRequestsMax) return refuse(503, 'BUSY', edge.retryAfterMs());
    if (Number(headers['content-length'] ?? 0) > edge.limits.httpBodyBytesMax) return refuse(413, 'BODY_TOO_LARGE');

    const from = source(response, request);
    // `open` until answered or aborted: after that the response must not be touched.
    let open = true;
    const done = () => {
      if (open) edge.httpOpen -= 1;
      open = false;
    };
    edge.httpOpen += 1;
    response.onAborted(done);
    const respond = (written: WrittenResponse) => {
      if (!open) return;
      done();
      response.cork(() => write(response, method, written, false));
    };
    collectBody(response, edge.limits.httpBodyBytesMax, (body) => {
      if (!open) return;
      if (body === undefined) {
        done();
        return refuse(413, 'BODY_TOO_LARGE');
      }
      const parsed: HttpRequest = { method, path, query, headers, body, source: from };
      const answered = answer(parsed, answerOptions);
      if (answered instanceof Promise) void answered.then(respond);
      else respond(answered);
    });
  };
  return { source, handle };
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

/** Writes a whole answer. Call it corked or in the request handler. */
export function write(
  response: Uws.HttpResponse,
  method: string,
  written: WrittenResponse,
  closeConnection: boolean,
): void {
  response.writeStatus(`${written.status} ${written.statusText}`);
  for (const [name, value] of written.headers) response.writeHeader(name, value);
  // Without arguments: an explicit undefined would be sent as a length of 2^63.
  if (isBodiless(written.status)) response.endWithoutBody();
  else if (method === 'HEAD') response.endWithoutBody(written.body.length, closeConnection);
  else response.end(written.body, closeConnection);
}
