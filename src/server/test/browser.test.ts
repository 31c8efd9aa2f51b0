// The SDK in a real browser: its stores in IndexedDB, login by redirect through the stand-in LuxID, the crypto engine on WebAssembly, one tab at a time,
// tabs that are loaded again, and tabs that are closed in the middle of something. The page keeps the policy that the web app keeps.
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClientError } from '#client/errors.ts';
import { localStoreContract } from '#client/store/store.contract.ts';
import type { LocalStore } from '#client/store/store.ts';
import type { Crossed, PageCalls } from './browser-page.ts';
import { startChromium } from './chromium.ts';
import { eventually, ProviderProcess } from './harness.ts';
import { PageServer } from './page-server.ts';

const words = { password: 'moien-moien', canary: 'a canary in the browser' };

let server: PageServer;
let provider: ProviderProcess;
let browser: Browser;
/** Whatever a page threw, wrote to its console as an error, or was refused by its policy. */
const errors: string[] = [];

beforeAll(async () => {
  server = await PageServer.start(new URL('browser-page.ts', import.meta.url).pathname);
  browser = await startChromium();
  provider = await ProviderProcess.start(['--public-url', server.url]);
  server.provider = provider.port;
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await provider?.remove();
  server?.close();
});

/** A tab with the page in it, and its calls. */
interface Tab {
  readonly page: Page;
  readonly call: {
    [Name in keyof PageCalls]: (...args: Parameters<PageCalls[Name]>) => Promise<Awaited<ReturnType<PageCalls[Name]>>>;
  };
}

async function openTab(context: BrowserContext): Promise<Tab> {
  const page = await context.newPage();
  page.on('pageerror', (error) => errors.push(String(error.stack)));
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  await page.goto(server.url);
  const call = async (name: string, args: unknown[]) => {
    const crossed = (await page.evaluate(
      ([name, args]) =>
        (globalThis as unknown as { call(name: unknown, args: unknown): Promise<unknown> }).call(name, args),
      [name, args],
    )) as Crossed;
    if (crossed.error) throw Object.assign(new Error(crossed.error.message), { code: crossed.error.code });
    return crossed.value;
  };
  const calls = new Proxy({} as Tab['call'], {
    get:
      (_, name) =>
      (...args: unknown[]) =>
        call(String(name), args),
  });
  return { page, call: calls };
}

/** Walks LuxID's pages as a person does; resolves to where they came back to. */
async function throughLuxId({ page }: Tab, user: string, authorizeUrl: string): Promise<string> {
  await page.goto(authorizeUrl);
  await page.fill('[name=user]', user);
  await page.fill('[name=password]', words.password);
  await page.click('button');
  await page.fill('[name=code]', await provider.code(user));
  await page.click('button');
  await page.waitForURL(`${server.url}/?login=*`);
  return page.url();
}

async function login(tab: Tab, user: string): Promise<void> {
  const address = await throughLuxId(tab, user, await tab.call.begin(server.url, `${server.url}/`));
  await tab.call.finish(address);
  await tab.page.goto(server.url);
}

describe.each([
  ['plain', false],
  ['sealed', true],
])('a %s local store in IndexedDB', (name, sealed) => {
  let databases = 0;
  let tab: Tab;
  beforeAll(async () => {
    tab = await openTab(await browser.newContext());
  });
  localStoreContract(() => storeIn(tab, `${name} ${databases++}`, sealed));
});

