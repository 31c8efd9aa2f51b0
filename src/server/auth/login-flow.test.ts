// The whole login as people and programs do it: the real stand-in LuxID, real HTTP, the SDK's client half. And what stays of a person: nothing.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  completeLogin,
  type LoginError,
  loginRefusals,
  loginReturns,
  logout,
  refreshTokens,
  startLogin,
} from '#client/connection/login.ts';
import { followStandIn, standInLogin, walkStandIn } from '#client/node/stand-in-walk.ts';
import { terminalLogin } from '#client/node/terminal-login.ts';
import { type LuxId, startLuxId } from '../../luxid/luxid.ts';
import { developmentPassword, person } from '../../luxid/people.ts';
import { EmbeddedStore } from '../storage/embedded/store.ts';
import { openLog } from '../telemetry/log.ts';
import { authCodes, returnCodes } from './codes.ts';
import { defaultAuthLimits } from './limits.ts';
import { memoryAccounts } from './memory-accounts.ts';
import { type AccountStore, AccountStoreError } from './ports.ts';
import { type AuthWorld, startAuthWorld } from './test/world.ts';

const redirect = 'http://127.0.0.1:9/walk';
let folder: string;
let luxid: LuxId;
let world: AuthWorld;
const stored: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'login-'));
  world = await startAuthWorld({
    store: recording(memoryAccounts(), stored),
    issuerFor: async (callbackUrl) => {
      luxid = await startLuxId({ port: 0, folder: join(folder, 'luxid'), redirects: [callbackUrl], openUsers: true });
      return luxid.issuer;
    },
  });
});
afterAll(async () => {
  await world.close();
  await luxid.close();
  rmSync(folder, { recursive: true });
});

/** Keeps as text whatever a store is given. */
function recording(store: AccountStore, into: string[]): AccountStore {
  return new Proxy(store, {
    get:
      (target, name: keyof AccountStore) =>
      (...given: never[]) => {
        into.push(JSON.stringify(given));
        return (target[name] as (...given: never[]) => unknown)(...given);
      },
  });
}

const at = () => ({ server: world.url });
const walker = (user: string) => ({ user, password: developmentPassword, askCode: () => luxid.lastCodeFor(user)! });
const logIn = (user: string, deviceName = 'test device') => standInLogin(at(), { ...walker(user), deviceName });

async function oneTimeCode(user: string) {
  const { authorizeUrl, verifier } = await startLogin(at(), { redirect, client: 'terminal' });
  return { login: await walkStandIn({ ...walker(user), authorizeUrl, redirect }), verifier, deviceName: 'x' };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown as LoginError,
  );
  return error === null ? 'none' : error.code;
}

