// Step-ups as people and programs do them, and what someone who has no right to one can't get: the real stand-in LuxID, real HTTP, the SDK's half. Where
// LuxID itself must misbehave, the one that lies.
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  completeLogin,
  completeStepUp,
  type LoggedIn,
  refreshTokens,
  type StepUpPurpose,
  startLogin,
  stepUpPurposes,
} from '#client/connection/login.ts';
import { StepUps } from '#client/devices/step-up.ts';
import { followStandIn, standInLogin, standInStepUp, walkStandIn } from '#client/node/stand-in-walk.ts';
import { terminalStepUp } from '#client/node/terminal-login.ts';
import { MemoryStore } from '#client/store/memory-store.ts';
import { type LuxId, startLuxId } from '../../luxid/luxid.ts';
import { acrPasswordAndSms } from '../../luxid/oidc.ts';
import { developmentPassword } from '../../luxid/people.ts';
import { defaultAuthLimits } from './limits.ts';
import { purposes } from './purposes.ts';
import { type LyingLuxId, startLyingLuxId } from './test/lying-luxid.ts';
import { type AuthWorld, startAuthWorld } from './test/world.ts';

const redirect = 'http://127.0.0.1:9/walk';
let folder: string;
let luxid: LuxId;
let world: AuthWorld;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'step-up-'));
  world = await startAuthWorld({
    stepUpAcr: acrPasswordAndSms,
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

const at = () => ({ server: world.url });
const walker = (user: string) => ({ user, password: developmentPassword, askCode: () => luxid.lastCodeFor(user)! });
const logIn = (user: string) => standInLogin(at(), { ...walker(user), deviceName: 'test device' });
const attempt = () => new Uint8Array(randomBytes(16));

/** The SDK's step-ups of a device. */
function stepUps(device: LoggedIn, now = () => Date.now()) {
  const all = new StepUps({ store: new MemoryStore(), server: at(), accessToken: async () => device.accessToken, now });
  return {
    beginStepUp: all.begin.bind(all),
    finishStepUp: all.finish.bind(all),
  };
}

/** One-time code and verifier of somebody who walked through LuxID. */
async function walked(user: string, purpose?: StepUpPurpose) {
  const more = purpose === undefined ? {} : { purpose };
  const { authorizeUrl, verifier } = await startLogin(at(), { redirect, client: 'terminal', ...more });
  return { login: await walkStandIn({ ...walker(user), authorizeUrl, redirect }), verifier, authorizeUrl };
}

async function grantFor(device: LoggedIn, user: string, purpose: StepUpPurpose = 'backup') {
  const { login, verifier } = await walked(user, purpose);
  return completeStepUp(at(), { login, verifier, accessToken: device.accessToken });
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'none',
    (error: { code: string }) => error.code,
  );
}

const shownBy = ({ userId, deviceNumber }: LoggedIn) => ({ user: userId, device: deviceNumber });

describe('a step-up', () => {
  it('gives a grant for its device and purpose, for one attempt', async () => {
    const alice = await logIn('alice');
    const grant = await standInStepUp(stepUps(alice), { ...walker('alice'), purpose: 'backup' });
    expect(grant.token).toMatch(/^lxg_[A-Za-z0-9_-]{43}$/);
    expect(grant.attempt).toHaveLength(16);
    expect(Math.abs(grant.expiresMs - Date.now() - world.clock.aheadMs - defaultAuthLimits.grantMs)).toBeLessThan(
      60_000,
    );
    const shown = { ...shownBy(alice), ...grant };
    expect(await world.auth.useGrant({ ...shown, purpose: 'identity' })).toBe(false);
    expect(await world.auth.useGrant({ ...shown, purpose: 'backup' })).toBe(true);
    expect(await world.auth.useGrant({ ...shown, purpose: 'backup' })).toBe(true);
    expect(await world.auth.useGrant({ ...shown, purpose: 'backup', attempt: attempt() })).toBe(false);
    expect(world.logged).toContain('auth.grant-given.backup');
    expect(world.logged).toContain('auth.grant-refused.used');
  });

  it('asks LuxID for a login now, with a code; an ordinary login does not', async () => {
    const asked = async (purpose?: StepUpPurpose) => {
      const more = purpose === undefined ? {} : { purpose };
      const { authorizeUrl } = await startLogin(at(), { redirect, client: 'terminal', ...more });
      const { searchParams } = new URL(authorizeUrl);
      return ['prompt', 'max_age', 'acr_values'].map((name) => searchParams.get(name));
    };
    for (const purpose of purposes) expect(await asked(purpose)).toEqual(['login', '0', acrPasswordAndSms]);
    expect(await asked()).toEqual(['login', null, null]);
    expect(await codeOf(asked('logout' as StepUpPurpose))).toBe('BAD_REQUEST');
  });

  it('with a person’s browser comes back to the terminal, which can give it up', async () => {
    const niaj = await logIn('niaj');
    const show = async (authorizeUrl: string) => {
      const arrived = (address: string) => /^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}\?login=/.test(address);
      await fetch(await followStandIn({ ...walker('niaj'), authorizeUrl, arrived }));
    };
    const client = stepUps(niaj);
    const grant = await terminalStepUp(client, { purpose: 'identity', show: (url) => void show(url) });
    expect(await world.auth.useGrant({ ...shownBy(niaj), ...grant, purpose: 'identity' })).toBe(true);
    const stop = new AbortController();
    const given = terminalStepUp(client, { purpose: 'backup', show: () => stop.abort(), signal: stop.signal });
    expect(await codeOf(given)).toBe('STEP_UP_NEEDED');
  });

  it('makes no device, and leaves the device’s tokens as they are', async () => {
    const bob = await logIn('bob');
    await grantFor(bob, 'bob', 'identity');
    expect(await world.auth.verifyAccess(bob.accessToken)).not.toBeNull();
    expect((await logIn('bob')).deviceNumber).toBe(2);
  });

  it('needs an access token that is good, and then its code is still there', async () => {
    const carol = await logIn('carol');
    const { login, verifier } = await walked('carol', 'backup');
    const fresh = await refreshTokens(at(), carol.refreshToken);
    expect(await codeOf(completeStepUp(at(), { login, verifier, accessToken: carol.accessToken }))).toBe(
      'TOKEN_INVALID',
    );
    // The SDK refreshes and asks again by itself.
    const all = new StepUps({
      store: new MemoryStore(),
      server: at(),
      accessToken: async (expired) => (expired ? fresh : carol).accessToken,
      now: Date.now,
    });
    const address = `${redirect}?login=`;
    expect(await codeOf(all.finish('backup', `${address}${login}`))).toBe('STEP_UP_NEEDED');
    const authorizeUrl = await all.begin({ purpose: 'backup', redirect, client: 'terminal' });
    const own = await walkStandIn({ ...walker('carol'), authorizeUrl, redirect });
    expect((await all.finish('backup', address + own)).token).toContain('lxg_');
    expect(await codeOf(all.finish('backup', address + own))).toBe('STEP_UP_NEEDED');
    expect((await completeStepUp(at(), { login, verifier, accessToken: fresh.accessToken })).token).toContain('lxg_');
  });

  it('that the person ends, or takes too long over, is STEP_UP_NEEDED', async () => {
    const dave = await logIn('dave');
    const wrong = { ...walker('dave'), password: 'guess', purpose: 'backup' } as const;
    expect(await codeOf(standInStepUp(stepUps(dave), wrong))).toBe('STEP_UP_NEEDED');
    let aheadMs = 0;
    const slow = stepUps(dave, () => Date.now() + aheadMs);
    const authorizeUrl = await slow.beginStepUp({ purpose: 'backup', redirect, client: 'terminal' });
    const login = await walkStandIn({ ...walker('dave'), authorizeUrl, redirect });
    aheadMs = 10 * 60_000 + 60_000;
    expect(await codeOf(slow.finishStepUp('backup', `${redirect}?login=${login}`))).toBe('STEP_UP_NEEDED');
    aheadMs = 0;
    expect(await codeOf(slow.finishStepUp('identity', `${redirect}?login=${login}`))).toBe('STEP_UP_NEEDED');
    expect(await codeOf(slow.finishStepUp('backup', `${redirect}?login=${login}`))).toBe('none');
  });

  it('is given ten times an hour', async () => {
    const erin = await logIn('erin');
    for (let n = 0; n < defaultAuthLimits.grantsPerHour; n++) await grantFor(erin, 'erin');
    const sdk = standInStepUp(stepUps(erin), { ...walker('erin'), purpose: 'backup' });
    await expect(sdk).rejects.toMatchObject({
      code: 'REJECTED',
      retryAfterMs: expect.any(Number),
      message: expect.stringContaining('This account'),
    });
    expect(await codeOf(grantFor(erin, 'erin', 'identity'))).toBe('RATE_LIMITED');
    expect(await codeOf(grantFor(await logIn('erin'), 'erin'))).toBe('RATE_LIMITED');
  });
});

