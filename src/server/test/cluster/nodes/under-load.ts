// Nodes that are killed, paused and restarted under load, while some devices stop reading.
import { expect, it } from 'vitest';
import type { ProviderNode } from '../../../../../deploy/dev/provider/provider.ts';
import { eventually } from '../../harness.ts';
import { Trial } from '../trial.ts';
import type { Place } from './place.ts';
import { Stalled } from './stalled.ts';
import { boundsOf, heldBy, marksOf, restMax, Watermarks, watched } from './watermarks.ts';

/** As long as a machine may stand still, and much longer than anybody waits for it. */
const pauseMs = 30_000;

/** The nodes must run; they do afterwards. */
export function nodesUnderLoad(given: () => Place): void {
  it('are killed, paused for half a minute, and restarted one after the other, and every promise holds', {
    timeout: 240_000,
  }, async () => {
    const { stage, cassandra } = given();
    const trial = await Trial.begin(stage);
    const watermarks = new Watermarks(stage, trial.recorder);
    const before = Math.max(...(await Promise.all(stage.provider.nodes.map((node) => heldBy(stage, node)))));
    const held: number[] = [];
    const look = async (...nodes: ProviderNode[]) => {
      for (const node of nodes) held.push((await heldBy(stage, node)) - before);
    };
    const [first, second, third] = [stage.node(1), stage.node(2), stage.node(3)];
    const some = await Stalled.begin(stage, trial, 1);
    await trial.fault('kill -9', () => second.kill());
    await trial.fault('it comes back', () => second.start());
    await stage.spread();
    expect(await some.cutOff([first, third])).toBeGreaterThan(0);
    await look(first, third);
    await some.end();

    const others = await Stalled.begin(stage, trial, 2);
    await trial.fault('pause', () => third.pause());
    const paused = new Promise((resolve) => setTimeout(resolve, pauseMs));
    expect(await others.cutOff([first, second])).toBeGreaterThan(0);
    await look(first, second);
    await paused;
    await trial.fault('it wakes, and finds that it was taken over from', async () => {
      third.resume();
      await eventually('it ends by itself', () => !third.alive(), 20_000);
    });
    await trial.fault('it comes back', () => third.start());
    await others.end();
    await stage.spread();
    // The first has lived through all of it, and has its share of everything that came back.
    await look(first);

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

    console.log(`held besides, MB: ${held.map((bytes) => Math.round(bytes / 1e6)).join(', ')}; before: ${before}`);
    expect(Math.max(...held)).toBeLessThanOrEqual(restMax);
    const bounds = boundsOf({ stalled: some.count, devices: trial.crowd.talkers.length });
    expect(most.size).toBe(stage.provider.nodes.length);
    for (const [node, marks] of most)
      for (const name of watched) expect(marks[name], `${name} of ${node}`).toBeLessThanOrEqual(bounds[name]);
    // What was waited for has come, or is given up.
    for (const node of stage.provider.nodes)
      await eventually(`${node.name} holds nothing`, async () => {
        return Object.values(await marksOf(stage, node)).every((count) => count === 0);
      });
  });
}
