import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { noteClosed } from '../account/closed.ts';
import { MemoryStore } from '../store/memory-store.ts';
import type { LocalStore } from '../store/store.ts';
import { accessTokens, freshToken, keepLogin, readSelf } from './account.ts';

const login = {
  userId: '@me:localhost',
  deviceId: 'ME',
  deviceNumber: 1,
  accessToken: 'old access',
  refreshToken: 'old refresh',
  accessExpiresMs: 0,
};
const next = { ...login, accessToken: 'new access', refreshToken: 'new refresh', accessExpiresMs: 2 ** 50 };
let store: LocalStore;

beforeEach(async () => {
  store = new MemoryStore();
  await keepLogin(store, 'http://server', login);
});
afterEach(() => void vi.unstubAllGlobals());

function serverSays(status: number, body: object, headers: Record<string, string> = {}): void {
  vi.stubGlobal('fetch', async () => new Response(JSON.stringify(body), { status, headers }));
}

describe('an access token', () => {
  it('is refreshed when it ran out, and the new pair is kept before it is used', async () => {
    serverSays(200, next);
    expect(await freshToken(store, false)).toBe('new access');
    expect(await readSelf(store)).toMatchObject({ refreshToken: 'new refresh', user: '@me:localhost' });
    serverSays(500, {});
    expect(await freshToken(store, false)).toBe('new access');
  });

  // Twelve months unused, or logged out from elsewhere: nothing but a new login helps, and waiting must not be offered.
  it.each([
    ['TOKEN_INVALID', /another device.*twelve months/],
    ['TOKEN_REUSED', /used twice/],
  ])('ends the device where the server says %s, in words for a person', async (code, words) => {
    serverSays(401, { code, message: 'refresh it' });
    const message = expect.stringMatching(words);
    await expect(freshToken(store, false)).rejects.toMatchObject({ code: 'LOGIN_NEEDED', message });
  });

  // After `account erase` a person was advised to log in again.
  it.each([
    ['erased', /nothing to log in to/],
    ['deactivated', /was deactivated/],
  ] as const)('is asked for no more where the account was %s on this device', async (closed, words) => {
    serverSays(200, next);
    await noteClosed(store, closed);
    const message = expect.stringMatching(words);
    await expect(freshToken(store, false)).rejects.toMatchObject({ code: 'LOGIN_NEEDED', closed, message });
    expect(await readSelf(store)).toMatchObject({ refreshToken: 'old refresh' });
  });

  it.each([
    [429, { code: 'RATE_LIMITED' }],
    [503, { code: 'UNAVAILABLE' }],
    [502, 'a proxy'],
  ])('waits where the server can not say: %i', async (status, body) => {
    serverSays(status, Object(body), { 'retry-after': '7' });
    const retryAfterMs = status === 502 ? 0 : 7_000;
    await expect(freshToken(store, false)).rejects.toMatchObject({ code: 'OFFLINE', retryAfterMs });
    expect(await readSelf(store)).toMatchObject({ refreshToken: 'old refresh' });
  });

  it('is refreshed once for all who ask at the same time, and a failure holds nobody up', async () => {
    let asked = 0;
    vi.stubGlobal('fetch', async () => {
      asked += 1;
      return asked === 1 ? new Response('{}', { status: 502 }) : new Response(JSON.stringify(next));
    });
    const token = accessTokens(store);
    const answers = await Promise.allSettled([token(false), token(false), token(false)]);
    expect(answers.map((each) => (each.status === 'fulfilled' ? each.value : each.reason.code))).toEqual([
      'OFFLINE',
      'new access',
      'new access',
    ]);
    expect(asked).toBe(2);
  });

  it('waits without a network', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('no network')));
    await expect(freshToken(store, false)).rejects.toMatchObject({ code: 'OFFLINE' });
  });
});