it('no grant, token or verifier ever stands in an address or a line of the log', async () => {
  const luke = await logIn('luke');
  const { login, verifier } = await walked('luke', 'identity');
  const grant = await completeStepUp(at(), { login, verifier, accessToken: luke.accessToken });
  await world.auth.useGrant({ ...shownBy(luke), ...grant, purpose: 'backup' });
  await world.auth.useGrant({ ...shownBy(luke), ...grant, purpose: 'identity' });
  const [addresses, logged] = [world.addresses.join('\n'), world.logged.join('\n')];
  for (const secret of [grant.token.slice(4), luke.accessToken.slice(-43), luke.refreshToken.slice(-43), verifier]) {
    expect(addresses).not.toContain(secret);
    expect(logged).not.toContain(secret);
  }
  // Proof that looking works: the one-time code stands there, as it must, and is worth nothing without the verifier.
  expect(addresses).toContain(login);
  expect(logged).not.toContain(login);
  expect(addresses).not.toMatch(/lx[arg]_/);
});

describe('whoever has no right to it', () => {
  it('gets no grant by someone else’s login, with or without an account, and hears no difference', async () => {
    const victim = await logIn('grace');
    await logIn('mallory');
    expect(await codeOf(grantFor(victim, 'mallory'))).toBe('LOGIN_INVALID');
    expect(world.logged.at(-1)).toBe('auth.step-up-of-another');
    expect(await codeOf(grantFor(victim, 'stranger'))).toBe('LOGIN_INVALID');
    expect(world.logged.at(-1)).toBe('auth.step-up-of-another');
    // And the stranger has none by it.
    expect(await logIn('stranger')).toMatchObject({ firstLogin: true });
  });

  it('gets no grant by an ordinary login, and no device by a step-up; either code is spent', async () => {
    const heidi = await logIn('heidi');
    const { accessToken } = heidi;
    const ordinary = await walked('heidi');
    expect(await codeOf(completeStepUp(at(), { ...pick(ordinary), accessToken }))).toBe('LOGIN_INVALID');
    expect(world.logged.at(-1)).toBe('auth.grant-of-login');
    expect(await codeOf(completeLogin(at(), { ...pick(ordinary), deviceName: 'x' }))).toBe('LOGIN_INVALID');
    const step = await walked('heidi', 'backup');
    expect(await codeOf(completeLogin(at(), { ...pick(step), deviceName: 'x' }))).toBe('LOGIN_INVALID');
    expect(world.logged.at(-1)).toBe('auth.login-of-step-up');
    expect(await codeOf(completeStepUp(at(), { ...pick(step), accessToken }))).toBe('LOGIN_INVALID');
  });

  it('gets nothing by a code without its verifier, a used one, or a late one', async () => {
    const ivan = await logIn('ivan');
    const { accessToken } = ivan;
    const stolen = await walked('ivan', 'backup');
    const complete = (login: { login: string; verifier: string }) =>
      codeOf(completeStepUp(at(), { ...pick(login), accessToken }));
    expect(await complete({ ...stolen, verifier: 'v'.repeat(43) })).toBe('LOGIN_INVALID');
    expect(await complete(stolen)).toBe('LOGIN_INVALID');
    const used = await walked('ivan', 'backup');
    const raced = await Promise.all([1, 2, 3].map(() => complete(used)));
    expect(raced.sort()).toEqual(['LOGIN_INVALID', 'LOGIN_INVALID', 'none']);
    const late = await walked('ivan', 'backup');
    world.clock.aheadMs += defaultAuthLimits.loginMs;
    expect(await complete(late)).toBe('LOGIN_INVALID');
  });

  it('guesses codes at twenty a minute', async () => {
    const began = Date.now();
    const fresh = await startAuthWorld({ issuerFor: async () => luxid.issuer, limits: {}, now: () => began });
    const guess = () => {
      const login = randomBytes(32).toString('base64url');
      return codeOf(completeStepUp({ server: fresh.url }, { login, verifier: login, accessToken: 'lxa_guess' }));
    };
    for (let n = 0; n < defaultAuthLimits.grantsPerMinute; n++) expect(await guess()).toBe('TOKEN_INVALID');
    expect(await guess()).toBe('RATE_LIMITED');
    await fresh.close();
  });

  // The last one: afterwards the clock is further from LuxID's than any step-up may be.
  it('gets nothing by the grant of another device, another account, or one that ran out', async () => {
    const judy = await logIn('judy');
    const second = await logIn('judy');
    const other = await logIn('kevin');
    const grant = await grantFor(judy, 'judy');
    const use = (device: LoggedIn) =>
      world.auth.useGrant({ ...shownBy(device), token: grant.token, purpose: 'backup', attempt: attempt() });
    expect(await use(second)).toBe(false);
    expect(await use(other)).toBe(false);
    world.clock.aheadMs += defaultAuthLimits.grantMs;
    expect(await use(judy)).toBe(false);
    expect(world.logged.slice(-3)).toEqual([
      'auth.grant-refused.foreign',
      'auth.grant-refused.foreign',
      'auth.grant-refused.expired',
    ]);
  });
});

