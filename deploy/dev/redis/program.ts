// The redis-server that is run in development: the one in PATH when it is 7 or newer (sharded publish needs that), else Debian's own packages,
// unpacked into the cache without being installed and without root. apt checks their signatures.
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cached } from '../cache.ts';
import { DevFailure } from '../failure.ts';
import { say, secondsSince } from '../progress.ts';

const run = promisify(execFile);

/** How to run it. */
export interface RedisProgram {
  readonly command: string;
  readonly env: NodeJS.ProcessEnv;
}

const majorMin = 7;
/** Of Debian 12: the server and the libraries that a bare system lacks. */
const packages = [
  'redis-server',
  'redis-tools',
  'liblzf1',
  'libjemalloc2',
  'liblua5.1-0',
  'lua-cjson',
  'lua-bitop',
  'libhiredis0.14',
];

/** Finds or fetches it. Throws REDIS_MISSING with what to install. */
export async function findRedis(): Promise<RedisProgram> {
  const own = { command: 'redis-server', env: process.env };
  if ((await majorOf(own)) >= majorMin) return own;
  const fetched = unpacked(await cached('redis-debian', fetchPackages));
  if ((await majorOf(fetched)) >= majorMin) return fetched;
  throw missing(`the fetched ${fetched.command} does not run or is older`);
}

async function fetchPackages(folder: string): Promise<void> {
  const start = performance.now();
  say('Redis: fetching it with apt, 1.5 MB, once…');
  const debs = join(folder, 'debs');
  mkdirSync(debs);
  try {
    await download(debs);
    for (const deb of readdirSync(debs).filter((name) => name.endsWith('.deb')))
      await run('dpkg', ['-x', join(debs, deb), folder], { timeout: 60_000 });
  } catch (cause) {
    const { code, stderr, message } = cause as { code?: unknown; stderr?: string; message: string };
    throw missing(
      code === 'ENOENT' ? 'there is no apt here to fetch one with' : `apt says: ${stderr || message}`,
      cause,
    );
  }
  rmSync(debs, { recursive: true });
  say(`Redis: fetched in ${secondsSince(start)} s`);
}

async function download(debs: string): Promise<void> {
  const apt = (...args: string[]) => run('apt-get', args, { cwd: debs, timeout: 180_000 });
  try {
    await apt('download', ...packages);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') throw error;
    // The system has no package lists, or old ones: fetch lists of our own, which needs no root.
    for (const name of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(debs, name), { recursive: true });
    const ours = ['-o', `Dir::State::lists=${debs}/lists`, '-o', `Dir::Cache=${debs}/cache`];
    await apt(...ours, 'update');
    await apt(...ours, 'download', ...packages);
  }
}

function unpacked(folder: string): RedisProgram {
  const libraries = readdirSync(join(folder, 'usr/lib')).map((name) => join(folder, 'usr/lib', name));
  const { LD_LIBRARY_PATH } = process.env;
  const path = [...libraries, ...(LD_LIBRARY_PATH ? [LD_LIBRARY_PATH] : [])].join(':');
  return { command: join(folder, 'usr/bin/redis-server'), env: { ...process.env, LD_LIBRARY_PATH: path } };
}

/** 0 when it does not run. */
async function majorOf(program: RedisProgram): Promise<number> {
  try {
    const { stdout } = await run(program.command, ['--version'], { env: program.env, timeout: 10_000 });
    return Number(/v=(\d+)/.exec(stdout)?.[1] ?? 0);
  } catch {
    // Not installed.
    return 0;
  }
}

function missing(why: string, cause?: unknown): DevFailure {
  return new DevFailure('REDIS_MISSING', `There is no redis-server ${majorMin} or newer in PATH, and ${why}.`, {
    next: 'Install one (Debian: apt install redis-server; macOS: brew install redis) and start again.',
    cause,
  });
}
