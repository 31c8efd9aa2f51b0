// The HTTP half of the edge that both adapters share: what a handler sees, what it returns, and what is added to every answer.
// It guarantees security headers, bounded bodies and that no error text leaves the process. It does no routing.
import { STATUS_CODES } from 'node:http';

export interface HttpRequest {
  /** Upper case. */
  readonly method: string;
  /** As sent, without the query, not percent-decoded; starts with a slash. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case; repeated headers joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** At most `httpBodyBytesMax` bytes; empty when there is none. */
  readonly body: Uint8Array;
  /** Address bucket key, see `source.ts`. */
  readonly source: string;
}

export interface HttpResponse {
  readonly status: number;
  /** An array sends the header once per value. Content-length and connection headers are the edge's and ignored here. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Uint8Array | string;
}

/** Answers one request. A throw or a rejection becomes 500 and is reported as a fault. */
export type HttpHandler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;

/** An answer ready to be written: defaults merged, header names and values checked. */
export interface WrittenResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
}

export interface HttpEdgeOptions {
  readonly handler: HttpHandler;
  readonly tls: boolean;
  readonly onFault: (cause: unknown) => void;
}

const edgeHeaders = new Set(['content-length', 'connection', 'transfer-encoding', 'keep-alive', 'date']);
const headerName = /^[a-z0-9!#$%&'*+.^_|~-]+$/;
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/** An answer of the edge itself: a JSON body with a code, and Retry-After in whole seconds (rounded up) where waiting helps. */
export function refusal(status: number, code: string, retryAfterMs = 0): HttpResponse {
  const retry = retryAfterMs > 0 ? { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) } : {};
  return { status, headers: { 'content-type': 'application/json', ...retry }, body: JSON.stringify({ code }) };
}

/** Runs the handler and turns whatever happens into a response that can be written. Never throws, never rejects. */
export function answer(request: HttpRequest, options: HttpEdgeOptions): WrittenResponse | Promise<WrittenResponse> {
  const failed = (cause: unknown): WrittenResponse => {
    options.onFault(cause);
    return complete(request.path, refusal(500, 'INTERNAL'), options.tls);
  };
  try {
    const response = options.handler(request);
    if (!(response instanceof Promise)) return complete(request.path, response, options.tls);
    return response.then((settled) => complete(request.path, settled, options.tls)).catch(failed);
  } catch (cause) {
    return failed(cause);
  }
}

/** Adds the default headers to a response. Throws on a header that cannot be sent: that is a bug of the handler. */
export function complete(path: string, response: HttpResponse, tls: boolean): WrittenResponse {
  const headers: [string, string][] = [];
  const set = new Set<string>();
  for (const [given, values] of Object.entries(response.headers ?? {})) {
    const name = given.toLowerCase();
    if (edgeHeaders.has(name)) continue;
    if (!headerName.test(name)) throw new TypeError(`not a header name: ${JSON.stringify(given)}`);
    set.add(name);
    for (const value of typeof values === 'string' ? [values] : values) {
      if (!headerValue.test(value)) throw new TypeError(`header ${name} has a value that cannot be sent`);
      headers.push([name, value]);
    }
  }
  for (const [name, value] of defaultHeaders(path, tls)) if (!set.has(name)) headers.push([name, value]);
  const statusText = STATUS_CODES[response.status];
  if (statusText === undefined || response.status < 200)
    throw new TypeError(`not a final HTTP status: ${response.status}`);
  const body = typeof response.body === 'string' ? Buffer.from(response.body) : (response.body ?? new Uint8Array(0));
  return { status: response.status, statusText, headers, body };
}

/** What every answer carries unless the handler said otherwise. */
function defaultHeaders(path: string, tls: boolean): [string, string][] {
  const headers: [string, string][] = [
    ['x-content-type-options', 'nosniff'],
    ['referrer-policy', 'no-referrer'],
    ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ];
  if (path === '/auth' || path.startsWith('/auth/')) headers.push(['cache-control', 'no-store']);
  if (tls) headers.push(['strict-transport-security', 'max-age=31536000']);
  return headers;
}

/** Statuses that must not carry a body or its length. */
export function isBodiless(status: number): boolean {
  return status === 204 || status === 304;
}