function pick({ login, verifier }: { login: string; verifier: string }) {
  return { login, verifier };
}

describe('LuxID’s word', () => {
  // Whole seconds, as LuxID says them; a clock that stands still, so that an edge is one.
  const nowMs = Math.floor(Date.now() / 1000) * 1000;
  const seconds = nowMs / 1000;
  let liar: LyingLuxId;
  let lied: AuthWorld;
  beforeAll(async () => {
    liar = await startLyingLuxId({ sub: 'subject-1' });
    lied = await startAuthWorld({ issuerFor: async () => liar.issuer, stepUpAcr: 'sms', now: () => nowMs });
  });
  afterAll(async () => {
    await lied.close();
    await liar.close();
  });

  /** What a login ends in where LuxID adds these claims. */
  async function ended(claims: Record<string, unknown>, purpose?: StepUpPurpose): Promise<string | null> {
    liar.lie = { claims: (honest) => ({ ...honest, ...claims }) };
    const challenge = createHash('sha256').update(randomBytes(32)).digest('base64url');
    const started = await fetch(`${lied.url}/auth/start`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect, challenge, client: 'terminal', purpose }),
    });
    const { authorizeUrl } = (await started.json()) as { authorizeUrl: string };
    const callback = (await fetch(authorizeUrl, { redirect: 'manual' })).headers.get('location')!;
    const back = (await fetch(callback, { redirect: 'manual' })).headers.get('location')!;
    return new URL(back).searchParams.get('error');
  }

  it('that the login was five minutes ago is taken, a second more is not', async () => {
    expect(await ended({ auth_time: seconds - 300, acr: 'sms' }, 'backup')).toBeNull();
    expect(await ended({ auth_time: seconds - 301, acr: 'sms' }, 'backup')).toBe('LUXID_REFUSED');
    expect(lied.logged.at(-1)).toBe('auth.step-up-refused.stale');
  });

  it('without a time, or with one far ahead, is not taken', async () => {
    for (const auth_time of [undefined, seconds + 301]) {
      expect(await ended({ auth_time, acr: 'sms' }, 'identity')).toBe('LUXID_REFUSED');
      expect(lied.logged.at(-1)).toBe('auth.step-up-refused.stale');
    }
  });

  it('that there was no code is not taken', async () => {
    for (const acr of [undefined, 'pwd']) {
      expect(await ended({ auth_time: seconds, acr }, 'backup')).toBe('LUXID_REFUSED');
      expect(lied.logged.at(-1)).toBe('auth.step-up-refused.weak');
    }
  });

  it('is enough for an ordinary login in all these cases', async () => {
    for (const claims of [{}, { auth_time: seconds - 3_600 }, { acr: 'pwd' }]) expect(await ended(claims)).toBeNull();
  });
});

it('the SDK and the server list the same purposes', () => {
  expect([...stepUpPurposes]).toEqual([...purposes]);
});
