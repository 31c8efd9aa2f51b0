// Login over real HTTP for tests: a server on port 0 with the memory store, everything written to its log kept as text, and a clock to turn.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Auth, type AuthOptions, createAuth } from '../auth.ts';
import type { Revoked } from '../devices.ts';
import { memoryAccounts } from '../memory-accounts.ts';

/** A running server with login alone. */
export interface AuthWorld {
  readonly url: string;
  readonly auth: Auth;
  readonly revoked: Revoked[];
  /** Every event and, for errors, everything that the error says: more than a real log keeps. */
  readonly logged: string[];
  /** Every address that was asked for here or that a browser was sent to, whole. */
  readonly addresses: string[];
  /** Added to the clock of login; LuxID's and the OpenID library's stay as they are. */
  readonly clock: { aheadMs: number };
  close(): Promise<void>;
}

/** Listens, asks for the issuer once the callback's address is known, and mounts login. */
export async function startAuthWorld(
  options: Partial<AuthOptions> & { readonly issuerFor: (callbackUrl: string) => Promise<string> },
): Promise<AuthWorld> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const revoked: Revoked[] = [];
  const logged: string[] = [];
  const addresses: string[] = [];
  const clock = { aheadMs: 0 };
  const auth = createAuth({
    issuer: await options.issuerFor(`${url}/auth/callback`),
    clientId: 'luxchat',
    providerName: 'localhost',
    publicUrl: url,
    secret: new Uint8Array(32).fill(7),
    store: memoryAccounts(),
    now: () => Date.now() + clock.aheadMs,
    log: {
      info: (event) => void logged.push(event),
      warn: (event) => void logged.push(event),
      error: (event, error) =>
        void logged.push(`${event} ${String((error as Error).stack)} ${String((error as { code?: string }).code)}`),
    },
    // Tests walk through many logins from one address; the limits have tests of their own.
    limits: {
      startsPerMinute: 10_000,
      callbacksPerMinute: 10_000,
      exchangesPerMinute: 10_000,
      grantsPerMinute: 10_000,
    },
    ...options,
  });
  auth.onRevoked((each) => revoked.push(each));
  server.on('request', async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const asked = new URL(request.url ?? '/', url);
    const answer = await auth.handle({
      method: request.method ?? 'GET',
      path: asked.pathname,
      query: asked.searchParams,
      headers: request.headers as Record<string, string>,
      body: Buffer.concat(parts),
      source: request.headers['x-test-source']?.toString() ?? '127.0.0.1',
    });
    addresses.push(request.url ?? '', answer.headers.location ?? '', /https?:[^"]*/.exec(answer.body)?.[0] ?? '');
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  const close = () =>
    new Promise<void>((closed) => {
      server.close(() => closed());
      server.closeAllConnections();
    });
  return { url, auth, revoked, logged, addresses, clock, close };
}
