// For tests with real processes: a provider started as a person would start it, on free ports and a folder of its own, that can be killed and
// started again; and devices that log in through the stand-in LuxID. No provider outlives the test, however that ends. What of all that is not real, README.md says.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { StepUpGrant, StepUpPurpose } from '#client/connection/login.ts';
import type { DeviceOptions } from '#client/devices/account.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { createDevice, openDevice } from '#client/node/device-folder.ts';
import { standInLogin, standInStepUp } from '#client/node/stand-in-walk.ts';
import { Disconnect } from '#proto/gen/codes.ts';
import { type Guard, startGuard } from '../../../deploy/dev/guard.ts';
import { freePort } from '../../../deploy/dev/ports.ts';

const password = 'moien-moien';
const startMs = 30_000;

/** A provider process. */
export class ProviderProcess {
  readonly folder: string;
  readonly port: number;
  readonly #luxidPort: number;
  readonly #flags: readonly string[];
  readonly #codes = new Map<string, string>();
  readonly #waiting = new Map<string, (code: string) => void>();
  /** Everything that the process wrote to its console. */
  output = '';
  readonly #guard: Guard;
  #child: ChildProcess | undefined;

  private constructor(folder: string, ports: readonly [number, number], flags: readonly string[]) {
    this.folder = folder;
    this.port = ports[0];
    this.#luxidPort = ports[1];
    this.#flags = flags;
    this.#guard = startGuard();
    this.#guard.removes(folder);
  }

  /** Starts a provider on a fresh folder. */
  static async start(flags: readonly string[] = []): Promise<ProviderProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'luxchat-provider-'));
    const port = await freePort();
    const provider = new ProviderProcess(folder, [port, await freePort(['127.0.0.1'], [port])], flags);
    try {
      await provider.restart();
    } catch (error) {
      await provider.remove();
      throw error;
    }
    return provider;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts it (again) on its folder and ports; resolves when it says that it runs. Milliseconds that it took. What does not start is ended. */
  async restart(): Promise<number> {
    const began = performance.now();
    const main = new URL('../main.ts', import.meta.url).pathname;
    const settings = [
      '--port',
      String(this.port),
      '--ops-port',
      '0',
      '--luxid-port',
      String(this.#luxidPort),
      '--data',
      this.folder,
    ];
    const loose = [
      '--luxid-open-users',
      'on',
      '--logins-per-minute',
      '100000',
      '--http-requests-per-source',
      '1000',
      '--connections-per-source-second',
      '10000',
      '--limit-invitations',
      'off',
      '--send-burst',
      '100000',
      '--send-per-second',
      '10000',
    ];
    const bots = this.#flags.includes('--info-bot') ? [] : ['--info-bot', 'off'];
    const child = spawn(process.execPath, [main, ...settings, ...loose, ...bots, ...this.#flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, which the guard knows by its number.
      detached: true,
    });
    this.#child = child;
    if (child.pid !== undefined) this.#guard.kills(child.pid);
    child.once('exit', () => this.#guard.forgets(child.pid ?? 0));
    const running = new Promise<void>((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`the provider did not start within ${startMs} ms:\n${this.output}`)),
        startMs,
      );
      const hear = (line: string) => {
        this.output += `${line}\n`;
        const [, user, code] = /SMS code for (\S+) is (\d+)/.exec(line) ?? [];
        if (user && code) this.#codeCame(user, code);
        if (line.includes('Ctrl-C stops')) {
          clearTimeout(late);
          resolve();
        }
      };
      createInterface({ input: child.stdout }).on('line', hear);
      createInterface({ input: child.stderr }).on('line', hear);
      child.once('exit', (status) => {
        clearTimeout(late);
        reject(new Error(`the provider ended with ${status}:\n${this.output}`));
      });
    });
    await running.catch(async (error: unknown) => {
      await this.kill();
      throw error;
    });
    return performance.now() - began;
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGSTOP: it stands still, with its connections open, until it is resumed or killed. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  /** SIGCONT: it goes on as if nothing had been. */
  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** SIGTERM: drains; resolves with its exit code. */
  stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  /** Ends it and removes its folder. */
  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
    this.#guard.end();
  }

  /** Logs a person in on a new device; the folder can be opened with `openDevice`. */
  async login(user: string, deviceName = 'test'): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), 'luxchat-device-'));
    const login = await standInLogin(
      { server: this.url },
      { user, password, deviceName, askCode: () => this.code(user) },
    );
    await createDevice(folder, this.url, login);
    return folder;
  }

  /** Logs in, opens, starts and waits until all is in step with the server. */
  async device(user: string, deviceName?: string, options: DeviceOptions = {}): Promise<LuxchatClient> {
    const client = await openDevice(await this.login(user, deviceName), { backoffMaxMs: 500, ...options });
    await client.start();
    await client.synced();
    return client;
  }

  /** A step-up of this device, as the person who is logged in on it. */
  stepUp(client: LuxchatClient, user: string, purpose: StepUpPurpose = 'backup'): Promise<StepUpGrant> {
    return standInStepUp(client, { user, password, purpose, askCode: () => this.code(user) });
  }

  /** The next code that the stand-in "sends" to this person. */
  code(user: string): Promise<string> {
    const code = this.#codes.get(user);
    this.#codes.delete(user);
    return code === undefined ? new Promise((resolve) => this.#waiting.set(user, resolve)) : Promise.resolve(code);
  }

  #codeCame(user: string, code: string): void {
    const waiting = this.#waiting.get(user);
    this.#waiting.delete(user);
    if (waiting) waiting(code);
    else this.#codes.set(user, code);
  }

  #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child?.exitCode ?? null);
    return new Promise((resolve) => {
      child.once('exit', (status) => resolve(status));
      child.kill(signal);
    });
  }
}

