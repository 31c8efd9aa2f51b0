// A provider of three nodes on one Cassandra: people with the whole SDK talk over two of them, a crowd goes through everything that can happen to a node,
// and two thousand connections break at once. The nodes are started once for all of it.
import { afterAll, beforeAll, describe } from 'vitest';
import { sharedCassandra, sharedRedis, type TestCassandra } from '../../../../deploy/dev/testing/testing.ts';
import { seed } from '../harness.ts';
import { ClusterStage } from './cluster-stage.ts';
import { peopleOnNodes } from './nodes/people.ts';
import { storm } from './nodes/storm.ts';
import { nodesUnderLoad } from './nodes/under-load.ts';

const live = new URL('nodes/live-on-signal.ts', import.meta.url).href;

describe(`three nodes of a provider, with the seed ${seed},`, () => {
  let cassandra: TestCassandra;
  let stage: ClusterStage;
  beforeAll(async () => {
    cassandra = await sharedCassandra();
    const [redis, { keyspace }] = [await sharedRedis(), cassandra];
    const nodeFlags = ['--import', live];
    stage = await ClusterStage.start({ nodes: 3, cassandra, keyspace, redis: redis.address, nodeFlags });
    await stage.spread();
  }, 180_000);
  afterAll(() => stage?.stop());

  const given = () => ({ cassandra, stage });
  peopleOnNodes(given);
  nodesUnderLoad(given);
  storm(given);
});
