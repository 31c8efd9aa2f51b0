// A firewall that rejects instead of dropping, or a port that was opened on the wrong address: connections to a node are refused while it runs and shows
// itself in Redis. Nobody may take over from it. Half a minute.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../../deploy/dev/ports.ts';
import { sharedCassandra, sharedRedis, type TestCassandra } from '../../../../deploy/dev/testing/testing.ts';
import { eventually } from '../harness.ts';
import { Cable } from './cable.ts';
import { ClusterStage } from './cluster-stage.ts';
import { Trial } from './trial.ts';

/** Twice as long as a sign of life stays in Redis. */
const refusedMs = 5_000;

describe('a node whose port refuses the others', () => {
  let cable: Cable;
  let cassandra: TestCassandra;
  let stage: ClusterStage;
  beforeAll(async () => {
    cassandra = await sharedCassandra();
    const redis = await sharedRedis();
    const nodePort = await freePort();
    // The first node is dialled by the others.
    cable = await Cable.to(nodePort, await freePort(['127.0.0.1'], [nodePort]));
    const settingsOf = (node: number): Record<string, string> =>
      node === 1 ? { 'node-port': String(nodePort), 'node-address': `127.0.0.1:${cable.port}` } : {};
    const keyspace = cassandra.keyspace;
    stage = await ClusterStage.start({ nodes: 3, cassandra, keyspace, redis: redis.address, settingsOf });
    await stage.spread();
  }, 180_000);
  afterAll(async () => {
    await stage?.stop();
    await cable?.close();
  });

  const links = async () =>
    await Promise.all(stage.provider.nodes.map(async (node) => (await stage.metrics(node)).get('node_links')));

  it('is not taken over from while it shows itself in Redis, and is linked again when it no longer refuses', {
    timeout: 120_000,
  }, async () => {
    const trial = await Trial.begin(stage);
    await trial.fault('a node refuses the others', async () => {
      await cable.refuse();
      await eventually('it has no link', async () => (await links()).join() === '0,1,1');
      await new Promise((resolve) => setTimeout(resolve, refusedMs));
      // Whoever is fenced ends.
      expect(stage.provider.nodes.map((node) => node.alive())).toEqual([true, true, true]);
      await stage.spread();
      await cable.admit();
    });
    await eventually('all are linked', async () => (await links()).join() === '2,2,2');
    const { violations } = await trial.end({ ...cassandra });
    expect(violations).toEqual([]);
  });

  it('is taken over from when it is killed', async () => {
    await stage.node(1).kill();
    await eventually('the others have all shards', async () => {
      const shards = await stage.shards();
      return shards.reduce((a, b) => a + b) === 64;
    });
  });
});
