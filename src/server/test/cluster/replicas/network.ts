// The network of a provider under load: nodes that can't reach each other, or are refused; a node that can't reach Cassandra; answers that come after
// anybody waits for them.
import { expect, it } from 'vitest';
import { eventually } from '../../harness.ts';
import { type Given, pass } from './given.ts';

/** Longer than a link may be silent (2 s), and a sign of life lasts in Redis (2.5 s). */
const silentMs = 4_000;
/** Longer than a node waits for an answer of Cassandra (3 s) and for its own fence (6 s). */
const unansweredMs = 7_000;
/** Twice as long as a sign of life stays in Redis. */
const refusedMs = 5_000;

export function networkFaults(given: () => Given): void {
  it('goes on when nodes are cut off from each other, and when what they say is stuck', {
    timeout: 120_000,
  }, async () => {
    const { trial, toNode, makeFirstEldest } = given();
    await makeFirstEldest();
    await trial.fault('a node is cut off from the others for a moment', async () => {
      toNode.cut();
      await pass(500);
      toNode.heal();
    });
    await trial.fault('the same for seconds', async () => {
      toNode.cut();
      await pass(silentMs);
      toNode.heal();
    });
    await trial.fault('what nodes say to each other is stuck', async () => {
      toNode.hold();
      await pass(silentMs);
      toNode.heal();
    });
  });

  it('goes on when answers of Cassandra come too late, and when a node is cut off from it', {
    timeout: 120_000,
  }, async () => {
    const { trial, stage, toCassandra } = given();
    await trial.fault('answers of Cassandra come too late', async () => {
      toCassandra.hold();
      await pass(unansweredMs);
      toCassandra.heal();
      await stage.restartDead();
    });
    await trial.fault('a node is cut off from Cassandra', async () => {
      toCassandra.cut();
      await pass(unansweredMs);
      toCassandra.heal();
      await stage.restartDead();
    });
  });

  // A firewall that rejects instead of dropping, or a port that was opened on the wrong address.
  it('takes nothing from a node whose port refuses the others while it shows itself in Redis, and does when it is killed', {
    timeout: 120_000,
  }, async () => {
    const { trial, stage, toNode, makeFirstEldest } = given();
    await makeFirstEldest();
    const { nodes } = stage.provider;
    const links = async () =>
      (await Promise.all(nodes.map(async (node) => (await stage.metrics(node)).get('node_links')))).join();
    await eventually('all are linked', async () => (await links()) === '2,2,2');
    await trial.fault('a node refuses the others', async () => {
      await toNode.refuse();
      try {
        await eventually('it has no link', async () => (await links()) === '0,1,1');
        await pass(refusedMs);
        // Whoever is fenced ends.
        expect(nodes.map((node) => node.alive())).toEqual([true, true, true]);
        await stage.spread();
      } finally {
        await toNode.admit();
      }
    });
    await eventually('all are linked again', async () => (await links()) === '2,2,2');
    await trial.fault('it is killed', async () => {
      await stage.node(1).kill();
      await eventually('the others have all shards', async () => {
        const shards = await stage.shards();
        return shards.reduce((a, b) => a + b) === 64;
      });
    });
    await trial.fault('it comes back', () => stage.node(1).start());
  });
}
