// Replicas of Cassandra under load: one of three may be killed, paused and restarted without anybody noticing much; all of them may restart, and then
// everybody waits.
import { it } from 'vitest';
import type { Given } from './given.ts';

export function replicaFaults(given: () => Given): void {
  it('goes on when one replica is killed, comes back and stands still, and when all are restarted', {
    timeout: 400_000,
  }, async () => {
    const { trial, stage, cassandra } = given();
    const [first, second, third] = cassandra.nodes as [Replica, Replica, Replica];
    await trial.fault('one replica is killed', () => second.kill());
    await trial.fault('it comes back', async () => {
      await second.restart();
      await cassandra.allReachAll();
    });
    await trial.fault('one replica is paused', () => third.pause());
    await trial.fault('it goes on', () => third.resume());
    await trial.fault('all replicas are killed and restarted', async () => {
      await Promise.all(cassandra.nodes.map((node) => node.kill()));
      await first.restart();
      await Promise.all([second, third].map((node) => node.restart()));
      await cassandra.allReachAll();
      await stage.restartDead();
    });
  });
}

type Replica = Given['cassandra']['nodes'][number];
