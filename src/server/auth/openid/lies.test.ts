// What a provider that lies, or someone between, can't get through: every check of LuxID's answer, one at a time, over real HTTP.
import { createHash, randomBytes } from 'node:crypto';
import { SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LyingLuxId, startLyingLuxId } from '../test/lying-luxid.ts';
import { type AuthWorld, startAuthWorld } from '../test/world.ts';

const person = {
  sub: 'subject-4711',
  name: 'Canary Nameson',
  phone_number: '+352691424242',
  email: 'canary@example.lu',
};
const redirect = 'http://127.0.0.1:9/back';
let luxid: LyingLuxId;
let world: AuthWorld;

beforeAll(async () => {
  luxid = await startLyingLuxId(person);
  world = await startAuthWorld({ issuerFor: async () => luxid.issuer });
});
beforeEach(() => {
  luxid.lie = {};
});
afterAll(async () => {
  await world.close();
  await luxid.close();
});

const post = (path: string, body: object, at = world) =>
  fetch(at.url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

/** Begins a login and follows it to LuxID and back; gives the address of the callback. */
async function toCallback(at = world) {
  const verifier = randomBytes(32).toString('base64url');
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const started = await post('/auth/start', { redirect, challenge, client: 'terminal' }, at);
  const { authorizeUrl } = (await started.json()) as { authorizeUrl: string };
  const atLuxId = await fetch(authorizeUrl, { redirect: 'manual' });
  return { callback: atLuxId.headers.get('location')!, verifier, authorizeUrl };
}

/** Where the callback sends the browser. */
async function back(callback: string): Promise<URL> {
  const response = await fetch(callback, { redirect: 'manual' });
  expect(response.status).toBe(302);
  return new URL(response.headers.get('location')!);
}

const errorOf = async () => (await back((await toCallback()).callback)).searchParams.get('error');

describe('an id token', () => {
  it('that is honest makes a login', async () => {
    const { callback, verifier, authorizeUrl } = await toCallback();
    const asked = new URL(authorizeUrl).searchParams;
    expect(asked.get('scope')).toBe('openid');
    expect(asked.get('prompt')).toBe('login');
    expect(asked.get('code_challenge_method')).toBe('S256');
    const returned = await back(callback);
    expect(returned.href).toMatch(/^http:\/\/127\.0\.0\.1:9\/back\?login=[A-Za-z0-9_-]{43}$/);
    const login = returned.searchParams.get('login');
    expect((await post('/auth/token', { login, verifier, deviceName: 'one' })).status).toBe(200);
  });

  const seconds = () => Math.floor(Date.now() / 1000);
  it.each<[string, LyingLuxId['lie']]>([
    ['with another nonce', { claims: (honest) => ({ ...honest, nonce: 'other' }) }],
    ['without a nonce', { claims: ({ nonce: _, ...rest }) => rest }],
    ['for another audience', { claims: (honest) => ({ ...honest, aud: 'other' }) }],
    ['for several audiences without naming us', { claims: (honest) => ({ ...honest, aud: ['luxchat', 'other'] }) }],
    ['of another issuer', { claims: (honest) => ({ ...honest, iss: 'http://127.0.0.1:1' }) }],
    ['that has run out', { claims: (honest) => ({ ...honest, exp: seconds() - 60 }) }],
    ['that never ends', { claims: ({ exp: _, ...rest }) => rest }],
    ['without a subject', { claims: ({ sub: _, ...rest }) => rest }],
    ['with an empty subject', { claims: (honest) => ({ ...honest, sub: '' }) }],
    ['with alg none', { sign: async (claims) => new UnsecuredJWT(claims).encode() }],
    [
      'signed by another key',
      {
        sign: (claims, keys) => new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(keys.foreign),
      },
    ],
    [
      'signed with the public client id as a shared secret',
      {
        sign: (claims) =>
          new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode('luxchat'.repeat(5))),
      },
    ],
    ['that is no token', { sign: async () => 'x.y.z' }],
  ])('%s is refused', async (_, lie) => {
    luxid.lie = lie;
    expect(await errorOf()).toBe('LUXID_REFUSED');
    expect(world.logged.at(-1)).toContain('auth.luxid-refused');
  });

  it('is refused with alg none even by a provider that announces it', async () => {
    luxid.lie = {
      metadata: { id_token_signing_alg_values_supported: ['none', 'RS256'] },
      sign: async (claims) => new UnsecuredJWT(claims).encode(),
    };
    const fresh = await startAuthWorld({ issuerFor: async () => luxid.issuer });
    const { callback } = await toCallback(fresh);
    expect((await back(callback)).searchParams.get('error')).toBe('LUXID_REFUSED');
    await fresh.close();
  });
});

