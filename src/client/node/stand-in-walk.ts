// Walks the pages of the stand-in LuxID without a browser, for terminals that have none, for scripts and for tests. It knows only what a browser
// knows: forms, cookies and redirects. It does not work with the real LuxID, and is not meant to.
import type { Luxchat } from '../api.ts';
import {
  completeLogin,
  type LoggedIn,
  LoginError,
  type LoginServer,
  readReturn,
  type StepUpGrant,
  type StepUpPurpose,
  startLogin,
} from '../connection/login.ts';
import { explain } from '../devices/step-up.ts';

/** Who logs in. */
export interface StandInPerson {
  readonly user: string;
  readonly password: string;
  /** Asks for the code "sent by SMS"; asked again, with a higher number, after a wrong one. */
  readonly askCode: (attempt: number) => string | Promise<string>;
}

/** Pages and redirects on one way. More: PROTOCOL. */
const stepsMax = 30;
/** The walk ends before it gets there, so nobody needs to listen: port 9 discards. */
export const nowhere = 'http://127.0.0.1:9/walk';

/** Logs in by walking the pages. Rejects with LoginError; a wrong user name or password and the fifth wrong code are LOGIN_DENIED. */
export async function standInLogin(at: LoginServer, person: StandInPerson & { deviceName: string }): Promise<LoggedIn> {
  const { authorizeUrl, verifier } = await startLogin(at, { redirect: nowhere, client: 'terminal' });
  const login = await walkStandIn({ ...person, authorizeUrl, redirect: nowhere });
  return completeLogin(at, { login, verifier, deviceName: person.deviceName });
}

/** A step-up of this device by walking the pages. Rejects as `finishStepUp`. */
export async function standInStepUp(
  client: Pick<Luxchat, 'beginStepUp' | 'finishStepUp'>,
  options: StandInPerson & { readonly purpose: StepUpPurpose },
): Promise<StepUpGrant> {
  const { purpose } = options;
  const authorizeUrl = await client.beginStepUp({ purpose, redirect: nowhere, client: 'terminal' });
  const address = await followStandIn({ ...options, authorizeUrl, arrived: isNowhere }).catch(explain);
  return client.finishStepUp(purpose, address);
}

/** Walks from `authorizeUrl` until it is sent to `redirect`, which is not called. Resolves to the one-time code; rejects like `standInLogin`. */
export async function walkStandIn(
  walk: StandInPerson & { readonly authorizeUrl: string; readonly redirect: string },
): Promise<string> {
  return readReturn(await followStandIn({ ...walk, arrived: (address) => address.split('?')[0] === walk.redirect }));
}

/** Walks from `authorizeUrl` until it is sent to an address of which `arrived` is true; resolves to that address without calling it. */
export async function followStandIn(
  walk: StandInPerson & { readonly authorizeUrl: string; readonly arrived: (address: string) => boolean },
): Promise<string> {
  const jar = new Map<string, Map<string, string>>();
  let next: Visit = { url: new URL(walk.authorizeUrl) };
  let passwordGiven = false;
  let codesGiven = 0;
  for (let step = 0; step < stepsMax; step++) {
    const { status, location, html } = await visit(jar, next);
    if (location !== null) {
      if (walk.arrived(location)) return location;
      next = { url: new URL(location, next.url) };
      continue;
    }
    const action = formAction(html, status);
    const url = new URL(action, next.url);
    if (action.endsWith('/password')) {
      if (passwordGiven) throw new LoginError('LOGIN_DENIED', 'The user name or the password is wrong.');
      passwordGiven = true;
      next = { url, form: { user: walk.user, password: walk.password } };
    } else {
      codesGiven += 1;
      next = { url, form: { code: await walk.askCode(codesGiven) } };
    }
  }
  throw new LoginError('PROTOCOL', 'The way through LuxID has no end.');
}

function isNowhere(address: string): boolean {
  return address.split('?')[0] === nowhere;
}

interface Visit {
  readonly url: URL;
  readonly form?: Readonly<Record<string, string>>;
}

async function visit(jar: Map<string, Map<string, string>>, { url, form }: Visit) {
  const cookies = jar.get(url.origin) ?? new Map<string, string>();
  jar.set(url.origin, cookies);
  const response = await fetch(url, {
    redirect: 'manual',
    headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    signal: AbortSignal.timeout(20_000),
    ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
  }).catch((cause: unknown) => {
    throw new LoginError('OFFLINE', `${url.origin} can't be reached.`, { cause });
  });
  for (const line of response.headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=;]+)=([^;]*)/.exec(line) ?? [];
    if (value === '') cookies.delete(name);
    else cookies.set(name, value);
  }
  return { status: response.status, location: response.headers.get('location'), html: await response.text() };
}

function formAction(html: string, status: number): string {
  const action = /<form method="post" action="([^"]+\/(?:password|code))"/.exec(html)?.[1];
  if (action === undefined)
    throw new LoginError('PROTOCOL', `LuxID answered ${status} without a page of the stand-in.`);
  return action;
}
