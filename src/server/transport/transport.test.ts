import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTransport } from './create.ts';
import type { HttpRequest } from './http.ts';
import { selfSigned } from './test/certificate.ts';
import { Client, numbered } from './test/contract/client.ts';
import { transportContract } from './test/contract/contract.ts';
import { Server } from './test/contract/server.ts';
import { proxyHeader } from './test/proxy-header.ts';
import type { TransportKind, TransportOptions } from './transport.ts';

const kinds: TransportKind[] = ['uws', 'ws'];
for (const kind of kinds) transportContract(kind, (options) => createTransport(kind, options));

describe.each(kinds)('TLS over %s', (kind) => {
  let folder = '';
  const file = (name: string) => join(folder, name);
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'luxchat-tls-'));
    const { cert, key } = selfSigned();
    writeFileSync(file('cert.pem'), cert);
    writeFileSync(file('key.pem'), key, { mode: 0o600 });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('carries frames and HTTP, and its own origin is https', async () => {
    const tls = { certFile: file('cert.pem'), keyFile: file('key.pem') };
    const server = await new Server((options) => createTransport(kind, options), {
      tls,
      http: () => ({ status: 200, body: 'safe' }),
    }).listen();
    const ca = readFileSync(tls.certFile);
    const origin = `https://127.0.0.1:${server.port}`;
    const client = await new Client(`wss://127.0.0.1:${server.port}/ws`, { ca, headers: { origin } }).open();
    server.onFrames = (connection, frames) => connection.sendMany(frames);
    client.send(numbered(1), numbered(2, 65_536));
    expect(await client.received(2)).toEqual([numbered(1), numbered(2, 65_536)]);
    const headers = await new Promise((resolve, reject) => {
      request(origin, { ca }, (response) => {
        response.resume();
        resolve(response.headers);
      })
        .on('error', reject)
        .end();
    });
    expect(headers).toMatchObject({ 'strict-transport-security': 'max-age=31536000' });
    await server.transport.drain(0);
    expect((await client.closed).code).toBe(4000);
  });

  it('is behind a PROXY header, or says that it can not be', async () => {
    const options = {
      tls: { certFile: file('cert.pem'), keyFile: file('key.pem') },
      trustedProxies: ['127.0.0.0/8'],
      proxyProtocol: true,
      http: ({ source }: HttpRequest) => ({ status: 200, body: `source=${source};` }),
    };
    const create = (given: TransportOptions) => createTransport(kind, given);
    if (kind === 'uws') return expect(() => new Server(create, options)).toThrow(RangeError);
    const server = await new Server(create, options).listen();
    const raw = createConnection(server.port, '127.0.0.1');
    raw.write(proxyHeader('203.0.113.9'));
    const socket = connect({ socket: raw, ca: readFileSync(file('cert.pem')), host: '127.0.0.1' });
    socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    expect(await text(socket)).toContain('source=203.0.113.9;');
    await server.transport.drain(0);
  });
});
