// A real Redis for development and tests, on a unix socket or a loopback port, that keeps nothing: hints may be lost, and tests lose them on purpose.
// It ends with the process that started it, however that ends.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DevFailure } from '../failure.ts';
import { type Guard, startGuard } from '../guard.ts';
import { freePort } from '../ports.ts';
import { say, secondsSince, tailOf, waitFor } from '../progress.ts';
import { type ServerProcess, startProcess } from '../server-process.ts';
import { findRedis, type RedisProgram } from './program.ts';
import { command } from './resp.ts';

/** How to start it. */
export interface RedisOptions {
  /** For its socket and log. Default: a temporary folder, removed at the end. A socket's path may have about 100 bytes. */
  readonly folder?: string;
  /** How it is reached. Default `socket`. */
  readonly listen?: 'socket' | 'port';
}

/** A running Redis. */
export interface Redis {
  /** Path of the socket, or `redis://127.0.0.1:port`: `new Redis(address)` of ioredis takes both. */
  readonly address: string;
  readonly folder: string;
  /** Of the running process, or of the last one. */
  readonly pid: number;
  /** SIGKILL; everything in it is lost. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing is answered. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** Starts it again at the same address (killing it first if it runs), empty. */
  restart(): Promise<void>;
  /** Forgets everything at once. */
  flush(): Promise<void>;
  /** Ends it. */
  stop(): Promise<void>;
}

/** Starts one; resolves when it answers PING. */
export async function startRedis(options: RedisOptions = {}): Promise<Redis> {
  const begin = performance.now();
  const program = await findRedis();
  const guard = startGuard();
  const folder = folderFor(options.folder, guard);
  const end = () => {
    if (!options.folder) rmSync(folder, { recursive: true, force: true });
    guard.end();
  };
  const port = options.listen === 'port' ? await freePort() : undefined;
  const address = port === undefined ? join(folder, 'redis.sock') : `redis://127.0.0.1:${port}`;
  const begun = () => start(program, { folder, address, port, guard });
  let process = await begun().catch((error) => {
    end();
    throw error;
  });
  say(`Redis: ready in ${secondsSince(begin)} s at ${address}`);
  return {
    address,
    folder,
    get pid() {
      return process.pid;
    },
    kill: () => process.kill(),
    pause: () => process.pause(),
    resume: () => process.resume(),
    async restart() {
      await process.kill();
      process = await begun();
    },
    flush: async () => void (await command(address, 'FLUSHALL')),
    async stop() {
      await process.kill();
      end();
    },
  };
}

async function start(
  program: RedisProgram,
  at: { folder: string; address: string; port: number | undefined; guard: Guard },
): Promise<ServerProcess> {
  const { folder, port } = at;
  const listen = port === undefined ? ['--port', '0', '--unixsocket', at.address] : ['--port', String(port)];
  const kept = ['--save', '', '--appendonly', 'no', '--dir', folder];
  const output = join(folder, 'redis.log');
  const args = [...listen, '--bind', '127.0.0.1', ...kept];
  const process = startProcess({ command: program.command, args, env: program.env, output }, at.guard);
  // Refused until it listens.
  const answers = () => command(at.address, 'PING').then(Boolean, () => false);
  if (await waitFor(answers, { deadlineMs: 20_000, ended: () => !process.alive() })) return process;
  await process.kill();
  throw new DevFailure('START_FAILED', `Redis did not start. It says:\n${tailOf(output)}\n`, {
    next: 'A start with a folder of your own keeps the log.',
  });
}

function folderFor(given: string | undefined, guard: Guard): string {
  if (given) {
    mkdirSync(given, { recursive: true });
    return resolve(given);
  }
  const folder = mkdtempSync(join(tmpdir(), 'luxchat-redis-'));
  guard.removes(folder);
  return folder;
}
