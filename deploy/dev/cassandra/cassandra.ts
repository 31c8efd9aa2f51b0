// A real Cassandra for development and tests: one node or three on loopback, on free ports, so that several clusters run side by side.
// `startCassandra` resolves when every node answers and, of three, when each of them reaches all. It ends with the process that started it,
// however that ends. It is nothing to keep data in.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DevFailure } from '../failure.ts';
import { type Guard, startGuard } from '../guard.ts';
import { freePort, portsFree } from '../ports.ts';
import { say, secondsSince, waitFor } from '../progress.ts';
import { type NodePlace, type Tuning, writeConfig } from './config.ts';
import { answers, consistency } from './cql.ts';
import { cassandraJars } from './jars.ts';
import { findJava } from './java.ts';
import { type CassandraNode, startNode } from './node.ts';

/** What to start. */
export interface CassandraOptions extends Partial<Tuning> {
  readonly nodes: 1 | 3;
  /** Kept afterwards, with its ports, so that a later start finds the data. Default: a temporary folder, removed at the end. */
  readonly folder?: string;
}

/** A running cluster. */
export interface Cassandra {
  readonly contactPoints: readonly string[];
  readonly port: number;
  readonly nodes: readonly CassandraNode[];
  /** Resolves when a read at ALL goes through every node: after a restart, before conditional writes. Throws START_FAILED after 60 s. */
  allReachAll(): Promise<void>;
  /** Ends every node; drains them first when the folder is kept. */
  stop(): Promise<void>;
}

const tokens = { 1: ['0'], 3: ['-9223372036854775808', '-3074457345618258603', '3074457345618258602'] };

/** Starts one node or three. Throws a DevFailure that says what is missing or what went wrong. */
export async function startCassandra(options: CassandraOptions): Promise<Cassandra> {
  const java = await findJava();
  const jars = await cassandraJars();
  for (let tries = 1; ; tries++) {
    try {
      return await startOnce(options, { java, jars });
    } catch (error) {
      if (!(error instanceof DevFailure && error.code === 'PORTS_TAKEN') || tries === 3 || options.folder) throw error;
      say(`Cassandra: ${error.message}`);
    }
  }
}

async function startOnce(
  options: CassandraOptions,
  program: { java: string; jars: readonly string[] },
): Promise<Cassandra> {
  const begin = performance.now();
  const count = options.nodes === 1 ? '1 node' : '3 nodes';
  const tuning = { heapMb: options.nodes === 1 ? 512 : 256, tune: {}, jvm: [], ...options };
  const guard = startGuard();
  const folder = folderFor(options.folder, guard);
  const nodes: CassandraNode[] = [];
  const end = async () => {
    await Promise.all(nodes.map((node) => (options.folder ? node.stop() : node.kill())));
    if (!options.folder) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    guard.end();
  };
  try {
    const places = await placesIn(folder, options.nodes);
    for (const place of places) writeConfig(place, tuning.tune);
    say(`Cassandra: starting ${count}, ${tuning.heapMb} MB heap each, in ${folder}`);
    const start = async (place: NodePlace) => void nodes.push(await startNode(place, { ...program, tuning, guard }));
    const [first, ...others] = places;
    await start(first as NodePlace);
    if (others.length > 0) say(`Cassandra: the first answers after ${secondsSince(begin)} s, starting the others`);
    await settleAll(others.map(start));
    nodes.sort((a, b) => (a.address < b.address ? -1 : 1));
    await allReachAll(nodes);
    const port = (first as NodePlace).nativePort;
    say(
      `Cassandra: ${count} ready in ${secondsSince(begin)} s at ${places.map((p) => p.address).join(', ')} port ${port}`,
    );
    return {
      contactPoints: places.map((place) => place.address),
      port,
      nodes,
      allReachAll: () => allReachAll(nodes),
      stop: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** All have ended when this does, so that the nodes that did start can be stopped. */
async function settleAll(starts: Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(starts)) if (result.status === 'rejected') throw result.reason;
}

async function allReachAll(nodes: readonly CassandraNode[]): Promise<void> {
  // A keyspace with three replicas that every cluster has. A node that thinks another one dead refuses this read, and conditional writes too.
  const read = "SELECT * FROM system_distributed.view_build_status WHERE keyspace_name = '' AND view_name = ''";
  const level = { consistency: nodes.length === 1 ? consistency.ONE : consistency.ALL };
  for (const node of nodes) {
    if (await waitFor(() => answers(node, read, level), { deadlineMs: 60_000 })) continue;
    throw new DevFailure('START_FAILED', `The Cassandra at ${node.address} does not reach every node after 60 s.`, {
      next: `Do all run? See ${node.folder}/log/system.log.`,
    });
  }
}

function folderFor(given: string | undefined, guard: Guard): string {
  if (given) {
    mkdirSync(given, { recursive: true });
    return resolve(given);
  }
  const folder = mkdtempSync(join(tmpdir(), 'luxchat-cassandra-'));
  guard.removes(folder);
  return folder;
}

/** A kept folder keeps its ports too: nodes remember each other by them. */
async function placesIn(folder: string, count: 1 | 3): Promise<NodePlace[]> {
  const file = join(folder, `ports-${count}.json`);
  const addresses = ['127.0.0.1', '127.0.0.2', '127.0.0.3'].slice(0, count);
  const ports = readPorts(file) ?? (await choosePorts(addresses));
  const [nativePort, storagePort, ...jmxPorts] = ports as [number, number, ...number[]];
  if (!((await portsFree(addresses, [nativePort, storagePort])) && (await portsFree(['127.0.0.1'], jmxPorts))))
    throw new DevFailure('PORTS_TAKEN', `The ports of ${file} are taken.`, { next: 'Does this cluster run already?' });
  writeFileSync(file, JSON.stringify(ports));
  return addresses.map((address, i) => ({
    address,
    folder: join(folder, `node-${i + 1}`),
    nativePort,
    storagePort,
    jmxPort: jmxPorts[i] as number,
    token: tokens[count][i] as string,
    clustered: count > 1,
  }));
}

async function choosePorts(addresses: readonly string[]): Promise<number[]> {
  const ports: number[] = [];
  for (let i = 0; i < 2; i++) ports.push(await freePort(addresses, ports));
  for (let i = 0; i < addresses.length; i++) ports.push(await freePort(['127.0.0.1'], ports));
  return ports;
}

function readPorts(file: string): number[] | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined; // The first start.
  }
}
