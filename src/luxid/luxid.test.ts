// The stand-in by itself: pages in the reader's language, the walk, its limits, its claims, and that it never runs in production.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chooseLanguage, labels, languages } from './labels.ts';
import { formBytesMax, type LuxId, startLuxId } from './luxid.ts';
import { acrPasswordAndSms, amrPasswordAndSms } from './oidc.ts';
import { developmentPassword, person } from './people.ts';
import { refusesProduction } from './production.ts';
import { walks, walksMax, wrongCodesMax, wrongPasswordsMax } from './walks.ts';

const redirect = 'http://127.0.0.1:9/auth/callback';
let folder: string;
let luxid: LuxId;
const sent: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'luxid-'));
  luxid = await startLuxId({
    port: 0,
    folder,
    redirects: [redirect],
    sendCode: (user, code) => sent.push(user + code),
  });
});
afterAll(async () => {
  await luxid.close();
  rmSync(folder, { recursive: true });
});

/** A browser with a cookie jar, as far as these pages need one. */
function browser(language = 'en') {
  const jar = new Map<string, string>();
  return async (url: string, form?: Record<string, string>) => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(new URL(url, luxid.issuer), {
      redirect: 'manual',
      headers: { cookie, 'accept-language': language },
      ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      jar.set(name, value);
    }
    return {
      status: response.status,
      location: response.headers.get('location') ?? '',
      html: await response.text(),
      headers: response.headers,
    };
  };
}

const verifier = randomBytes(32).toString('base64url');
function authorizeUrl(more: Record<string, string> = {}): string {
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const query = {
    client_id: 'luxchat',
    response_type: 'code',
    scope: 'openid',
    redirect_uri: redirect,
    state: 's',
    nonce: 'n',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...more,
  };
  return `/auth?${new URLSearchParams(query)}`;
}