describe('the way back', () => {
  it('with an unknown, repeated or missing state ends on a page, in the reader’s language', async () => {
    const { callback } = await toCallback();
    await back(callback);
    for (const address of [
      callback,
      `${world.url}/auth/callback`,
      `${world.url}/auth/callback?state=${'x'.repeat(43)}&code=c`,
    ]) {
      const response = await fetch(address, { redirect: 'manual', headers: { 'accept-language': 'de' } });
      expect(response.status).toBe(400);
      expect(await response.text()).toContain('Diese Anmeldung ist beendet');
    }
  });

  it('with the state of another login does not carry that login’s code', async () => {
    const mine = await toCallback();
    const theirs = new URL((await toCallback()).callback);
    theirs.searchParams.set('state', new URL(mine.callback).searchParams.get('state')!);
    // The code was given out for another nonce: a login can't be swapped under someone.
    expect((await back(theirs.href)).searchParams.get('error')).toBe('LUXID_REFUSED');
  });

  it('is closed ten minutes after the start, not before', async () => {
    const fresh = await startAuthWorld({ issuerFor: async () => luxid.issuer });
    const early = await toCallback(fresh);
    const late = await toCallback(fresh);
    fresh.clock.aheadMs = 10 * 60_000 - 5_000;
    await back(early.callback);
    fresh.clock.aheadMs = 10 * 60_000;
    expect((await fetch(late.callback, { redirect: 'manual' })).status).toBe(400);
    await fresh.close();
  });

  it('says when the person ended it, and when LuxID failed', async () => {
    luxid.lie = { callback: { error: 'access_denied' } };
    expect(await errorOf()).toBe('LOGIN_DENIED');
    luxid.lie = { callback: { error: 'temporarily_unavailable' } };
    expect(await errorOf()).toBe('LUXID_UNAVAILABLE');
    luxid.lie = { callback: { error: 'invalid_request' } };
    expect(await errorOf()).toBe('LUXID_REFUSED');
    luxid.lie = { tokenStatus: 400 };
    expect(await errorOf()).toBe('LUXID_REFUSED');
    luxid.lie = { tokenStatus: 503 };
    expect(await errorOf()).toBe('LUXID_UNAVAILABLE');
  });
});

describe('LuxID', () => {
  it('that does not answer is LUXID_UNAVAILABLE, and is asked again at the next login', async () => {
    const gone = await startLyingLuxId(person);
    await gone.close();
    const fresh = await startAuthWorld({ issuerFor: async () => gone.issuer });
    const body = { redirect, challenge: 'c'.repeat(43), client: 'terminal' };
    for (let tries = 0; tries < 2; tries++) {
      const response = await post('/auth/start', body, fresh);
      expect(response.status).toBe(503);
      expect(response.headers.get('retry-after')).toBe('5');
      expect(await response.json()).toMatchObject({ code: 'LUXID_UNAVAILABLE' });
    }
    expect(fresh.logged.filter((line) => line.startsWith('auth.luxid-unavailable'))).toHaveLength(2);
    await fresh.close();
  });

  it('that describes itself as someone else is not used', async () => {
    luxid.lie = { metadata: { issuer: 'http://127.0.0.1:1' } };
    const fresh = await startAuthWorld({ issuerFor: async () => luxid.issuer });
    expect((await post('/auth/start', { redirect, challenge: 'c'.repeat(43), client: 'terminal' }, fresh)).status).toBe(
      503,
    );
    await fresh.close();
  });

  it('must be https unless it is on this machine', async () => {
    await expect(startAuthWorld({ issuerFor: async () => 'http://luxid.example.lu' })).rejects.toThrow(RangeError);
  });
});

it('nothing of the person reaches a log, whatever LuxID says of them', () => {
  const logged = world.logged.join('\n');
  expect(world.logged.length).toBeGreaterThan(10);
  for (const secret of Object.values(person)) expect(logged).not.toContain(secret);
});
