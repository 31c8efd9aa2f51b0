// What it takes to make a key of a backup password, at the cost that new backups have: in Node, and in the page of a Chromium, at full speed and with the processor throttled by
// the browser's own means, which is how web developers stand in for phones (4: a middling one, 6: a slow one; 10: the slowest that we reckon with). Node's native Argon2id
// beside it: what whoever guesses has. CPU time hangs less than the clock on what else the machine does; in a throttled page the throttle's own is in it, which burns what it takes away.
// Run: node bench/micro/password.ts [--rounds 3] [--write]
import { argon2Sync, randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { CDPSession, Page } from 'playwright-core';
import { passwordCost, sealHeader } from '#client/backup/header.ts';
import { startChromium } from '../../src/server/test/chromium.ts';
import { PageServer } from '../../src/server/test/page-server.ts';
import { cpuMicros, median, writeResult } from './lib/figures.ts';
import type { Derived } from './lib/password-page.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, write: { type: 'boolean', default: false } },
});
const rounds = Number(values.rounds);

interface Taken extends Partial<Derived> {
  readonly ms: number;
  readonly cpuMs?: number;
}
const taken = new Map<string, { where: string; throttled: number; all: Taken[] }>();

function note(where: string, throttled: number, one: Taken): void {
  const key = `${where} ${throttled}`;
  if (!taken.has(key)) taken.set(key, { where, throttled, all: [] });
  taken.get(key)?.all.push(one);
  console.error(key, JSON.stringify(one));
}

async function inNode(work: () => unknown): Promise<Taken> {
  const [began, cpu] = [performance.now(), cpuMicros()];
  await work();
  return { ms: performance.now() - began, cpuMs: (cpuMicros() - cpu) / 1_000 };
}

const secret = randomBytes(32);
const secrets = {
  ...{ backupKey: secret, masterSeed: secret, selfSigningSeed: secret, userSigningSeed: secret, listingSeed: secret },
};
const password = 'abacus harvest purple monkey window zebra';
const { memoryKib: memory, passes, lanes: parallelism } = passwordCost;
const native = { message: password, nonce: randomBytes(16), memory, passes, parallelism, tagLength: 32 };

/** CPU milliseconds of the page's own thread, in all its tasks so far. */
async function threadMs(devTools: CDPSession): Promise<number> {
  const { metrics } = await devTools.send('Performance.getMetrics');
  return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN) * 1_000;
}

async function inPage(page: Page, call: string): Promise<Derived> {
  return (await page.evaluate(
    (name) => (globalThis as unknown as Record<string, () => Promise<unknown>>)[name]?.(),
    call,
  )) as Derived;
}

const server = await PageServer.start(new URL('./lib/password-page.ts', import.meta.url).pathname);
const browser = await startChromium();
async function inBrowser(where: string, call: string, throttled: number): Promise<void> {
  const page = await browser.newPage();
  await page.goto(server.url);
  const devTools = await page.context().newCDPSession(page);
  await devTools.send('Performance.enable', { timeDomain: 'threadTicks' });
  await devTools.send('Emulation.setCPUThrottlingRate', { rate: throttled });
  const before = await threadMs(devTools);
  const derived = await inPage(page, call);
  const cpuMs = (await threadMs(devTools)) - before;
  note(where, throttled, where === 'worker' ? derived : { ...derived, cpuMs });
  await page.close();
}

for (let n = 0; n < rounds; n++) {
  note('Node', 1, await inNode(() => sealHeader({ user: '@a:bench', version: 1, password, secrets })));
  note('Node, native', 1, await inNode(() => argon2Sync('argon2id', native)));
  for (const throttled of [1, 4, 6, 10]) await inBrowser('page', 'derive', throttled);
  await inBrowser('page, turns by timers', 'deriveByTimers', 6);
  // Whether the throttle reaches workers. The SDK derives in the page's own thread.
  for (const throttled of [1, 6]) await inBrowser('worker', 'deriveInWorker', throttled);
}
await browser.close();
server.close();

const rounded = (all: readonly Taken[], name: keyof Taken, of: (numbers: number[]) => number) => {
  const known = all.flatMap((one) => one[name] ?? []);
  return known.length === 0 ? '–' : Math.round(of(known));
};
const figures = [...taken.values()].map(({ where, throttled, all }) => ({
  where,
  throttled,
  ms: rounded(all, 'ms', median),
  'quickest ms': rounded(all, 'ms', (known) => Math.min(...known)),
  'CPU ms': rounded(all, 'cpuMs', median),
  'longest wait of a timer ms': rounded(all, 'timerMs', (known) => Math.max(...known)),
  'longest wait of a frame ms': rounded(all, 'frameMs', (known) => Math.max(...known)),
}));
console.table(figures);
if (values.write) writeResult('micro-password', { rounds, ...passwordCost }, figures);