async function begin(browse: ReturnType<typeof browser>, more: Record<string, string> = {}): Promise<string> {
  const { location } = await browse(authorizeUrl(more));
  expect(location).toMatch(/^\/interaction\//);
  return location;
}

async function finish(browse: ReturnType<typeof browser>, page: string, user: string): Promise<URL> {
  await browse(`${page}/password`, { user, password: developmentPassword });
  const done = await browse(`${page}/code`, { code: luxid.lastCodeFor(user)! });
  expect(done.status).toBe(303);
  const back = await browse(done.location);
  return new URL(back.location);
}

async function idToken(back: URL) {
  const response = await fetch(`${luxid.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: 'luxchat',
      redirect_uri: redirect,
      code: back.searchParams.get('code')!,
      code_verifier: verifier,
    }),
  });
  return decodeJwt(((await response.json()) as { id_token: string }).id_token);
}

describe('the pages', () => {
  it.each([
    ['en', 'User name', 'Connect', 'Continue'],
    ['de', 'Benutzername', 'Verbinden', 'Weiter'],
    ['fr', 'Nom d&#39;utilisateur', 'Se connecter', 'Continuer'],
    ['lb', 'Benotzernumm', 'Verbannen', 'Weider'],
    ['pt', 'Nome de utilizador', 'Ligar', 'Continuar'],
  ])('speak %s: user name, password, then the code', async (language, user, connect, proceed) => {
    const browse = browser(`${language}-LU,${language};q=0.9,en;q=0.1`);
    const page = await begin(browse);
    const first = await browse(page);
    expect(first.html).toContain(`<html lang="${language}">`);
    expect(first.html).toContain(`>${user}</label>`);
    expect(first.html).toContain(`<button>${connect}</button>`);
    expect(first.headers.get('content-security-policy')).toContain("default-src 'none'");
    const passed = await browse(`${page}/password`, { user: 'alice', password: developmentPassword });
    expect(passed).toMatchObject({ status: 303, location: page });
    const second = await browse(page);
    expect(second.html).toContain(`<button>${proceed}</button>`);
    expect(second.html).toContain('autocomplete="one-time-code"');
    expect(second.html).toContain(`${person('alice').phone.slice(-2)}</p>`);
    expect(second.html).not.toContain(person('alice').phone);
  });

  it('have every word in every language', () => {
    for (const language of languages) expect(Object.keys(labels[language])).toEqual(Object.keys(labels.en));
  });

  it('follow ui_locales before Accept-Language, and weights', () => {
    expect(chooseLanguage('pt fr', 'de')).toBe('pt');
    expect(chooseLanguage(undefined, 'it, fr;q=0.3, de-LU;q=0.8')).toBe('de');
    expect(chooseLanguage(undefined, 'de;q=0, it')).toBe('en');
    expect(chooseLanguage(7, undefined)).toBe('en');
  });

  it('escape what was typed', async () => {
    const browse = browser();
    const page = await begin(browse);
    const { html } = await browse(`${page}/password`, { user: '"><script>', password: 'x' });
    expect(html).not.toContain('<script>');
    expect(html).toContain('&#34;&#62;&#60;script&#62;');
  });

  it('are only for the browser that began', async () => {
    const page = await begin(browser());
    const stranger = await browser('de')(page);
    expect(stranger.status).toBe(400);
    expect(stranger.html).toContain(labels.de.expired);
  });

  it(`take forms of ${formBytesMax} bytes and none of one more`, async () => {
    const browse = browser();
    const page = await begin(browse);
    const filler = 'x'.repeat(formBytesMax - 'user='.length);
    expect((await browse(`${page}/password`, { user: filler })).status).toBe(400);
    expect((await browse(`${page}/password`, { user: `${filler}x` })).status).toBe(413);
  });
});

describe('a login', () => {
  it('refuses an unknown user and a wrong password with the same words', async () => {
    const browse = browser('de');
    const page = await begin(browse);
    for (const form of [
      { user: 'mallory', password: developmentPassword },
      { user: 'alice', password: 'guess' },
    ]) {
      const { status, html } = await browse(`${page}/password`, form);
      expect(status).toBe(400);
      expect(html).toContain(labels.de.wrongPassword);
      expect(html).toContain('role="alert"');
    }
  });

  it('ends at the fifth wrong code', async () => {
    const browse = browser();
    const page = await begin(browse);
    await browse(`${page}/password`, { user: 'bob', password: developmentPassword });
    const wrong = luxid.lastCodeFor('bob') === '000000' ? '000001' : '000000';
    for (let tries = 1; tries < wrongCodesMax; tries++) {
      const { status, html } = await browse(`${page}/code`, { code: wrong });
      expect(status).toBe(400);
      expect(html).toContain(labels.en.wrongCode);
    }
    const ended = await browse(`${page}/code`, { code: wrong });
    expect(ended.status).toBe(303);
    const back = new URL((await browse(ended.location)).location);
    expect(back.searchParams.get('error')).toBe('access_denied');
    const late = await browse(`${page}/code`, { code: luxid.lastCodeFor('bob')! });
    expect(late.status).toBe(400);
  });

  it('can be cancelled', async () => {
    const browse = browser();
    const page = await begin(browse);
    const back = new URL((await browse((await browse(`${page}/cancel`, {})).location)).location);
    expect(back.searchParams.get('error')).toBe('access_denied');
  });

  it('says how and when the person proved who they are, where asked by the claims parameter, and nothing of the person', async () => {
    const browse = browser();
    const claims = JSON.stringify({
      id_token: { acr: { essential: true, values: [acrPasswordAndSms] }, amr: null, auth_time: null },
    });
    const page = await begin(browse, { claims });
    const back = await finish(browse, page, 'carol');
    const token = await idToken(back);
    expect(token).toMatchObject({
      sub: person('carol').subject,
      acr: acrPasswordAndSms,
      amr: amrPasswordAndSms,
      nonce: 'n',
      aud: 'luxchat',
      iss: luxid.issuer,
    });
    expect(Math.abs(Number(token.auth_time) * 1000 - Date.now())).toBeLessThan(60_000);
    expect(JSON.stringify(token)).not.toContain('carol');
    expect(sent.at(-1)).toBe(`carol${luxid.lastCodeFor('carol')}`);
  });

  it('asks again with prompt=login although the browser is known, and does not without', async () => {
    const browse = browser();
    await finish(browse, await begin(browse), 'dave');
    expect(new URL((await browse(authorizeUrl())).location).searchParams.has('code')).toBe(true);
    await begin(browse, { prompt: 'login' });
  });

  it('asks again with max_age=0, and says when and how in the token where acr_values asked for that', async () => {
    const browse = browser();
    await finish(browse, await begin(browse), 'erin');
    const page = await begin(browse, { max_age: '0', acr_values: acrPasswordAndSms });
    const token = await idToken(await finish(browse, page, 'erin'));
    expect(token.acr).toBe(acrPasswordAndSms);
    expect(Math.abs(Number(token.auth_time) * 1000 - Date.now())).toBeLessThan(60_000);
  });

  // Two people who tried Luxchat with one browser: the second one's way ended on an empty page.
  it('of another person in the same browser is theirs, and the session before is over', async () => {
    const browse = browser();
    const subjectOf = async (back: URL) => (await idToken(back)).sub;
    expect(await subjectOf(await finish(browse, await begin(browse), 'frank'))).toBe(person('frank').subject);
    const page = await begin(browse, { prompt: 'login' });
    expect(await subjectOf(await finish(browse, page, 'grace'))).toBe(person('grace').subject);
    expect(await subjectOf(new URL((await browse(authorizeUrl())).location))).toBe(person('grace').subject);
  });

  it('needs PKCE and a registered redirect', async () => {
    const browse = browser();
    const url = new URL(authorizeUrl(), luxid.issuer);
    url.searchParams.delete('code_challenge');
    url.searchParams.delete('code_challenge_method');
    expect(new URL((await browse(url.href)).location).searchParams.get('error')).toBe('invalid_request');
    const foreign = await browse(authorizeUrl({ redirect_uri: 'http://127.0.0.1:9/other' }));
    expect(foreign).toMatchObject({ status: 400, location: '' });
  });
});

describe('a walk', () => {
  const nobody = walks({ people: { login: () => null }, send: () => {}, now: () => 0 });
  it(`ends at wrong password number ${wrongPasswordsMax}`, () => {
    for (let tries = 1; tries < wrongPasswordsMax; tries++)
      expect(nobody.password('a', 'x', 'y').next).toBe('password');
    expect(nobody.password('a', 'x', 'y').next).toBe('ended');
  });
  it('is over after ten minutes, and the oldest one goes when there are too many', () => {
    let now = 0;
    const some = walks({ people: { login: person }, send: () => {}, now: () => now });
    some.password('a', 'alice', '');
    now = 10 * 60_000 - 1;
    expect(some.look('a').next).toBe('code');
    now += 1;
    expect(some.look('a').next).toBe('password');
    some.password('a', 'alice', '');
    for (let n = 1; n < walksMax; n++) some.look(`w${n}`);
    expect(some.look('a').next).toBe('code');
    some.look('one more');
    expect(some.look('a').next).toBe('password');
  });
});

describe('the stand-in', () => {
  it('keeps its keys in a file of its owner alone, over restarts', async () => {
    expect(statSync(join(folder, 'luxid-keys.json')).mode & 0o777).toBe(0o600);
    const keysOf = async (issuer: string) => (await fetch(`${issuer}/jwks`)).json();
    const again = await startLuxId({ port: 0, folder, redirects: [redirect] });
    expect(await keysOf(again.issuer)).toEqual(await keysOf(luxid.issuer));
    await again.close();
  });

  it('lets in any well-formed user name when told so', async () => {
    const { people } = await import('./people.ts');
    const open = people({ users: [], openUsers: true });
    expect(open.login('load-1234', developmentPassword)?.user).toBe('load-1234');
    expect(open.login('load-1234', 'wrong')).toBeNull();
    expect(open.login('a'.repeat(32), developmentPassword)).not.toBeNull();
    expect(open.login('a'.repeat(33), developmentPassword)).toBeNull();
  });

  it('ends with the standard input of whoever started it', async () => {
    const args = ['src/luxid/main.ts', '--port', '0', '--folder', folder, '--redirect', redirect, '--end-with-stdin'];
    const env = { PATH: process.env.PATH };
    const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = new Promise((exited) => child.once('close', exited));
    const line = await new Promise<string>((said) => child.stdout.once('data', (part) => said(String(part))));
    const issuer = /^LuxID stand-in \(development only\): (\S+)/.exec(line)?.[1];
    expect((await fetch(`${issuer}/.well-known/openid-configuration`)).status).toBe(200);
    child.stdin.end();
    expect(await ended).toBe(0);
  });

  it.each([
    [['--production'], {}],
    [[], { LUXCHAT_MODE: 'production' }],
    [[], { NODE_ENV: 'production' }],
  ])('refuses to run with %j %j', async (flags, env) => {
    expect(refusesProduction(flags, env)).toContain('does not run in production');
    const args = ['src/luxid/main.ts', '--port', '0', '--folder', folder, '--redirect', redirect, ...flags];
    const child = spawn(process.execPath, args, {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (part) => (said += part));
    const code = await new Promise((exited) => child.once('close', exited));
    expect(code).toBe(3);
    expect(said).toContain('The stand-in LuxID does not run in production');
  });
});
