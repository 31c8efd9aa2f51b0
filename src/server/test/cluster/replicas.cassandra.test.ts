// Cassandra with three replicas under load: one of them may be killed, paused and restarted without anybody noticing much; all of them may restart,
// and then everybody waits and nothing is lost. About two and a half minutes.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cassandra, startCassandra } from '../../../../deploy/dev/cassandra/cassandra.ts';
import { sharedRedis } from '../../../../deploy/dev/testing/testing.ts';
import { ClusterStage } from './cluster-stage.ts';
import { Trial } from './trial.ts';

describe('Cassandra of a provider under load', () => {
  let cassandra: Cassandra;
  let stage: ClusterStage;
  beforeAll(async () => {
    const redis = await sharedRedis();
    cassandra = await startCassandra({ nodes: 3 });
    stage = await ClusterStage.start({ nodes: 2, cassandra, redis: redis.address });
    await stage.spread();
  }, 300_000);
  afterAll(async () => {
    await stage?.stop();
    await cassandra?.stop();
  });

  it('loses one replica, gets it back, stands still at one, is restarted whole, and every promise holds', {
    timeout: 400_000,
  }, async () => {
    const trial = await Trial.begin(stage, {
      rooms: 8,
      members: 4,
      devices: 1,
      writers: 2,
      pauseMs: 100,
      bodyBytes: 300,
    });
    const [first, second, third] = cassandra.nodes as [
      Cassandra['nodes'][0],
      Cassandra['nodes'][0],
      Cassandra['nodes'][0],
    ];
    await trial.fault('one replica is killed', () => second.kill());
    await trial.goesOn();
    await trial.fault('it comes back', async () => {
      await second.restart();
      await cassandra.allReachAll();
    });
    await trial.fault('one replica is paused', () => third.pause());
    await trial.goesOn();
    await trial.fault('it goes on', () => third.resume());
    await trial.fault('all replicas are killed and restarted', async () => {
      await Promise.all([first, second, third].map((node) => node.kill()));
      await first.restart();
      await Promise.all([second, third].map((node) => node.restart()));
      await cassandra.allReachAll();
      await stage.restartDead();
    });
    const { violations } = await trial.end({ ...cassandra, keyspace: 'luxchat' });
    expect(violations).toEqual([]);
  });
});
