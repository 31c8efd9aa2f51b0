// Redis is hints only: whatever happens to it under load, everybody goes on and nothing is lost. About a minute.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Redis, startRedis } from '../../../../deploy/dev/redis/redis.ts';
import { sharedCassandra, type TestCassandra } from '../../../../deploy/dev/testing/testing.ts';
import { Cable } from './cable.ts';
import { ClusterStage } from './cluster-stage.ts';
import { Trial } from './trial.ts';

describe('Redis of a provider under load', () => {
  let redis: Redis;
  let cable: Cable;
  let cassandra: TestCassandra;
  let stage: ClusterStage;
  beforeAll(async () => {
    cassandra = await sharedCassandra();
    redis = await startRedis({ listen: 'port' });
    // The second node reaches it over a wire that can be cut.
    cable = await Cable.to(Number(new URL(redis.address).port));
    const settingsOf = (node: number): Record<string, string> =>
      node === 2 ? { redis: `redis://127.0.0.1:${cable.port}` } : {};
    stage = await ClusterStage.start({
      nodes: 2,
      cassandra,
      keyspace: cassandra.keyspace,
      redis: redis.address,
      settingsOf,
    });
    await stage.spread();
  }, 180_000);
  afterAll(async () => {
    await stage?.stop();
    await cable?.close();
    await redis?.stop();
  });

  it('is flushed, cut off, paused and killed, a node dies and another one starts without it, and every promise holds', {
    timeout: 200_000,
  }, async () => {
    const trial = await Trial.begin(stage);
    await trial.fault('flushed', () => redis.flush());
    await trial.fault('cut off from one node', () => cable.cut());
    await trial.goesOn();
    cable.heal();
    await trial.fault('held towards one node', () => cable.hold());
    await trial.goesOn();
    cable.heal();
    await trial.fault('paused', () => redis.pause());
    await trial.goesOn();
    await trial.fault('goes on', () => redis.resume());
    await trial.fault('killed', () => redis.kill());
    await trial.goesOn();
    // Its port refuses: that shows without Redis, too.
    await trial.fault('a node is killed without Redis', () => stage.node(2).kill());
    await trial.fault('it comes back without Redis', () => stage.node(2).start());
    await stage.spread();
    await trial.fault('Redis comes back', () => redis.restart());
    const { violations, recovery } = await trial.end({ ...cassandra });
    expect(violations).toEqual([]);
    expect(recovery.filter(({ max }) => max > 20_000)).toEqual([]);
  });
});
