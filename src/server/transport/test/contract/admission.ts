// Who comes in: origins, subprotocols, room left, and what counts for which source.
import { expect, it } from 'vitest';
import type { HttpHandler } from '../../http.ts';
import type { TransportLimits } from '../../limits.ts';
import { Client, RawRequest } from './client.ts';
import type { Serve, Server } from './server.ts';
import { turn } from './waiting.ts';

export function admissionTests(serve: Serve, withLimits: (limits: Partial<TransportLimits>) => Promise<Server>): void {
  const statusOf = (server: Server, options: ConstructorParameters<typeof Client>[1] = {}) =>
    new Promise<{ status: number; retryAfter: string | undefined }>((resolve, reject) => {
      const client = new Client(server.url, options);
      client.socket.on('unexpected-response', (_request, response) => {
        response.resume();
        resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] });
      });
      client.open().then(() => resolve({ status: 101, retryAfter: undefined }), reject);
    });

  it('checks the Origin that browsers send', async () => {
    const server = await serve({ allowedOrigins: ['https://app.example'] });
    expect((await statusOf(server)).status).toBe(101);
    expect((await statusOf(server, { headers: { origin: 'https://app.example' } })).status).toBe(101);
    expect((await statusOf(server, { headers: { origin: server.http } })).status).toBe(101);
    expect(await statusOf(server, { headers: { origin: 'https://evil.example' } })).toEqual({
      status: 403,
      retryAfter: undefined,
    });
  });

  it('speaks luxchat.1, named or unnamed, and nothing else', async () => {
    const server = await serve();
    const named = await new Client(server.url, { protocol: 'luxchat.1' }).open();
    const unnamed = await new Client(server.url).open();
    expect([named.socket.protocol, unnamed.socket.protocol]).toEqual(['luxchat.1', '']);
    expect((await statusOf(server, { protocol: 'other.1' })).status).toBe(400);
  });

  it('has room for connectionsMax and answers the next 503 with Retry-After', async () => {
    const server = await withLimits({ connectionsMax: 2 });
    const [first] = await server.connect();
    await server.connect();
    expect(await statusOf(server)).toEqual({ status: 503, retryAfter: '1' });
    first.socket.close();
    await server.until(() => server.closes.length === 1, 'room');
    expect((await statusOf(server)).status).toBe(101);
  });

  it('answers 503 to a source over its burst, and the bucket refills', async () => {
    const server = await withLimits({ sourceUpgradesBurst: 3, sourceUpgradesPerSecond: 1 });
    for (let i = 0; i < 3; i++) expect((await statusOf(server)).status).toBe(101);
    expect((await statusOf(server)).status).toBe(503);
    server.clock.ms += 1000;
    expect((await statusOf(server)).status).toBe(101);
    expect(server.transport.counters).toMatchObject({ upgrades: 4, upgradesRefused: 1 });
  });

  it('takes the source from a trusted proxy only', async () => {
    const headers = { 'x-forwarded-for': '203.0.113.9' };
    const trusting = await serve({ trustedProxies: ['127.0.0.0/8'] });
    const wary = await serve();
    await new Client(trusting.url, { headers }).open();
    await new Client(wary.url, { headers }).open();
    expect([trusting.opened[0]?.source, wary.opened[0]?.source]).toEqual(['203.0.113.9', '127.0.0.1']);
  });
}

export function sourceTests(serve: Serve): void {
  const upgrade = ['GET /ws HTTP/1.1', 'host: x', 'connection: upgrade', 'upgrade: websocket'];
  const webSocket = [...upgrade, 'sec-websocket-version: 13', 'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=='];
  const nobody: HttpHandler = ({ source }) => ({ status: 200, body: `source=${source};` });

  it('counts all lines of X-Forwarded-For: what a client wrote stands in front of what its proxy added', async () => {
    const server = await serve({ trustedProxies: ['127.0.0.0/8'], http: nobody });
    const forwarded = ['x-forwarded-for: 198.51.100.1', 'X-Forwarded-For: 198.51.100.2, 203.0.113.9'];
    await new RawRequest(server.port, 'GET / HTTP/1.1', 'host: x', ...forwarded).holds('source=203.0.113.9;');
    expect(await new RawRequest(server.port, ...webSocket, ...forwarded).status()).toBe(101);
    await server.until(() => server.opened.length === 1, 'the upgrade');
    expect(server.opened[0]?.source).toBe('203.0.113.9');
  });

  it('serves others while one source has all the places that it may have', async () => {
    const limits = { httpRequestsPerSourceMax: 2, httpRequestsMax: 3 };
    const server = await serve({ trustedProxies: ['127.0.0.0/8'], http: nobody, limits });
    const post = (source: string, length: number) =>
      new RawRequest(
        server.port,
        'POST / HTTP/1.1',
        'host: x',
        `x-forwarded-for: ${source}`,
        `content-length: ${length}`,
      );
    const asked = async (requests: number) => {
      while (server.transport.counters.httpRequests < requests) await turn();
    };
    const hoarding = [post('203.0.113.9', 5), post('203.0.113.9', 5)];
    await asked(2);
    expect(await post('203.0.113.9', 0).status()).toBe(503);
    expect(await post('203.0.113.10', 0).status()).toBe(200);
    const third = post('203.0.113.10', 5);
    await asked(5);
    expect(await post('203.0.113.11', 0).status()).toBe(503);
    hoarding[0]?.socket.write('whole');
    expect(await hoarding[0]?.status()).toBe(200);
    expect(await post('203.0.113.9', 0).status()).toBe(200);
    for (const { socket } of [...hoarding, third]) socket.destroy();
  });

  it('gives a body httpBodyMs: then 408, the connection closes and the place is free', async () => {
    let handled = 0;
    const http: HttpHandler = () => {
      handled += 1;
      return { status: 200 };
    };
    const server = await serve({ http, limits: { httpRequestsMax: 1 } });
    const slow = new RawRequest(server.port, 'POST / HTTP/1.1', 'host: x', 'content-length: 5');
    while (server.transport.counters.httpRequests < 1) await turn();
    slow.socket.write('four');
    server.clock.ms += 10_000;
    expect(await slow.status()).toBe(408);
    slow.socket.write('!');
    await slow.closed;
    expect((await fetch(server.http)).status).toBe(200);
    expect(handled).toBe(1);
  });

  it('refuses who comes past the proxies where only they may connect', async () => {
    const behind = await serve({ trustedProxies: ['127.0.0.0/8'], proxiesOnly: true, http: nobody });
    const past = await serve({ trustedProxies: ['192.0.2.7'], proxiesOnly: true, http: nobody });
    const forwarded = 'x-forwarded-for: 192.0.2.7';
    for (const [server, http, socket] of [
      [behind, 200, 101],
      [past, 403, 403],
    ] as const) {
      expect(await new RawRequest(server.port, 'GET / HTTP/1.1', 'host: x', forwarded).status()).toBe(http);
      expect(await new RawRequest(server.port, ...webSocket, forwarded).status()).toBe(socket);
    }
    expect(past.opened).toEqual([]);
  });
}