/** Resolves when `test` holds. Looks after each event of `clients`, and at least every 50 ms; rejects with `what` after `ms`. */
export async function eventually(
  what: string,
  test: () => boolean | Promise<boolean>,
  ms = 20_000,
  clients: readonly LuxchatClient[] = [],
): Promise<void> {
  const until = performance.now() + ms;
  while (!(await test())) {
    if (performance.now() > until) throw new Error(`not within ${ms} ms: ${what}`);
    await nextEvent(clients, 50);
  }
}

function nextEvent(clients: readonly LuxchatClient[], ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const stop of stops) stop();
      clearTimeout(timer);
      resolve();
    };
    const stops = clients.flatMap((client) => told.map((name) => client.on(name, done)));
    const timer = setTimeout(done, ms);
  });
}

const told = ['room', 'item', 'invitation', 'devices', 'receipt', 'alarm'] as const;

/** Confirms a new device from one that is confirmed, as two people with one screen each would: both show the same seven emoji. */
export async function confirm(fresh: LuxchatClient, confirmed: LuxchatClient): Promise<void> {
  await compareEmoji(fresh, confirmed);
  await eventually('the new device is listed', () => fresh.ownDevices.confirmed, 20_000, [fresh]);
}

/** One device logs another one of its person out. Milliseconds until that one's live connection is cut: one second is promised, which `bench/micro/log-out.ts` measures.
 * Rejects after five, since tests run beside much else: that nothing but work lies between order and cut is shown in `actors/user/user.test.ts`. */
export async function logOut(by: LuxchatClient, cut: LuxchatClient): Promise<number> {
  const began = performance.now();
  const ended = cut
    .once('ended', () => true, AbortSignal.timeout(5_000))
    .then((error) => {
      if (error.disconnect !== Disconnect.DISCONNECT_LOGGED_OUT) throw error;
      return performance.now() - began;
    });
  const [ms] = await Promise.all([ended, by.removeDevice(cut.device)]);
  return Math.round(ms);
}

/** The part of `confirm` that people do. */
export async function compareEmoji(fresh: LuxchatClient, confirmed: LuxchatClient): Promise<void> {
  const deadline = AbortSignal.timeout(20_000);
  const asked = confirmed.once('verification', (info) => info.incoming && info.state === 'requested', deadline);
  const shown = [fresh, confirmed].map((client) =>
    client.once('verification', (info) => info.state === 'emoji' && info.emoji.length > 0, deadline),
  );
  const flow = await fresh.requestVerification(confirmed.deviceId);
  await asked;
  await confirmed.acceptVerification(flow);
  const [mine, theirs] = await Promise.all(shown);
  const words = (emoji: readonly { readonly name: string }[] = []) => emoji.map(({ name }) => name).join(' ');
  if (words(mine?.emoji) !== words(theirs?.emoji)) throw new Error('the two devices show different emoji');
  await Promise.all([fresh.confirmVerification(flow), confirmed.confirmVerification(flow)]);
}

/** Of all that is left to chance in a test: the same in every run. TALK_SEED=<seed> plays another one; soaks draw theirs. */
export const seed = Number(process.env.TALK_SEED ?? 551);

/** Uniform numbers in [0, 1) out of a seed (mulberry32). */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
