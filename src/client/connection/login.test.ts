// The client half of login against answers made by hand: which error a caller sees, and what leaves the device.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { completeLogin, LoginError, loginReturns, logout, readReturn, refreshTokens, startLogin } from './login.ts';

const pair = {
  userId: '@a:b',
  deviceId: 'A1',
  deviceNumber: 1,
  accessToken: 'a',
  refreshToken: 'r',
  accessExpiresMs: 5,
};

/** A server that answers the same to everything and keeps what it was sent. */
function answering(status: number, body: unknown, headers: Record<string, string> = {}) {
  const sent: { url: string; body: Record<string, string> }[] = [];
  const doFetch = async (url: unknown, init?: RequestInit) => {
    sent.push({ url: String(url), body: JSON.parse(String(init?.body)) });
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return new Response(text, { status, headers });
  };
  return { sent, at: { server: 'https://chat.example.lu/', fetch: doFetch as typeof fetch } };
}

async function failure(work: Promise<unknown>): Promise<LoginError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(LoginError);
  return error as LoginError;
}

describe('the client half of login', () => {
  it('sends the hash of its verifier first, and the verifier only with the code', async () => {
    const starting = answering(200, { authorizeUrl: 'https://luxid.lu/auth' });
    const begun = await startLogin(starting.at, { redirect: 'http://127.0.0.1:9/', client: 'terminal' });
    expect(begun.authorizeUrl).toBe('https://luxid.lu/auth');
    const challenge = createHash('sha256').update(begun.verifier).digest('base64url');
    expect(starting.sent).toEqual([
      {
        url: 'https://chat.example.lu/auth/start',
        body: { redirect: 'http://127.0.0.1:9/', client: 'terminal', challenge },
      },
    ]);
    const ending = answering(200, { ...pair, firstLogin: true });
    const { verifier } = begun;
    expect(await completeLogin(ending.at, { login: 'l', verifier, deviceName: 'd' })).toEqual({
      ...pair,
      firstLogin: true,
    });
    expect(ending.sent[0]?.body).toEqual({ login: 'l', verifier, deviceName: 'd' });
  });

  it('reads what the person came back with', () => {
    expect(readReturn('/x?login=abc')).toBe('abc');
    expect(readReturn('http://127.0.0.1:9/walk?login=abc')).toBe('abc');
    const code = (address: string) => {
      try {
        return readReturn(address);
      } catch (error) {
        return (error as LoginError).code;
      }
    };
    expect(code('/x?error=LOGIN_DENIED')).toBe('LOGIN_DENIED');
    // A person read "The login ended: LOGIN_DENIED.".
    for (const error of loginReturns) expect(() => readReturn(`/x?error=${error}`)).toThrow(/^[^_]*(again|later)\.$/);
    expect(code('/x?error=made-up')).toBe('PROTOCOL');
    expect(code('/x')).toBe('PROTOCOL');
  });

  it('keeps a refusal’s code and when to come back', async () => {
    const { at } = answering(429, { code: 'RATE_LIMITED', message: 'wait' }, { 'retry-after': '7' });
    expect(await failure(refreshTokens(at, 'r'))).toMatchObject({
      code: 'RATE_LIMITED',
      message: 'wait',
      retryAfterMs: 7000,
    });
  });

  it.each([
    [502, '<html>', 'OFFLINE'],
    [503, { code: 'BUSY' }, 'OFFLINE'],
    [400, { code: 'MADE_UP' }, 'PROTOCOL'],
    [404, 'not found', 'PROTOCOL'],
    [200, 'not json', 'PROTOCOL'],
    [200, [], 'PROTOCOL'],
    [200, { ...pair, refreshToken: '' }, 'PROTOCOL'],
    [200, { ...pair, deviceNumber: '1' }, 'PROTOCOL'],
    [200, { ...pair, accessExpiresMs: 1.5 }, 'PROTOCOL'],
  ])('takes %i %j for %s', async (status, body, code) => {
    expect((await failure(refreshTokens(answering(status, body).at, 'r'))).code).toBe(code);
  });

  it('says OFFLINE where nothing answers, and where the answer takes too long', async () => {
    const broken = {
      server: 'http://x',
      fetch: (async () => Promise.reject(new TypeError('fetch failed'))) as typeof fetch,
    };
    expect((await failure(logout(broken, 'a'))).code).toBe('OFFLINE');
    const silent = ((_url: unknown, init?: RequestInit) =>
      new Promise((_, failed) =>
        init?.signal?.addEventListener('abort', () => failed(init.signal?.reason)),
      )) as typeof fetch;
    expect((await failure(logout({ server: 'http://x', fetch: silent, timeoutMs: 1 }, 'a'))).code).toBe('OFFLINE');
    // The head came, and then nothing: no server said something wrong.
    const cut = new ReadableStream({ pull: (answer) => answer.error(new TypeError('terminated')) });
    const halved = (async () => new Response(cut, { status: 200 })) as typeof fetch;
    expect((await failure(refreshTokens({ server: 'http://x', fetch: halved }, 'r'))).code).toBe('OFFLINE');
  });
});
