// An OpenID provider that lies on demand: each test says what its id token, description or answers shall be. Honest by default.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

/** What to change. `claims` sees the honest ones. */
export interface Lie {
  readonly claims?: (honest: Record<string, unknown>) => Record<string, unknown>;
  /** Makes the token itself; default: signed with RS256 and the published key. */
  readonly sign?: (claims: Record<string, unknown>, keys: Keys) => Promise<string>;
  readonly metadata?: Record<string, unknown>;
  readonly tokenStatus?: number;
  /** Answers the authorization request with these instead of a code; `state` is added unless given. */
  readonly callback?: Record<string, string>;
}

/** Signing keys: the published one and one that nobody published. */
export interface Keys {
  readonly published: CryptoKey;
  readonly foreign: CryptoKey;
}

/** A running liar. */
export interface LyingLuxId {
  readonly issuer: string;
  lie: Lie;
  close(): Promise<void>;
}

/** Starts one on port 0. `personal` are claims about a person that honest providers may add unasked. */
export async function startLyingLuxId(personal: Record<string, unknown>): Promise<LyingLuxId> {
  const published = await generateKeyPair('RS256');
  const foreign = await generateKeyPair('RS256');
  const jwk = { ...(await exportJWK(published.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' };
  const keys: Keys = { published: published.privateKey, foreign: foreign.privateKey };
  const asked = new Map<string, URLSearchParams>();
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const liar: LyingLuxId = {
    issuer,
    lie: {},
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
  server.on('request', async (request, response) => {
    const url = new URL(request.url ?? '/', issuer);
    if (url.pathname === '/.well-known/openid-configuration')
      return json(response, 200, { ...description(issuer), ...liar.lie.metadata });
    if (url.pathname === '/jwks') return json(response, 200, { keys: [jwk] });
    if (url.pathname === '/auth') return authorize(liar, asked, url.searchParams, response);
    if (liar.lie.tokenStatus) return json(response, liar.lie.tokenStatus, { error: 'invalid_grant' });
    const form = new URLSearchParams(await text(request));
    const nonce = asked.get(form.get('code') ?? '')?.get('nonce');
    const seconds = Math.floor(Date.now() / 1000);
    const honest = { iss: issuer, aud: 'luxchat', iat: seconds, exp: seconds + 300, nonce, ...personal };
    const claims = liar.lie.claims?.(honest) ?? honest;
    const idToken = await (liar.lie.sign ?? signHonestly)(claims, keys);
    return json(response, 200, { access_token: 'x', token_type: 'Bearer', id_token: idToken });
  });
  return liar;
}

function description(issuer: string) {
  return {
    issuer,
    authorization_endpoint: `${issuer}/auth`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  };
}

function authorize(
  liar: LyingLuxId,
  asked: Map<string, URLSearchParams>,
  query: URLSearchParams,
  response: ServerResponse,
) {
  const code = `code${asked.size}`;
  asked.set(code, query);
  const back = new URL(query.get('redirect_uri') ?? liar.issuer);
  const answer = { state: query.get('state') ?? '', ...(liar.lie.callback ?? { code }) };
  for (const [name, value] of Object.entries(answer)) back.searchParams.set(name, value);
  response.writeHead(302, { location: back.href }).end();
}

function signHonestly(claims: Record<string, unknown>, keys: Keys): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(keys.published);
}

function json(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

async function text(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}
