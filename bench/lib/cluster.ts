// Nodes of one provider on a real Cassandra and Redis, started as a person would start them, with the limits that protect people opened up. CPU time
// and memory of every process come from the system (/proc): Linux only.
import { readFileSync } from 'node:fs';
import { Client } from 'cassandra-driver';
import { shardCount } from '#actors/log/shards.ts';
import { legalRetention, schemaNames } from '#server/storage/cassandra/retention.ts';
import { readVersions, schemaText } from '#server/storage/cassandra/schema.ts';
import { type Cassandra, startCassandra } from '../../deploy/dev/cassandra/cassandra.ts';
import { type Provider, type ProviderNode, startNodes } from '../../deploy/dev/provider/provider.ts';
import { type Redis, startRedis } from '../../deploy/dev/redis/redis.ts';
import type { BenchLogin } from './identity.ts';
import { QuickLogins } from './quick-logins.ts';
import { openLimits } from './server.ts';

/** A node that came waits three seconds before it is given its share. */
const stillMs = 4_000;

/** What nodes share. */
export class Services {
  readonly cassandra: Cassandra;
  readonly redis: Redis;

  private constructor(cassandra: Cassandra, redis: Redis) {
    this.cassandra = cassandra;
    this.redis = redis;
  }

  /** One Cassandra with the whole compiler and 1 GB of heap, and a Redis. */
  static async start(): Promise<Services> {
    const [cassandra, redis] = await Promise.all([
      startCassandra({ nodes: 1, heapMb: 1024, jvm: ['-XX:TieredStopAtLevel=4'] }),
      startRedis(),
    ]);
    return new Services(cassandra, redis);
  }

  /** The driver as it comes: to look at what is stored, not to measure. */
  async client(keyspace: string): Promise<Client> {
    const { contactPoints, port } = this.cassandra;
    const options = { contactPoints: [...contactPoints], localDataCenter: 'datacenter1', keyspace };
    const client = new Client({ ...options, protocolOptions: { port } });
    await client.connect();
    return client;
  }

  /** Makes `bare_rows` by the statement that makes `log_rows`. */
  async bareTable(keyspace: string): Promise<void> {
    const versions = readVersions(schemaText(), { keyspace, ...schemaNames(legalRetention) });
    const statement = versions.get(1)?.find((each) => each.includes(`${keyspace}.log_rows `)) as string;
    const client = await this.client(keyspace);
    await client.execute(statement.replace(`${keyspace}.log_rows `, `${keyspace}.bare_rows `));
    await client.shutdown();
  }

  /** Microseconds of CPU time that Cassandra has spent. */
  cassandraCpu(): number {
    return cpuOf(this.cassandra.nodes[0]!.pid);
  }

  async stop(): Promise<void> {
    await this.redis.stop();
    await this.cassandra.stop();
  }
}

export interface BenchClusterOptions {
  readonly nodes: number;
  /** Default `luxchat`. A provider of its own each. */
  readonly keyspace?: string;
  readonly flags?: Readonly<Record<string, string>>;
  readonly checkout?: string | undefined;
  /** Of Node. */
  readonly nodeFlags?: readonly string[];
}

export class BenchCluster {
  readonly provider = 'localhost';
  readonly keyspace: string;
  readonly #services: Services;
  readonly #started: Provider;
  readonly #logins: QuickLogins;

  /** Resolves when every node has its share of the shards. */
  static async start(services: Services, options: BenchClusterOptions): Promise<BenchCluster> {
    const { nodes, keyspace = 'luxchat', flags = {}, checkout, nodeFlags = [] } = options;
    const { cassandra, redis } = services;
    const started = await startNodes({
      nodes,
      cassandra,
      redis: redis.address,
      keyspace,
      flags: Object.entries({ ...openLimits, ...flags }).flat(),
      nodeFlags: [...nodeFlags, '--import', new URL('profile-on-signal.ts', import.meta.url).href],
      ...(checkout === undefined ? {} : { checkout }),
    });
    const logins = await QuickLogins.open(cassandra, keyspace, 'localhost');
    const cluster = new BenchCluster(services, { started, keyspace, logins });
    await cluster.balanced();
    return cluster;
  }

  private constructor(
    services: Services,
    parts: Readonly<{ started: Provider; keyspace: string; logins: QuickLogins }>,
  ) {
    this.#services = services;
    this.#started = parts.started;
    this.keyspace = parts.keyspace;
    this.#logins = parts.logins;
  }

  get nodes(): readonly ProviderNode[] {
    return this.#started.nodes;
  }

  get ports(): number[] {
    return this.nodes.map(({ url }) => Number(new URL(url).port));
  }

  /** A person with a new device. */
  login(user: string): Promise<BenchLogin> {
    return this.#logins.logIn(user);
  }

  /** Microseconds of CPU time that all nodes have spent. */
  cpu(): number {
    return this.nodes.reduce((sum, { pid }) => sum + cpuOf(pid), 0);
  }

  /** Waits until every shard has an owner, every node some of them, and nothing has moved for as long as a new node waits for its share. */
  async balanced(): Promise<void> {
    const begin = performance.now();
    for (let [seen, since] = ['', begin]; ; await new Promise((resolve) => setTimeout(resolve, 200))) {
      const counts = await Promise.all(this.nodes.map((node) => shardsOf(node)));
      const now = performance.now();
      if (String(counts) !== seen) [seen, since] = [String(counts), now];
      const all = counts.every((count) => count > 0) && counts.reduce((a, b) => a + b, 0) === shardCount;
      if (all && (counts.length === 1 || now - since > stillMs)) return;
      if (now - begin > 120_000) throw new Error(`the shards do not spread: ${seen}`);
    }
  }

  /** Names of the nodes by the shards that they own. */
  async owners(): Promise<string[]> {
    const client = await this.#services.client(this.keyspace);
    const { rows } = await client.execute('select shard, node from shard_owner');
    await client.shutdown();
    const owners: string[] = [];
    for (const { shard, node } of rows) owners[shard as number] = node as string;
    return owners;
  }

  /** A CPU profile of the first node during `work`, written to BENCH_PROFILE. */
  async profile(work: () => Promise<unknown>): Promise<void> {
    const { pid } = this.nodes[0] as ProviderNode;
    process.kill(pid, 'SIGUSR2');
    await work();
    process.kill(pid, 'SIGUSR2');
    await new Promise((resolve) => setTimeout(resolve, 3000));
  }

  async stop(): Promise<void> {
    await this.#logins.close();
    await this.#started.stop();
  }
}

async function shardsOf({ opsUrl }: ProviderNode): Promise<number> {
  const text = await (await fetch(`${opsUrl}/metrics`)).text();
  return Number(/^luxchat_shards (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** Microseconds of CPU time of a process, all threads, in steps of 10 ms. */
export function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

/** Resident bytes of a process, as they are: no garbage is collected. */
export function residentOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}