describe('a login', () => {
  it('makes an account at the first time and finds it again later, on another device', async () => {
    const first = await logIn('alice', 'Handy 📱 vum Alice');
    expect(first).toMatchObject({ firstLogin: true, deviceNumber: 1 });
    expect(first.userId).toMatch(/^@[0-9a-hjkmnp-tv-z]{11}:localhost$/);
    const second = await logIn('alice');
    expect(second).toMatchObject({ firstLogin: false, deviceNumber: 2, userId: first.userId });
    expect((await logIn('bob')).userId).not.toBe(first.userId);
    expect(await world.auth.verifyAccess(first.accessToken)).toEqual({
      ...{ userId: first.userId, deviceId: first.deviceId, deviceNumber: 1 },
      ...{ deviceName: 'Handy 📱 vum Alice' },
    });
    expect(await world.auth.verifyAccess(second.accessToken)).toMatchObject({ userId: first.userId, deviceNumber: 2 });
  });

  it('of one person twice at once makes one account with two devices', async () => {
    const codes = [await oneTimeCode('twice'), await oneTimeCode('twice')];
    const [one, other] = await Promise.all(codes.map((code) => completeLogin(at(), code)));
    expect(one!.userId).toBe(other!.userId);
    expect([one!.deviceNumber, other!.deviceNumber].sort()).toEqual([1, 2]);
    expect([one, other].filter((each) => each!.firstLogin)).toHaveLength(1);
  });

  it('code works once, with its own verifier, for two minutes', async () => {
    const used = await oneTimeCode('carol');
    expect(await codeOf(completeLogin(at(), used))).toBe('none');
    expect(await codeOf(completeLogin(at(), used))).toBe('LOGIN_INVALID');

    const stolen = await oneTimeCode('carol');
    expect(await codeOf(completeLogin(at(), { ...stolen, verifier: 'v'.repeat(43) }))).toBe('LOGIN_INVALID');
    expect(await codeOf(completeLogin(at(), stolen))).toBe('LOGIN_INVALID');

    const slow = await oneTimeCode('carol');
    world.clock.aheadMs += defaultAuthLimits.loginMs;
    expect(await codeOf(completeLogin(at(), slow))).toBe('LOGIN_INVALID');
    const racing = await oneTimeCode('carol');
    const answers = await Promise.all([1, 2, 3].map(() => codeOf(completeLogin(at(), racing))));
    expect(answers.sort()).toEqual(['LOGIN_INVALID', 'LOGIN_INVALID', 'none']);
  });

  it('is denied with a wrong password, and at the fifth wrong code', async () => {
    const options = { ...walker('dave'), deviceName: 'x' };
    expect(await codeOf(standInLogin(at(), { ...options, password: 'guess' }))).toBe('LOGIN_DENIED');
    let asked = 0;
    const wrong = () => {
      asked += 1;
      return luxid.lastCodeFor('dave') === '000000' ? '000001' : '000000';
    };
    expect(await codeOf(standInLogin(at(), { ...options, askCode: wrong }))).toBe('LOGIN_DENIED');
    expect(asked).toBe(5);
    const second = (attempt: number) => (attempt === 1 ? 'nonsense' : luxid.lastCodeFor('dave')!);
    expect((await standInLogin(at(), { ...options, askCode: second })).deviceNumber).toBe(1);
  });

  it('with a browser comes back to the terminal, and to nobody else on the machine', async () => {
    let shown = '';
    const loggedIn = terminalLogin(at(), {
      deviceName: 'terminal',
      language: 'lb',
      show: (authorizeUrl) => {
        shown = authorizeUrl;
        void browse(authorizeUrl);
      },
    });
    const strangers: number[] = [];
    const browse = async (authorizeUrl: string) => {
      // The person's browser: walks LuxID, then follows the last redirect to the listener, whose address only the server knows.
      const arrived = (address: string) => /^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}\?login=/.test(address);
      const back = await followStandIn({ ...walker('browser'), authorizeUrl, arrived });
      strangers.push((await fetch(`${new URL(back).origin}/?login=forged`)).status);
      const page = await fetch(back, { headers: { 'accept-language': 'lb' } });
      expect(await page.text()).toContain('Dir kënnt dës Säit zoumaachen');
    };
    expect(await loggedIn).toMatchObject({ deviceNumber: 1, firstLogin: true });
    expect(new URL(shown).searchParams.get('ui_locales')).toBe('lb');
    expect(strangers).toEqual([404]);
  });

  it('in a terminal can be given up', async () => {
    const stop = new AbortController();
    const waiting = terminalLogin(at(), { deviceName: 'x', show: () => stop.abort(), signal: stop.signal });
    expect(await codeOf(waiting)).toBe('ABORTED');
  });

  it('returns to known places only', async () => {
    const begin = (address: string, client: 'terminal' | 'web') =>
      codeOf(startLogin(at(), { redirect: address, client }));
    expect(await begin(`${world.url}/app`, 'web')).toBe('none');
    expect(await begin('https://evil.example/', 'web')).toBe('REDIRECT_REFUSED');
    expect(await begin('https://evil.example/', 'terminal')).toBe('REDIRECT_REFUSED');
    const long = (length: number) => `${redirect}/${'x'.repeat(length - redirect.length - 1)}`;
    expect(await begin(long(defaultAuthLimits.redirectCharactersMax), 'terminal')).toBe('none');
    expect(await begin(long(defaultAuthLimits.redirectCharactersMax + 1), 'terminal')).toBe('REDIRECT_REFUSED');
  });

  it('takes device names of 1 to 64 characters', async () => {
    const named = async (deviceName: string) =>
      codeOf(completeLogin(at(), { ...(await oneTimeCode('names')), deviceName }));
    expect(await named('📱'.repeat(64))).toBe('none');
    expect(await named('x'.repeat(65))).toBe('BAD_REQUEST');
    expect(await named('')).toBe('BAD_REQUEST');
    expect(await named('a\nb')).toBe('BAD_REQUEST');
  });

  it('of an eleventh device is TOO_MANY_DEVICES until one is logged out', async () => {
    const devices = [];
    for (let n = 0; n < 10; n++) devices.push(await logIn('collector'));
    expect(await codeOf(logIn('collector'))).toBe('TOO_MANY_DEVICES');
    await logout(at(), devices[3]!.accessToken);
    expect((await logIn('collector')).deviceNumber).toBe(11);
  });
});

