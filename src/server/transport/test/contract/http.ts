// Requests and answers on the same port: what the handler sees, what it may answer, and what it may do wrong.
import { createConnection } from 'node:net';
import { expect, it } from 'vitest';
import type { HttpHandler } from '../../http.ts';
import type { Serve } from './server.ts';
import { turn } from './waiting.ts';

const echo: HttpHandler = (request) => ({
  status: 200,
  headers: { 'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2'] },
  body: JSON.stringify({
    ...request,
    headers: request.headers['x-test'],
    query: [...request.query],
    body: Buffer.from(request.body).toString(),
  }),
});

export function httpTests(serve: Serve): void {
  it('shows the handler a request and sends its answer, synchronous or not, with security headers', async () => {
    const server = await serve({ http: async (request) => echo(request) });
    const response = await fetch(`${server.http}/auth/login?a=1&b=%20x`, {
      method: 'POST',
      body: 'grüezi',
      headers: { 'X-Test': 'yes' },
    });
    expect(await response.json()).toEqual({
      method: 'POST',
      path: '/auth/login',
      query: [
        ['a', '1'],
        ['b', ' x'],
      ],
      headers: 'yes',
      body: 'grüezi',
      source: '127.0.0.1',
    });
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/json',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    });
    expect((await fetch(`${server.http}/elsewhere`)).headers.get('cache-control')).toBeNull();
  });

  it('lets the handler set its own policy, answers HEAD without a body, 204 without a length, 404 by default', async () => {
    const server = await serve({
      http: (request) =>
        request.path === '/none'
          ? { status: 204 }
          : { status: 200, headers: { 'Content-Security-Policy': 'x' }, body: 'four' },
    });
    const head = await fetch(server.http, { method: 'HEAD' });
    expect([
      head.headers.get('content-security-policy'),
      head.headers.get('content-length'),
      await head.text(),
    ]).toEqual(['x', '4', '']);
    const none = await fetch(`${server.http}/none`);
    expect([none.status, none.headers.get('content-length')]).toEqual([204, null]);
    const bare = await serve();
    expect((await fetch(bare.http)).status).toBe(404);
    expect((await fetch(`${bare.http}/ws`)).status).toBe(426);
  });

  it('accepts a body of 64 KiB, declared or chunked, and answers 413 at one byte more', async () => {
    const server = await serve({ http: (request) => ({ status: 200, body: String(request.body.length) }) });
    const chunked = (bytes: number) =>
      ({ body: new Blob([new Uint8Array(bytes)]).stream(), duplex: 'half' }) as RequestInit;
    const post = async (init: RequestInit) => {
      const response = await fetch(server.http, { method: 'POST', ...init });
      return [response.status, await response.text()];
    };
    expect(await post({ body: new Uint8Array(65_536) })).toEqual([200, '65536']);
    expect(await post(chunked(65_536))).toEqual([200, '65536']);
    expect((await post({ body: new Uint8Array(65_537) }))[0]).toBe(413);
    expect((await post(chunked(65_537)))[0]).toBe(413);
  });

  it('reads headers of 16 KiB and answers 431 to more; the libraries count line ends and names differently, 256 bytes at most', async () => {
    const seen: number[] = [];
    const server = await serve({
      http: ({ headers }) => {
        seen.push(headers['x-long']?.length ?? 0);
        return { status: 204 };
      },
    });
    const statusOf = (bytes: number) =>
      new Promise<string>((resolve, reject) => {
        const begin = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx-long: ';
        const socket = createConnection(server.port, '127.0.0.1', () =>
          socket.write(`${begin}${'a'.repeat(bytes - begin.length - 4)}\r\n\r\n`),
        );
        socket.once('data', (data) => resolve(data.toString().split(' ')[1] ?? ''));
        socket.once('error', reject);
      });
    expect(await statusOf(16_384 - 256)).toBe('204');
    expect(await statusOf(16_384 + 256)).toBe('431');
    expect(seen).toHaveLength(1);
  });

  it('answers 500 with a code when the handler throws, rejects or returns what cannot be sent, and leaks nothing', async () => {
    const secret = 'the password is tree';
    const handlers: Record<string, HttpHandler> = {
      '/throws': () => {
        throw new Error(secret);
      },
      '/rejects': () => Promise.reject(new Error(secret)),
      '/splits': () => ({ status: 200, headers: { 'x-a': 'a\r\nset-cookie: b' } }),
      '/status': () => ({ status: 99, body: secret }),
    };
    const server = await serve({ http: (request) => (handlers[request.path] as HttpHandler)(request) });
    for (const path of Object.keys(handlers)) {
      const response = await fetch(server.http + path);
      expect([response.status, await response.text()]).toEqual([500, '{"code":"INTERNAL"}']);
    }
    expect(server.faults.length).toBe(4);
  });

  it('survives clients that go away before the answer', async () => {
    const releases: (() => void)[] = [];
    let arrived: () => void = () => {};
    const server = await serve({
      http: () => {
        arrived();
        return new Promise((resolve) => releases.push(() => resolve({ status: 200, body: 'late' })));
      },
    });
    const came = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const socket = createConnection(server.port, '127.0.0.1', () =>
      socket.write('GET /late HTTP/1.1\r\nhost: x\r\n\r\n'),
    );
    await came;
    const gone = new Promise((resolve) => socket.once('close', resolve));
    socket.destroy();
    await gone;
    await turn();
    for (const release of releases) release();
    const after = fetch(server.http);
    await new Promise<void>((resolve) => {
      arrived = resolve;
    });
    for (const release of releases) release();
    expect(await (await after).text()).toBe('late');
    expect(server.faults).toEqual([]);
  });

  it('answers at most httpRequestsMax at once, the next gets 503', async () => {
    const releases: (() => void)[] = [];
    const server = await serve({
      limits: { httpRequestsMax: 1 },
      http: () => new Promise((resolve) => releases.push(() => resolve({ status: 200 }))),
    });
    const first = fetch(server.http);
    while (releases.length === 0) await turn();
    const second = await fetch(server.http);
    expect([second.status, second.headers.get('retry-after')]).toEqual([503, '1']);
    for (const release of releases) release();
    expect((await first).status).toBe(200);
  });
}
