// A provider of three nodes on three replicas of Cassandra, under load: everything that can happen to its network, its Redis and its replicas, each by
// itself, and then in an order that a seed draws. One crowd goes through all of it, and in the end everything that it saw is held against the logs.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seed } from '../harness.ts';
import { chaos } from './replicas/chaos.ts';
import type { Given } from './replicas/given.ts';
import { networkFaults } from './replicas/network.ts';
import { ofRedis, redisFaults } from './replicas/redis.ts';
import { replicaFaults } from './replicas/replicas.ts';
import { startWired, type Wired } from './replicas/wired.ts';
import { Trial } from './trial.ts';

/** Rooms that talk all the time, as much as three replicas and three nodes take on two cores. */
const plan = { rooms: 9, members: 4, devices: 1, guests: 3, writers: 2, pauseMs: 120, bodyBytes: 300 };

describe(`a provider on three replicas, with the seed ${seed},`, () => {
  let wired: Wired;
  let trial: Trial;
  beforeAll(async () => {
    wired = await startWired();
    trial = await Trial.begin(wired.stage, plan);
  }, 400_000);
  afterAll(() => wired?.stop());

  const given = (): Given => ({ ...wired, trial });
  redisFaults(given);
  networkFaults(given);
  replicaFaults(given);
  chaos(given);

  it('has kept every promise', { timeout: 180_000 }, async () => {
    const { violations, recovery } = await trial.end(wired.stored);
    expect(violations).toEqual([]);
    expect(recovery.filter(({ mark, max }) => mark.startsWith(ofRedis) && max > 20_000)).toEqual([]);
    expect(trial.accepted).toBeGreaterThan(1_000);
    expect(trial.visits).toBeGreaterThan(20);
  });
});