describe('tokens', () => {
  it('are refreshed, and reuse logs the device out and is heard', async () => {
    const first = await logIn('erin');
    const second = await refreshTokens(at(), first.refreshToken);
    expect(second).toMatchObject({ userId: first.userId, deviceId: first.deviceId, deviceNumber: first.deviceNumber });
    expect(await world.auth.verifyAccess(first.accessToken)).toBeNull();
    expect(await world.auth.verifyAccess(second.accessToken)).not.toBeNull();
    expect(await codeOf(refreshTokens(at(), first.refreshToken))).toBe('TOKEN_REUSED');
    expect(await codeOf(refreshTokens(at(), second.refreshToken))).toBe('TOKEN_INVALID');
    expect(world.revoked.at(-1)).toEqual({
      ...{ userId: first.userId, deviceId: first.deviceId, deviceNumber: 1, reason: 'reused' },
    });
  });

  it('end at log-out and at removal', async () => {
    const one = await logIn('frank');
    const other = await logIn('frank');
    await logout(at(), one.accessToken);
    expect(await world.auth.verifyAccess(one.accessToken)).toBeNull();
    expect(await codeOf(refreshTokens(at(), one.refreshToken))).toBe('TOKEN_INVALID');
    expect(await codeOf(logout(at(), one.accessToken))).toBe('TOKEN_INVALID');
    expect(await world.auth.revokeDevice(other.userId, other.deviceNumber)).toBe(true);
    expect(await world.auth.revokeDevice(other.userId, other.deviceNumber)).toBe(false);
    expect(await world.auth.verifyAccess(other.accessToken)).toBeNull();
    expect(world.revoked.slice(-2).map((each) => each.reason)).toEqual(['loggedOut', 'removed']);
  });
});