describe('two people in two browsers', () => {
  let contexts: BrowserContext[];
  let alice: Tab;
  let bob: Tab;
  let room: string;

  beforeAll(async () => {
    contexts = [await browser.newContext(), await browser.newContext()];
    [alice, bob] = (await Promise.all(contexts.map(openTab))) as [Tab, Tab];
  });

  it('log in by redirect, and talk end-to-end encrypted', async () => {
    await login(alice, 'alice');
    await login(bob, 'bob');
    const [, { user }] = await Promise.all([alice.call.open(), bob.call.open()]);
    room = await alice.call.startDirect(user);
    await eventually('bob is invited', async () => (await bob.call.room(room))?.invited === true);
    await bob.call.accept(room);
    await eventually('both are in', async () => (await alice.call.room(room))?.members === 1);
    await alice.call.send(room, words.canary);
    await reads(bob, words.canary);
    await bob.call.send(room, 'moien');
    await reads(alice, 'moien');
  });

  it('keep everything in the clear from their disks, and the key in the browser', async () => {
    const raw = [words.canary, 'alice', server.url];
    const plain = await storeIn(alice, 'control', false);
    await plain.write([{ table: 'account', key: 'x', value: new TextEncoder().encode('plain to see') }]);
    expect(await alice.call.finds(['plain to see'])).toHaveLength(1);
    for (const { call } of [alice, bob]) {
      expect(await call.finds(raw)).toEqual([]);
      expect(await call.exportKey()).toBe('InvalidAccessError');
      expect(await call.cryptoDurability()).toBe('strict');
    }
  });

  it('find everything again when the page is loaded again, and go on', async () => {
    await alice.page.reload();
    expect(await alice.call.open()).toMatchObject({ confirmed: true });
    expect(await texts(alice)).toEqual([words.canary, 'moien']);
    await alice.call.send(room, 'after the reload');
    await reads(bob, 'after the reload');
  });

  it('step up by redirect, and the page that was loaded anew gets the grant, once', async () => {
    const address = await throughLuxId(alice, 'alice', await alice.call.beginStepUp(`${server.url}/`));
    await alice.call.open();
    expect(await alice.call.finishStepUp(address)).toEqual({ token: expect.stringMatching(/^lxg_/), attemptBytes: 16 });
    await expect(alice.call.finishStepUp(address)).rejects.toMatchObject({ code: 'STEP_UP_NEEDED' });
    await alice.page.goto(server.url);
    await alice.call.open();
  });

  it('open a device in one tab only', async () => {
    const second = await openTab(contexts[0] as BrowserContext);
    await expect(second.call.open()).rejects.toMatchObject({ code: 'IN_USE' });
    await expect(second.call.remove()).rejects.toMatchObject({ code: 'IN_USE' });
    await alice.page.close();
    alice = second;
    await alice.call.open();
    expect(await texts(alice)).toContain('after the reload');
  });

  // A tab goes without a word: a step of a ratchet that was used must not be used again, and what was written must arrive once.
  it('lose and repeat nothing when tabs are closed in the middle of sending', async () => {
    const written: string[] = [];
    for (let round = 0; round < 5; round++) {
      for (let at = 0; at <= round; at++) {
        written.push(`${round}.${at}`);
        await alice.call.send(room, written.at(-1) ?? '');
      }
      await alice.page.close();
      alice = await openTab(contexts[0] as BrowserContext);
      await alice.call.open();
    }
    await alice.call.flushed();
    await reads(bob, written.at(-1) ?? '');
    expect((await texts(bob)).slice(-written.length)).toEqual(written);
    expect(await bob.call.troubles()).toEqual([]);
  });

  it('leave nothing behind when they log out', async () => {
    await bob.call.logout();
    await bob.call.remove();
    // The library lets go of its database when the page does.
    await bob.page.reload();
    expect([await bob.call.has(), await bob.call.databases()]).toEqual([false, ['luxchat default keys']]);
    await expect(bob.call.open()).rejects.toMatchObject({ code: 'LOGIN_NEEDED' });
  });

  it('had no error on any page', async () => {
    expect(await alice.call.troubles()).toEqual([]);
    expect(errors).toEqual([]);
  });

  function texts({ call }: Tab): Promise<string[]> {
    return call.texts(room);
  }

  function reads(tab: Tab, text: string): Promise<void> {
    return eventually(`${text} is read`, async () => (await texts(tab)).includes(text));
  }
});

/** A store in the page as one here. */
async function storeIn({ call }: Tab, name: string, sealed: boolean): Promise<LocalStore> {
  const coded = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: Error & { code: 'STORE' }) => {
      throw new ClientError(error.code, error.message);
    });
  const at = await call.openStore(name, sealed);
  return {
    get: async (table, key) => {
      const value = await coded(call.storeGet(at, table, key));
      return value && Uint8Array.from(value);
    },
    list: async (table, range) => {
      const rows = await coded(call.storeList(at, table, range));
      return rows.map(({ key, value }) => ({ key, value: Uint8Array.from(value) }));
    },
    write: (changes) =>
      coded(
        call.storeWrite(
          at,
          changes.map(({ table, key, value }) => ({
            table,
            key,
            value: value && (value instanceof Uint8Array ? [...value] : 'no bytes'),
          })),
        ),
      ),
    close: () => coded(call.storeClose(at)).then(() => {}),
  };
}
