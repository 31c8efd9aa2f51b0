import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client, numbered, Server, transportContract } from './contract.ts';
import { createTransport, type TransportKind } from './transport.ts';

const kinds: TransportKind[] = ['uws', 'ws'];
for (const kind of kinds) transportContract(kind, (options) => createTransport(kind, options));

// The certificate is made on the spot, so that no key lies in the repository: this needs the `openssl` program, and fails by name without.
describe.each(kinds)('TLS over %s', (kind) => {
  let folder = '';
  const file = (name: string) => join(folder, name);
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'luxchat-tls-'));
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    execFileSync('openssl', [...args, '-keyout', file('key.pem'), '-out', file('cert.pem'), ...subject], {
      stdio: 'ignore',
    });
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
});
