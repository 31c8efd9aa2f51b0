// Step-ups of a device against answers made by hand: what is kept until the person comes back, which error a caller sees, and what may be repeated.
import { beforeEach, describe, expect, it } from 'vitest';
import { Grant } from '#proto/gen/client.ts';
import { Rejection } from '#proto/gen/codes.ts';
import type { LoginServer } from '../connection/login.ts';
import { ClientError } from '../errors.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { StepUps } from './step-up.ts';

const way = { purpose: 'backup', redirect: 'https://chat.example.lu/', client: 'web' } as const;
const back = `${way.redirect}?login=code`;
const grant = { grant: 'lxg_x', second: 'lxg_y', expiresMs: 5 };

let store: MemoryStore;
let now: number;
let sent: { readonly path: string; readonly body: Record<string, string> }[];
let answers: [status: number, body: object, retryAfter?: string][];
let tokens: string[];

beforeEach(() => {
  store = new MemoryStore();
  [now, sent, answers, tokens] = [1_000_000, [], [], []];
});

/** A device over the store of the test: another one is the same after its page was loaded anew. */
function device(): StepUps {
  const doFetch = async (url: unknown, init?: RequestInit) => {
    sent.push({ path: new URL(String(url)).pathname, body: JSON.parse(String(init?.body)) });
    const next = answers.shift();
    if (!next) throw new TypeError('no network');
    const [status, body, retryAfter = '0'] = next;
    return new Response(JSON.stringify(body), { status, headers: { 'retry-after': retryAfter } });
  };
  const server: LoginServer = { server: 'https://chat.example.lu', fetch: doFetch as typeof fetch };
  const accessToken = async (expired: boolean) => {
    tokens.push(expired ? 'refreshed' : 'held');
    return tokens.at(-1)!;
  };
  return new StepUps({ store, server, accessToken, now: () => now });
}

async function begun(): Promise<StepUps> {
  answers.push([200, { authorizeUrl: 'https://luxid.lu/auth' }]);
  expect(await device().begin(way)).toBe('https://luxid.lu/auth');
  return device();
}

const failure = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: unknown) => error as ClientError,
  );
const isKept = async () => (await store.get('account', 'step up')) !== undefined;

describe('a step-up', () => {
  it('says its purpose, and goes on where the page was loaded anew', async () => {
    const again = await begun();
    expect(sent[0]).toMatchObject({ path: '/auth/start', body: { ...way } });
    answers.push([200, grant]);
    const given = await again.finish('backup', back);
    expect(sent[1]).toMatchObject({ path: '/auth/grant', body: { login: 'code', accessToken: 'held' } });
    expect(Object.keys(sent[1]!.body).sort()).toEqual(['accessToken', 'login', 'verifier']);
    expect(await isKept()).toBe(false);
    expect(given).toMatchObject({ token: 'lxg_x', second: { token: 'lxg_y' }, expiresMs: 5 });
    expect(given.attempt).toHaveLength(16);
    expect(Grant.decode(Grant.encode(given).finish())).toMatchObject({ token: 'lxg_x', attempt: given.attempt });
  });

  it('draws another attempt each time', async () => {
    const attempts = [];
    for (let n = 0; n < 2; n++) {
      const again = await begun();
      answers.push([200, grant]);
      attempts.push((await again.finish('backup', back)).attempt);
    }
    expect(attempts[0]).not.toEqual(attempts[1]);
  });

  it('that nobody began here, or for something else, or ten minutes ago, asks no server', async () => {
    expect(await failure(device().finish('backup', back))).toMatchObject({ code: 'STEP_UP_NEEDED' });
    const again = await begun();
    expect(await failure(again.finish('identity', back))).toMatchObject({ code: 'STEP_UP_NEEDED' });
    now += 10 * 60_000 + 1;
    expect(await failure(again.finish('backup', back))).toMatchObject({ code: 'STEP_UP_NEEDED' });
    expect(sent).toHaveLength(1);
    now -= 1;
    answers.push([200, grant]);
    expect(await failure(again.finish('backup', back))).toBeNull();
  });

  it('refreshes an access token that is not good any more, once', async () => {
    const again = await begun();
    answers.push([401, { code: 'TOKEN_INVALID' }], [200, grant]);
    expect(await failure(again.finish('backup', back))).toBeNull();
    expect(tokens).toEqual(['held', 'refreshed']);
    const ended = await begun();
    answers.push([401, { code: 'TOKEN_INVALID' }], [401, { code: 'TOKEN_INVALID' }]);
    expect(await failure(ended.finish('backup', back))).toMatchObject({ code: 'LOGIN_NEEDED' });
  });

  it.each(['LOGIN_DENIED', 'LUXID_REFUSED'])('that came back with %s is over', async (code) => {
    const again = await begun();
    const error = await failure(again.finish('backup', `${way.redirect}?error=${code}`));
    expect(error).toMatchObject({ code: 'STEP_UP_NEEDED', cause: { code } });
    expect(await isKept()).toBe(false);
  });

  it('by someone else is over', async () => {
    const again = await begun();
    answers.push([400, { code: 'LOGIN_INVALID' }]);
    expect(await failure(again.finish('backup', back))).toMatchObject({ code: 'STEP_UP_NEEDED' });
    expect(await isKept()).toBe(false);
  });

  it.each<[number, object, object]>([
    [503, { code: 'UNAVAILABLE' }, { code: 'OFFLINE', retryAfterMs: 7_000 }],
    [502, {}, { code: 'OFFLINE' }],
    [
      429,
      { code: 'RATE_LIMITED' },
      { code: 'REJECTED', rejection: Rejection.REJECTION_RATE_LIMITED, retryAfterMs: 7_000 },
    ],
    [400, { code: 'BAD_REQUEST' }, { code: 'PROTOCOL' }],
  ])('may be finished again after %i %j', async (status, body, expected) => {
    const again = await begun();
    answers.push([status, body, '7']);
    expect(await failure(again.finish('backup', back))).toMatchObject(expected);
    answers.push([200, grant]);
    expect(await failure(again.finish('backup', back))).toBeNull();
  });

  it('begins nothing where the server can not or will not', async () => {
    expect(await failure(device().begin(way))).toMatchObject({ code: 'OFFLINE' });
    answers.push([503, { code: 'LUXID_UNAVAILABLE' }, '5']);
    expect(await failure(device().begin(way))).toMatchObject({ code: 'OFFLINE', retryAfterMs: 5_000 });
    answers.push([400, { code: 'REDIRECT_REFUSED' }]);
    const error = await failure(device().begin(way));
    expect(error).toMatchObject({ code: 'BAD_ARGUMENT' });
    expect(error).toBeInstanceOf(ClientError);
    expect(await isKept()).toBe(false);
  });
});
