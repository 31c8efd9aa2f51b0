// A provider of several nodes on one machine: server processes with ports and data folders of their own, on a Cassandra and a Redis that are there
// already, with one stand-in LuxID. Each can be killed, paused, stopped and started again. They end with the process that started them.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DevFailure } from '../failure.ts';
import { type Guard, startGuard } from '../guard.ts';
import { freePort } from '../ports.ts';
import { say, secondsSince, tailOf, waitFor } from '../progress.ts';
import { type ProcessEnd, type ServerProcess, startProcess } from '../server-process.ts';

const host = '127.0.0.1';
const startMs = 120_000;
/** Of a node whose Cassandra does not answer in time; and what it says then. */
const startTries = 3;
const unanswered = /Cassandra did not carry out a request|too few servers of Cassandra answer/;
const stopMs = 30_000;
const here = fileURLToPath(new URL('../../../', import.meta.url));

/** How to start it. */
export interface ProviderOptions {
  readonly nodes: number;
  readonly cassandra: { readonly contactPoints: readonly string[]; readonly port: number };
  /** Of Redis; absent = without. */
  readonly redis?: string;
  readonly keyspace?: string;
  /** Copies of each row; default as many as contact points, 3 at most. */
  readonly replication?: number;
  /** Default: a temporary folder, removed at the end. */
  readonly folder?: string;
  /** Further settings of every node, such as `['--log-level', 'debug']`. */
  readonly flags?: readonly string[];
  /** Settings of one node in place of what it would have, by its number from 1: `{ redis: '…' }`. */
  readonly settingsOf?: (node: number) => Readonly<Record<string, string>>;
  /** Flags of Node itself, for every node. */
  readonly nodeFlags?: readonly string[];
  /** Another checkout of the project, to run its server. Default: this one. */
  readonly checkout?: string;
  /** Address of a balancer in front of all nodes, where every login returns to. Default: each node's own. */
  readonly publicUrl?: string;
  /** Hears that a node's process is gone, whoever ended it. */
  readonly ended?: (name: string, end: ProcessEnd) => void;
}

/** One node. */
export interface ProviderNode {
  readonly name: string;
  readonly url: string;
  readonly folder: string;
  /** Of the running process, or of the last one. */
  readonly pid: number;
  /** Address of health, readiness and metrics. */
  readonly opsUrl: string;
  /** When that process began, by `performance.now`; 0 = none ever did. */
  readonly startedMs: number;
  alive(): boolean;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGSTOP. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** SIGTERM: hands its rooms over, then ends. */
  stop(): Promise<void>;
  /** Starts it again at the same addresses; resolves when it runs. */
  start(): Promise<void>;
  /** What it wrote to its console. */
  output(): string;
}

export interface Provider {
  readonly nodes: readonly ProviderNode[];
  readonly folder: string;
  /** What the stand-in LuxID wrote: the codes. */
  codes(): string;
  /** Ends all. */
  stop(): Promise<void>;
}

/** Starts all nodes, the first one alone, since it makes keyspace and secrets; resolves when all run. */
export async function startNodes(options: ProviderOptions): Promise<Provider> {
  const begin = performance.now();
  const guard = startGuard();
  const folder = options.folder === undefined ? temporary(guard) : resolve(options.folder);
  mkdirSync(folder, { recursive: true });
  const ports: number[] = [];
  for (let n = 0; n < 2 * options.nodes + 1; n++) ports.push(await freePort([host], ports));
  const [luxidPort, ...nodePorts] = ports as [number, ...number[]];
  const urls = Array.from({ length: options.nodes }, (_, n) => `http://${host}:${nodePorts[2 * n]}`);
  const doors = options.publicUrl === undefined ? urls : [options.publicUrl, ...urls];
  const luxid = await startLuxId({ folder, guard, port: luxidPort, urls: doors });
  const nodes = urls.map((url, n) => {
    const opsPort = nodePorts[2 * n + 1] as number;
    return makeNode({ options, guard, folder, url, opsPort, number: n + 1, luxid: `http://${host}:${luxidPort}` });
  });
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.kill()));
    await luxid.process.kill();
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    guard.end();
  };
  try {
    const [first, ...others] = nodes as [ProviderNode, ...ProviderNode[]];
    await startPatiently(first);
    await Promise.all(others.map(startPatiently));
  } catch (error) {
    await stop();
    throw error;
  }
  say(`Luxchat: ${options.nodes} nodes run after ${secondsSince(begin)} s`);
  return { nodes, folder, codes: () => readFileSync(luxid.output, 'utf8'), stop };
}

