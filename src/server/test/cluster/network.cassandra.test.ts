// The network of a provider under load: nodes that can't reach each other, a node that can't reach Cassandra, answers that come after anybody waits for
// them. About a minute and a half.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../../deploy/dev/ports.ts';
import { sharedCassandra, sharedRedis, type TestCassandra } from '../../../../deploy/dev/testing/testing.ts';
import { Cable } from './cable.ts';
import { ClusterStage } from './cluster-stage.ts';
import { Trial } from './trial.ts';

/** Longer than a node waits for an answer of Cassandra (3 s) and for its own fence (6 s). */
const longMs = 8_000;
const pass = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('the network of a provider under load', () => {
  let toNode: Cable;
  let toCassandra: Cable;
  let cassandra: TestCassandra;
  let stage: ClusterStage;
  beforeAll(async () => {
    cassandra = await sharedCassandra();
    const redis = await sharedRedis();
    const nodePort = await freePort();
    // The first node is dialled by the others, so this is the wire between it and all of them.
    toNode = await Cable.to(nodePort);
    toCassandra = await Cable.to(cassandra.port);
    const settingsOf = (node: number): Record<string, string> => {
      if (node === 1) return { 'node-port': String(nodePort), 'node-address': `127.0.0.1:${toNode.port}` };
      return node === 2 ? { cassandra: `127.0.0.1:${toCassandra.port}` } : {};
    };
    const keyspace = cassandra.keyspace;
    stage = await ClusterStage.start({ nodes: 3, cassandra, keyspace, redis: redis.address, settingsOf });
    await stage.spread();
  }, 180_000);
  afterAll(async () => {
    await stage?.stop();
    await toNode?.close();
    await toCassandra?.close();
  });

  it('is cut between nodes and stuck between a node and Cassandra, and every promise holds', {
    timeout: 240_000,
  }, async () => {
    const trial = await Trial.begin(stage);
    await trial.fault('a node is cut off from the others for a moment', async () => {
      toNode.cut();
      await pass(500);
      toNode.heal();
    });
    await trial.fault('the same for seconds', async () => {
      toNode.cut();
      await pass(longMs);
      toNode.heal();
    });
    await trial.fault('what nodes say to each other is stuck', async () => {
      toNode.hold();
      await pass(4_000);
      toNode.heal();
    });
    await trial.fault('answers of Cassandra come too late', async () => {
      toCassandra.hold();
      await pass(longMs);
      toCassandra.heal();
      await stage.restartDead();
    });
    await trial.fault('a node is cut off from Cassandra', async () => {
      toCassandra.cut();
      await pass(longMs);
      toCassandra.heal();
      await stage.restartDead();
    });
    const { violations } = await trial.end({ ...cassandra });
    expect(violations).toEqual([]);
  });
});
