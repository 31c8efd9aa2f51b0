// What tests in a real browser stand on: a provider, in front of it a page at an origin of its own, and a Chromium with as many profiles as there are people.
// Guarantees: what a page throws, writes to its console as an error or is refused by its policy is in `errors`. Does not: share anything between two profiles.
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { Crossed, PageCalls } from './browser-page.ts';
import { startChromium } from './chromium.ts';
import { ProviderProcess } from './harness.ts';
import { PageServer } from './page-server.ts';

const password = 'moien-moien';

/** A tab with the page in it, and its calls. */
export interface Tab {
  readonly page: Page;
  readonly call: {
    [Name in keyof PageCalls]: (...args: Parameters<PageCalls[Name]>) => Promise<Awaited<ReturnType<PageCalls[Name]>>>;
  };
}

export class BrowserStage {
  readonly provider: ProviderProcess;
  readonly errors: string[] = [];
  readonly #server: PageServer;
  readonly #browser: Browser;

  private constructor(server: PageServer, browser: Browser, provider: ProviderProcess) {
    this.#server = server;
    this.#browser = browser;
    this.provider = provider;
  }

  /** Starts all three; `close` ends them. */
  static async start(): Promise<BrowserStage> {
    const server = await PageServer.start(new URL('browser-page.ts', import.meta.url).pathname);
    const browser = await startChromium();
    const provider = await ProviderProcess.start(['--public-url', server.url]);
    server.provider = provider.port;
    return new BrowserStage(server, browser, provider);
  }

  /** Where the page is. */
  get url(): string {
    return this.#server.url;
  }

  /** A browser as it is on a machine where nobody was yet: storage of its own. */
  newProfile(): Promise<BrowserContext> {
    return this.#browser.newContext();
  }

  /** Another tab of this profile, with the page in it. */
  async openTab(profile: BrowserContext): Promise<Tab> {
    const page = await profile.newPage();
    page.on('pageerror', (error) => this.errors.push(String(error.stack)));
    page.on('console', (message) => message.type() === 'error' && this.errors.push(message.text()));
    await page.goto(this.url);
    const call = new Proxy({} as Tab['call'], {
      get:
        (_, name) =>
        (...args: unknown[]) =>
          called(page, String(name), args),
    });
    return { page, call };
  }

  /** Walks LuxID's pages as a person does; resolves to where they came back to. */
  async throughLuxId({ page }: Tab, user: string, authorizeUrl: string): Promise<string> {
    await page.goto(authorizeUrl);
    await page.fill('[name=user]', user);
    await page.fill('[name=password]', password);
    await page.click('button');
    await page.fill('[name=code]', await this.provider.code(user));
    await page.click('button');
    await page.waitForURL(`${this.url}/?login=*`);
    return page.url();
  }

  /** Logs in; the device is there, not open. */
  async login(tab: Tab, user: string): Promise<void> {
    const address = await this.throughLuxId(tab, user, await tab.call.begin(this.url, `${this.url}/`));
    await tab.call.finish(address);
    await tab.page.goto(this.url);
  }

  /** Steps up for the backup on an open device. The page is loaded anew by that: the device is open again, and holds the grant. */
  async stepUp(tab: Tab, user: string): Promise<void> {
    const address = await this.throughLuxId(tab, user, await tab.call.beginStepUp(`${this.url}/`));
    await tab.call.open();
    await tab.call.finishStepUp(address);
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.provider.remove();
    this.#server.close();
  }
}

async function called(page: Page, name: string, args: unknown[]): Promise<unknown> {
  const crossed = (await page.evaluate(
    ([name, args]) =>
      (globalThis as unknown as { call(name: unknown, args: unknown): Promise<unknown> }).call(name, args),
    [name, args],
  )) as Crossed;
  if (crossed.error) throw Object.assign(new Error(crossed.error.message), { code: crossed.error.code });
  return crossed.value;
}