describe('the server', () => {
  it('answers UNAVAILABLE while its store fails', async () => {
    const store = { ...memoryAccounts(), readFamily: () => Promise.reject(new AccountStoreError('disk full')) };
    const fresh = await startAuthWorld({ issuerFor: async () => luxid.issuer, store });
    expect(await codeOf(refreshTokens({ server: fresh.url }, `lxr_${'x'.repeat(65)}`))).toBe('UNAVAILABLE');
    await fresh.close();
  });

  it('has nothing at other addresses and no other methods', async () => {
    const status = async (path: string, method: string) => (await fetch(world.url + path, { method })).status;
    expect(await status('/auth', 'GET')).toBe(404);
    expect(await status('/auth/start/', 'POST')).toBe(404);
    expect(await status('/auth/start', 'GET')).toBe(405);
    expect(await status('/auth/callback', 'POST')).toBe(405);
  });

  it.each([
    ['startsPerMinute', '/auth/start', 'POST'],
    ['callbacksPerMinute', '/auth/callback', 'GET'],
    ['exchangesPerMinute', '/auth/token', 'POST'],
    ['grantsPerMinute', '/auth/grant', 'POST'],
    ['refreshesPerMinute', '/auth/refresh', 'POST'],
    ['botLoginsPerMinute', '/auth/bot', 'POST'],
    ['logoutsPerMinute', '/auth/logout', 'POST'],
  ] as const)('holds %s per source', async (limit, path, method) => {
    // The clock stands still: on a slow machine a second is a refilled bucket.
    const began = Date.now();
    const fresh = await startAuthWorld({ issuerFor: async () => luxid.issuer, limits: {}, now: () => began });
    const ask = (source: string) => fetch(fresh.url + path, { method, headers: { 'x-test-source': source } });
    for (let n = 0; n < defaultAuthLimits[limit]; n++) expect((await ask('one')).status).not.toBe(429);
    const refused = await ask('one');
    expect(refused.status).toBe(429);
    if (method === 'POST') {
      expect(await refused.json()).toMatchObject({ code: 'RATE_LIMITED' });
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect((await ask('other')).status).not.toBe(429);
    await fresh.close();
  });

  it('holds bodies of 8 KiB', async () => {
    const send = async (bytes: number) => {
      const headers = { 'content-type': 'application/json' };
      const body = '{"refreshToken":"x"}'.padEnd(bytes);
      return (
        (await (await fetch(`${world.url}/auth/refresh`, { method: 'POST', headers, body })).json()) as { code: string }
      ).code;
    };
    expect(await send(8192)).toBe('TOKEN_INVALID');
    expect(await send(8193)).toBe('BODY_TOO_LARGE');
  });

  it('and the SDK and the README list the same codes', () => {
    expect([...loginRefusals].sort()).toEqual(Object.keys(authCodes).sort());
    expect(loginReturns).toEqual(returnCodes);
    const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8');
    for (const code of [...Object.keys(authCodes), ...returnCodes]) expect(readme).toContain(`| ${code} |`);
    for (const name of Object.keys(defaultAuthLimits)) expect(readme).toContain(`| ${name} |`);
  });
});

describe('an erased account', () => {
  it('leaves no trace of the person: who returns is new, under another id', async () => {
    const before = await logIn('heidi');
    const late = await oneTimeCode('heidi');
    await world.auth.eraseAccount(before.userId);
    expect(await codeOf(refreshTokens(at(), before.refreshToken))).toBe('TOKEN_INVALID');
    const after = await completeLogin(at(), late);
    expect(after).toMatchObject({ firstLogin: true, deviceNumber: 1 });
    expect(after.userId).not.toBe(before.userId);
  });
});

it('no file and no log line holds a name, a subject, a number, a token or a code in clear', async () => {
  const data = join(folder, 'data');
  const database = await EmbeddedStore.open({ folder: data, now: Date.now });
  let own: LuxId | undefined;
  const fresh = await startAuthWorld({
    log: openLog(data, 'debug'),
    store: recording(database.accounts(), stored),
    issuerFor: async (callbackUrl) => {
      own = await startLuxId({ port: 0, folder: join(folder, 'luxid'), redirects: [callbackUrl], openUsers: true });
      return own.issuer;
    },
  });
  const user = 'canary.person';
  const options = { user, password: developmentPassword, askCode: () => own!.lastCodeFor(user)! };
  const { userId, accessToken, refreshToken } = await standInLogin(
    { server: fresh.url },
    { ...options, deviceName: 'canary device' },
  );
  const second = await refreshTokens({ server: fresh.url }, refreshToken);
  const { authorizeUrl, verifier } = await startLogin({ server: fresh.url }, { redirect, client: 'terminal' });
  const login = await walkStandIn({ ...options, authorizeUrl, redirect });
  const wrong = { login, verifier: 'w'.repeat(43), deviceName: 'canary device' };
  expect(await codeOf(completeLogin({ server: fresh.url }, wrong))).toBe('LOGIN_INVALID');
  await fetch(`${fresh.url}/auth/callback?state=${'s'.repeat(43)}&code=${user}`);
  await database.close();
  const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const contents = files.map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
  const kept = [...stored, ...world.logged, ...contents].join('\n');
  const { subject, phone } = person(user);
  const personal = [
    user,
    subject,
    phone,
    phone.replace(/ /g, ''),
    phone.slice(-6),
    developmentPassword,
    'canary device',
  ];
  const tokens = [accessToken, refreshToken, second.accessToken, second.refreshToken].map((token) => token.slice(-43));
  for (const secret of [...personal, ...tokens, login, verifier]) expect(kept).not.toContain(secret);
  // Proof that looking works: the random id stands in the files, as it must, and the log has lines.
  expect(contents.join('\n')).toContain(userId);
  expect(contents.join('\n')).toContain('auth.first-login');
  await fresh.close();
  await own?.close();
});