/** A Cassandra that makes all tables may leave a request unanswered, and the node says so and ends: whoever watches over nodes starts it again. */
async function startPatiently(node: ProviderNode): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await node.start();
    } catch (error) {
      if (tries === startTries || !unanswered.test(node.output())) throw error;
    }
  }
}

interface NodeParts {
  readonly options: ProviderOptions;
  readonly guard: Guard;
  readonly folder: string;
  readonly url: string;
  readonly opsPort: number;
  readonly number: number;
  readonly luxid: string;
}

function makeNode({ options, guard, folder, url, opsPort, number, luxid }: NodeParts): ProviderNode {
  const name = `n${number}`;
  const data = join(folder, name);
  const output = join(folder, `${name}.out`);
  const { contactPoints, port } = options.cassandra;
  const settings = {
    node: name,
    'node-port': '0',
    port: new URL(url).port,
    'ops-port': String(opsPort),
    data,
    secrets: join(folder, 'secrets'),
    store: 'cassandra',
    cassandra: contactPoints.map((point) => `${point}:${port}`).join(','),
    'cassandra-replication': String(options.replication ?? Math.min(3, contactPoints.length)),
    'cassandra-keyspace': options.keyspace ?? 'luxchat',
    'luxid-issuer': luxid,
    ...(options.redis === undefined ? {} : { redis: options.redis }),
    ...(options.publicUrl === undefined ? {} : { 'public-url': options.publicUrl }),
    ...options.settingsOf?.(number),
  };
  const args = Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]);
  const more = options.flags ?? [];
  const main = join(options.checkout ?? here, 'src/server/main.ts');
  let process: ServerProcess | null = null;
  let startedMs = 0;
  const running = () => {
    if (process === null)
      throw new DevFailure('NOT_RUNNING', `${name} was never started.`, { next: 'Call start() first.' });
    return process;
  };
  return {
    name,
    url,
    folder: data,
    opsUrl: `http://${host}:${opsPort}`,
    get pid() {
      return running().pid;
    },
    get startedMs() {
      return startedMs;
    },
    alive: () => process?.alive() ?? false,
    kill: async () => process?.kill(),
    pause: () => running().pause(),
    resume: () => running().resume(),
    stop: async () => process?.stop(stopMs),
    output: () => readFileSync(output, 'utf8'),
    async start() {
      await process?.kill();
      const before = process === null ? 0 : readFileSync(output, 'utf8').length;
      startedMs = performance.now();
      const begun = startProcess(
        {
          command: globalThis.process.execPath,
          args: [...(options.nodeFlags ?? []), main, ...args, ...more],
          output,
          ended: (end) => options.ended?.(name, end),
        },
        guard,
      );
      process = begun;
      await untilSaid({ name, output, from: before, text: 'Ctrl-C stops', process: begun });
    },
  };
}

async function startLuxId(parts: {
  readonly folder: string;
  readonly guard: Guard;
  readonly port: number;
  readonly urls: readonly string[];
}): Promise<{ readonly process: ServerProcess; readonly output: string }> {
  const output = join(parts.folder, 'luxid.out');
  const redirects = parts.urls.flatMap((url) => ['--redirect', `${url}/auth/callback`]);
  const args = ['--port', String(parts.port), '--folder', join(parts.folder, 'luxid'), ...redirects, '--open-users'];
  const process = startProcess(
    { command: globalThis.process.execPath, args: [join(here, 'src/luxid/main.ts'), ...args], output },
    parts.guard,
  );
  await untilSaid({ name: 'LuxID', output, from: 0, text: 'LuxID stand-in', process });
  return { process, output };
}

async function untilSaid(parts: {
  readonly name: string;
  readonly output: string;
  readonly from: number;
  readonly text: string;
  readonly process: ServerProcess;
}): Promise<void> {
  const { name, output, from, text, process } = parts;
  const said = async () => readFileSync(output, 'utf8').slice(from).includes(text);
  if (await waitFor(said, { deadlineMs: startMs, ended: () => !process.alive() })) return;
  throw new DevFailure('START_FAILED', `${name} did not start. It says:\n${tailOf(output)}\n`, {
    next: 'A start with a folder of your own keeps the logs.',
  });
}

function temporary(guard: Guard): string {
  const folder = mkdtempSync(join(tmpdir(), 'luxchat-nodes-'));
  guard.removes(folder);
  return folder;
}
