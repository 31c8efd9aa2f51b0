// A provider started as a person would start it, on free ports and a folder of its own, with the limits that protect people opened up; and
// people who log in through its stand-in LuxID. The probe inside tells CPU time and memory.
import { fork } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LoggedIn } from '#client/connection/login.ts';
import { type StandInPerson, standInLogin } from '#client/node/stand-in-walk.ts';
import { freePort } from '../../deploy/dev/ports.ts';
import { Child } from '../micro/lib/child.ts';
import type { BenchLogin } from './identity.ts';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const probe = new URL('./probe.ts', import.meta.url).href;
/** What protects people, opened up. */
export const openLimits = {
  '--logins-per-minute': '1000000',
  '--connections-per-second': '100000',
  '--connections-per-source-second': '100000',
  '--limit-invitations': 'off',
  '--send-burst': '1000000',
  '--send-per-second': '1000000',
  '--drain-seconds': '0',
  '--log-level': 'warn',
};

/** What happened while it was measured: CPU microseconds of the server, and wall clock. */
export interface Spent {
  readonly cpuMicros: number;
  readonly wallMicros: number;
}

/** Bytes. `anonymous`: resident without mapped files; Linux only. */
export interface Memory extends NodeJS.MemoryUsage {
  readonly anonymous: number;
}

export interface BenchServerOptions {
  /** Further flags of the program. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Started on what another one left, which is not removed at its end. Default: a fresh folder. */
  readonly folder?: string;
  /** Another checkout of the project, to measure a change against what was before it. Default: this one. */
  readonly checkout?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
  /** Of Node, such as `--max-semi-space-size=32`. */
  readonly nodeFlags?: readonly string[];
}

export class BenchServer {
  readonly port: number;
  readonly folder: string;
  readonly provider = 'localhost';
  readonly #child: Child;
  readonly #ended: Promise<void>;
  readonly #keeps: boolean;
  readonly #signal: () => void;
  readonly #codes = new Map<string, string>();
  readonly #asked = new Map<string, (code: string) => void>();

  private constructor(child: Child, parts: { port: number; folder: string; keeps: boolean }) {
    this.#child = child;
    this.port = parts.port;
    this.folder = parts.folder;
    this.#keeps = parts.keeps;
    this.#ended = new Promise((resolve) => child.process.once('exit', () => resolve()));
    this.#signal = () => child.process.kill('SIGTERM');
  }

  /** Starts one; resolves when it says that it runs. */
  static async start({
    flags = {},
    folder,
    env = {},
    nodeFlags = [],
    ...options
  }: BenchServerOptions = {}): Promise<BenchServer> {
    const data = folder ?? mkdtempSync(join(tmpdir(), 'luxchat-bench-'));
    if (!existsSync(data)) mkdirSync(data, { recursive: true });
    const port = await freePort();
    const own = {
      '--port': port,
      '--ops-port': 0,
      '--luxid-port': await freePort(['127.0.0.1'], [port]),
      '--data': data,
    };
    // Nobody is greeted unless it is asked for. An older checkout knows no such bot.
    const bots = options.checkout === undefined ? { '--info-bot': 'off' } : {};
    const args = Object.entries({ ...own, '--luxid-open-users': 'on', ...openLimits, ...bots, ...flags }).flatMap(
      ([name, value]) => [name, String(value)],
    );
    const execArgv = ['--expose-gc', '--import', probe, ...nodeFlags];
    const main = join(options.checkout ?? checkout, 'src/server/main.ts');
    const process_ = fork(main, args, {
      execArgv,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const server = new BenchServer(new Child(process_), { port, folder: data, keeps: folder !== undefined });
    await new Promise<void>((resolve, reject) => {
      process_.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
      createInterface({ input: process_.stdout! }).on('line', (line) => {
        const [, user, code] = /SMS code for (\S+) is (\d+)/.exec(line) ?? [];
        if (user !== undefined && code !== undefined) server.#codeCame(user, code);
        if (line.includes('Ctrl-C stops')) resolve();
      });
    });
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** This person, as the stand-in LuxID knows them. */
  person(user: string): StandInPerson {
    return { user, password: 'moien-moien', askCode: () => this.#nextCode(user) };
  }

  /** Logs a person in on a new device. */
  async login(user: string): Promise<BenchLogin> {
    const { userId, deviceId, deviceNumber, accessToken } = await this.device(user);
    return { userId, deviceId, deviceNumber, accessToken };
  }

  /** The same, with all that a device of the SDK is made of. */
  device(user: string): Promise<LoggedIn> {
    return standInLogin({ server: this.url }, { ...this.person(user), deviceName: 'bench' });
  }

  /** CPU time of the server so far, microseconds. */
  cpu(): Promise<number> {
    return this.#child.call('cpu');
  }

  /** Memory after garbage was collected, bytes. */
  memory(): Promise<Memory> {
    return this.#child.call('memory');
  }

  /** What the server spends while `work` runs. */
  async spend(work: () => Promise<void>): Promise<Spent> {
    const before = await this.cpu();
    const began = performance.now();
    await work();
    const wallMicros = (performance.now() - began) * 1000;
    return { cpuMicros: (await this.cpu()) - before, wallMicros };
  }

  /** Writes a CPU profile of what happens during `work`, for Chrome's developer tools or `bench/lib/dear.ts`. */
  async profile(path: string, work: () => Promise<void>): Promise<void> {
    await this.#child.call('profile');
    await work();
    await this.#child.call('profiled', { path });
  }

  /** The same for what is allocated: bytes by function. */
  async allocations(path: string, work: () => Promise<void>): Promise<void> {
    await this.#child.call('allocations');
    await work();
    await this.#child.call('allocated', { path });
  }

  /** Drains it, and removes its folder unless that was given. */
  async stop(): Promise<void> {
    this.#signal();
    await this.#ended;
    if (!this.#keeps) rmSync(this.folder, { recursive: true, force: true });
  }

  #nextCode(user: string): Promise<string> {
    const code = this.#codes.get(user);
    this.#codes.delete(user);
    return code === undefined ? new Promise((resolve) => this.#asked.set(user, resolve)) : Promise.resolve(code);
  }

  #codeCame(user: string, code: string): void {
    const asked = this.#asked.get(user);
    this.#asked.delete(user);
    if (asked) asked(code);
    else this.#codes.set(user, code);
  }
}

/** Runs `work` for 0 … count - 1, at most `atOnce` at a time; results in order. */
export async function inParallel<T>(count: number, atOnce: number, work: (n: number) => Promise<T>): Promise<T[]> {
  const results: T[] = new Array(count);
  let next = 0;
  const lane = async () => {
    for (let n = next++; n < count; n = next++) results[n] = await work(n);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, lane));
  return results;
}
