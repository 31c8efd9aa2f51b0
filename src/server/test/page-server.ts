// What stands in front of a provider that serves a web app: a page with its script under the strict policy of the app, and everything else passed
// on, so that page and provider share an origin as they do in the world.
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse, request as send } from 'node:http';
import { createRequire } from 'node:module';
import { type AddressInfo, connect } from 'node:net';
import { dirname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import { build } from 'esbuild';

const policy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "connect-src 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');
const engine = new URL('../../client/browser/engine-worker.ts', import.meta.url).pathname;
/** Beside the scripts, where the crypto library looks for it. */
const wasmPath = '/pkg/matrix_sdk_crypto_wasm_bg.wasm';

type Files = ReadonlyMap<string, { readonly type: string; readonly body: Uint8Array | string }>;

/** A page at an origin of its own. */
export class PageServer {
  readonly #server: Server;
  readonly #files: Files;
  /** Port of the provider behind it. */
  provider = 0;

  private constructor(files: Files) {
    this.#files = files;
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex) => this.#tunnel(request, socket));
  }

  /** Bundles `entry`, a path, and serves it as the script of the page at `/`, and the script of the engine's worker beside it. */
  static async start(entry: string): Promise<PageServer> {
    const library = dirname(createRequire(import.meta.url).resolve('@matrix-org/matrix-sdk-crypto-wasm'));
    const page = new PageServer(
      new Map([
        ['/', { type: 'text/html', body: '<!doctype html><script type="module" src="/page.js"></script>' }],
        ['/page.js', { type: 'text/javascript', body: await bundle(entry) }],
        ['/engine.js', { type: 'text/javascript', body: await bundle(engine) }],
        [wasmPath, { type: 'application/wasm', body: readFileSync(join(library, wasmPath)) }],
      ]),
    );
    await new Promise<void>((listening) => page.#server.listen(0, '127.0.0.1', listening));
    return page;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const file = this.#files.get(request.url?.split('?')[0] ?? '');
    if (file) {
      response.writeHead(200, { 'content-type': file.type, 'content-security-policy': policy }).end(file.body);
      return;
    }
    const { method, url, headers } = request;
    const passed = send({ host: '127.0.0.1', port: this.provider, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.writeHead(502).end());
    request.pipe(passed);
  }

  #tunnel(request: IncomingMessage, socket: Duplex): void {
    const provider = connect(this.provider, '127.0.0.1');
    const lines = request.rawHeaders.flatMap((name, at, all) => (at % 2 === 0 ? [`${name}: ${all[at + 1]}`] : []));
    provider.write(`${request.method} ${request.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    for (const [one, other] of [
      [socket, provider],
      [provider, socket],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
      one.pipe(other);
    }
  }
}

async function bundle(entry: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    format: 'esm',
    target: 'es2024',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]?.contents ?? new Uint8Array();
}
