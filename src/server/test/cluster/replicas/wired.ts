// Three nodes of a provider on three replicas of Cassandra and a Redis, all of the test's own, with wires that it can cut: between the first node and the
// others, between the second node and Cassandra, and between the second node and Redis.
import { type Cassandra, startCassandra } from '../../../../../deploy/dev/cassandra/cassandra.ts';
import { freePort } from '../../../../../deploy/dev/ports.ts';
import { type Redis, startRedis } from '../../../../../deploy/dev/redis/redis.ts';
import { Cable } from '../cable.ts';
import { ClusterStage } from '../cluster-stage.ts';
import type { StoredPlace } from '../stored-logs.ts';

/** Several wires as one. */
export class Cables {
  readonly #all: readonly Cable[];

  constructor(all: readonly Cable[]) {
    this.#all = all;
  }

  hold(): void {
    for (const cable of this.#all) cable.hold();
  }

  cut(): void {
    for (const cable of this.#all) cable.cut();
  }

  heal(): void {
    for (const cable of this.#all) cable.heal();
  }
}

export interface Wired {
  readonly cassandra: Cassandra;
  readonly redis: Redis;
  readonly stage: ClusterStage;
  /** Where the first node is dialled: by all others, while it is the eldest. */
  readonly toNode: Cable;
  /** The younger of two processes dials. A first node that came back after others has links to them that `toNode` is no part of: this starts those anew. */
  makeFirstEldest(): Promise<void>;
  /** From the second node, to every replica. */
  readonly toCassandra: Cables;
  /** From the second node. */
  readonly toRedis: Cable;
  /** Where its rows are. */
  readonly stored: StoredPlace;
  stop(): Promise<void>;
}

/** Resolves when every node has its share. */
export async function startWired(): Promise<Wired> {
  const ends: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  const wire = async (...to: Parameters<typeof Cable.to>) => {
    const cable = await Cable.to(...to);
    ends.push(() => cable.close());
    return cable;
  };
  try {
    const cassandra = await startCassandra({ nodes: 3 });
    ends.push(() => cassandra.stop());
    const redis = await startRedis({ listen: 'port' });
    ends.push(() => redis.stop());
    const nodePort = await freePort();
    const toNode = await wire(nodePort, await freePort(['127.0.0.1'], [nodePort]));
    const toRedis = await wire(Number(new URL(redis.address).port));
    // Whoever asks one replica where the others are looks for them at the same port.
    const { contactPoints, port } = cassandra;
    const wiredPort = await freePort(contactPoints, [nodePort, toNode.port]);
    const replicas: Cable[] = [];
    for (const host of contactPoints) replicas.push(await wire(port, wiredPort, host));
    const ofNode: Readonly<Record<number, Record<string, string>>> = {
      1: { 'node-port': String(nodePort), 'node-address': `127.0.0.1:${toNode.port}` },
      2: {
        cassandra: contactPoints.map((host) => `${host}:${wiredPort}`).join(','),
        redis: `redis://127.0.0.1:${toRedis.port}`,
      },
    };
    const settingsOf = (node: number) => ofNode[node] ?? {};
    const stage = await ClusterStage.start({ nodes: 3, cassandra, redis: redis.address, settingsOf });
    ends.push(() => stage.stop());
    await stage.spread();
    const makeFirstEldest = async () => {
      await stage.restartDead();
      const [first, ...others] = stage.provider.nodes;
      for (const node of others) {
        if (first === undefined || node.startedMs > first.startedMs) continue;
        await node.stop();
        await node.start();
      }
      await stage.spread();
    };
    const stored = { contactPoints, port, keyspace: 'luxchat' };
    const toCassandra = new Cables(replicas);
    return { cassandra, redis, stage, toNode, makeFirstEldest, toCassandra, toRedis, stored, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
