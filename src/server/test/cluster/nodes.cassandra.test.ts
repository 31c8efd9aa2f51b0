// Nodes that are killed, paused and restarted under load, while some devices stop reading. About two minutes, of which thirty seconds are a pause.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedCassandra, sharedRedis, type TestCassandra } from '../../../../deploy/dev/testing/testing.ts';
import { eventually } from '../harness.ts';
import { ClusterStage } from './cluster-stage.ts';
import { Stalled } from './stalled.ts';
import { Trial } from './trial.ts';
import { boundsOf, marksOf, Watermarks, watched } from './watermarks.ts';

/** As long as a machine may stand still, and much longer than anybody waits for it. */
const pauseMs = 30_000;

describe('nodes of a provider under load', () => {
  let cassandra: TestCassandra;
  let stage: ClusterStage;
  beforeAll(async () => {
    cassandra = await sharedCassandra();
    const redis = await sharedRedis();
    stage = await ClusterStage.start({ nodes: 3, cassandra, keyspace: cassandra.keyspace, redis: redis.address });
    await stage.spread();
  }, 180_000);
  afterAll(() => stage?.stop());

  it('are killed, paused for half a minute, and restarted one after the other, and every promise holds', {
    timeout: 240_000,
  }, async () => {
    const trial = await Trial.begin(stage);
    const watermarks = await Watermarks.begin(stage, trial.recorder);
    const [first, second, third] = [stage.node(1), stage.node(2), stage.node(3)];
    const some = await Stalled.begin(stage, trial, 1);
    await trial.fault('kill -9', () => second.kill());
    await trial.fault('it comes back', () => second.start());
    await stage.spread();
    expect(await some.cutOff([first, third])).toBeGreaterThan(0);
    await some.end();

    const others = await Stalled.begin(stage, trial, 2);
    await trial.fault('pause', () => third.pause());
    const paused = new Promise((resolve) => setTimeout(resolve, pauseMs));
    expect(await others.cutOff([first, second])).toBeGreaterThan(0);
    await paused;
    await trial.fault('it wakes, and finds that it was taken over from', async () => {
      third.resume();
      await eventually('it ends by itself', () => !third.alive(), 20_000);
    });
    await trial.fault('it comes back', () => third.start());
    await others.end();
    await stage.spread();

    for (const node of stage.provider.nodes) {
      await trial.fault(`${node.name} is stopped`, () => node.stop());
      // A planned end is no error for anybody.
      expect(trial.rejected()).toBe(0);
      await trial.fault(`${node.name} is started`, () => node.start());
      await stage.spread();
      expect(trial.rejected()).toBe(0);
    }
    const most = await watermarks.end();
    const { violations, recovery } = await trial.end({ ...cassandra });
    expect(violations).toEqual([]);
    expect(trial.accepted).toBeGreaterThan(1_000);
    expect(trial.visits).toBeGreaterThan(20);
    expect(recovery.filter(({ max }) => max > 20_000)).toEqual([]);

    const bounds = boundsOf(watermarks.base, { stalled: some.count, devices: trial.crowd.talkers.length });
    expect(most.size).toBe(stage.provider.nodes.length);
    for (const [node, marks] of most)
      for (const name of watched) expect(marks[name], `${name} of ${node}`).toBeLessThanOrEqual(bounds[name]);
    // What was waited for has come, or is given up.
    for (const node of stage.provider.nodes)
      await eventually(`${node.name} holds nothing`, async () => {
        const { memory: _, ...waiting } = await marksOf(stage, node);
        return Object.values(waiting).every((count) => count === 0);
      });
  });
});
