// Faults in an order that a seed draws, sometimes two at once, under load. The test command runs one seed, about a minute and a half;
// CHAOS_SEED=<seed> CHAOS_FAULTS=<count> plays another one, and `npm run soak:cluster` random ones (processes have a timing of their own, all the same).
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../../deploy/dev/ports.ts';
import { type Redis, startRedis } from '../../../../deploy/dev/redis/redis.ts';
import { sharedCassandra, type TestCassandra } from '../../../../deploy/dev/testing/testing.ts';
import { generator } from '../harness.ts';
import { Cable } from './cable.ts';
import { ClusterStage } from './cluster-stage.ts';
import { Trial } from './trial.ts';

const seed = Number(process.env.CHAOS_SEED ?? 4711);
const count = Number(process.env.CHAOS_FAULTS ?? 8);
const pass = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('a provider in chaos', () => {
  let cassandra: TestCassandra;
  let redis: Redis;
  let toNode: Cable;
  let toCassandra: Cable;
  let stage: ClusterStage;
  beforeAll(async () => {
    cassandra = await sharedCassandra();
    redis = await startRedis();
    const nodePort = await freePort();
    toNode = await Cable.to(nodePort);
    toCassandra = await Cable.to(cassandra.port);
    const settingsOf = (node: number): Record<string, string> => {
      if (node === 1) return { 'node-port': String(nodePort), 'node-address': `127.0.0.1:${toNode.port}` };
      return node === 2 ? { cassandra: `127.0.0.1:${toCassandra.port}` } : {};
    };
    const { keyspace } = cassandra;
    stage = await ClusterStage.start({ nodes: 3, cassandra, keyspace, redis: redis.address, settingsOf });
    await stage.spread();
  }, 180_000);
  afterAll(async () => {
    await stage?.stop();
    await toNode?.close();
    await toCassandra?.close();
    await redis?.stop();
  });

  it(`keeps every promise (seed ${seed}, ${count} faults)`, { timeout: 120_000 + count * 60_000 }, async () => {
    const random = generator(seed);
    const draw = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
    const ms = (most: number) => Math.floor(random() * most);
    const faults: Readonly<Record<string, () => () => Promise<void>>> = {
      'a node is killed': () => {
        const [node, wait] = [draw(stage.provider.nodes), ms(3_000)];
        return async () => {
          await node.kill();
          await pass(wait);
        };
      },
      'a node is paused': () => {
        const [node, wait] = [draw(stage.provider.nodes), ms(8_000)];
        return async () => {
          node.pause();
          await pass(wait);
          node.resume();
        };
      },
      'a node is stopped': () => {
        const node = draw(stage.provider.nodes);
        return () => node.stop();
      },
      'Redis is flushed': () => () => redis.flush(),
      'Redis is killed': () => {
        const wait = ms(4_000);
        return async () => {
          await redis.kill();
          await pass(wait);
          await redis.restart();
        };
      },
      'nodes are cut off from each other': () => {
        const wait = ms(6_000);
        return async () => {
          toNode.cut();
          await pass(wait);
          toNode.heal();
        };
      },
      'what nodes say is stuck': () => {
        const wait = ms(4_000);
        return async () => {
          toNode.hold();
          await pass(wait);
          toNode.heal();
        };
      },
      'answers of Cassandra are late': () => {
        const wait = ms(8_000);
        return async () => {
          toCassandra.hold();
          await pass(wait);
          toCassandra.heal();
        };
      },
      'a node loses Cassandra': () => {
        const wait = ms(8_000);
        return async () => {
          toCassandra.cut();
          await pass(wait);
          toCassandra.heal();
        };
      },
    };
    const trial = await Trial.begin(stage);
    for (let n = 0; n < count; n++) {
      const names = Object.keys(faults);
      const first = draw(names);
      const second = random() < 0.3 ? draw(names.filter((name) => subjectOf(name) !== subjectOf(first))) : null;
      const drawn = [first, ...(second === null ? [] : [second])];
      const done = drawn.map((name) => faults[name]?.());
      await trial.fault(drawn.join(', and '), async () => {
        await Promise.all(done.map((fault) => fault?.()));
        await stage.restartDead();
      });
    }
    const { violations } = await trial.end({ ...cassandra });
    expect(violations).toEqual([]);
  });
});

/** What a fault is done to: two at once are done to different things, since one would undo the other, or leave nobody. */
function subjectOf(fault: string): string {
  if (fault.includes('Cassandra')) return 'Cassandra';
  if (fault.startsWith('Redis')) return 'Redis';
  return fault.startsWith('a node is') ? 'a node' : 'the network';
}
