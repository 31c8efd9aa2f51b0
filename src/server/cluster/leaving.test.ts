// How a node ends its links when it leaves: over real links, with a stand-in of another node at the other end.
import { afterEach, describe, expect, it } from 'vitest';
import { Placement } from '#actors/cluster/placement.ts';
import type { Switchboard } from '#actors/cluster/switchboard.ts';
import { Cluster } from './cluster.ts';
import { Register } from './register.ts';
import { identity, secret, TestNode, until } from './testing/nodes.ts';

const silent = () => Promise.reject(new Error('no answer'));
const nodes: TestNode[] = [];
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.links.close();
});

/** A node with a link to another one, leaves, and has asked that one its last question. What its switchboard hears. */
async function leaving() {
  const heard: string[] = [];
  let address = '';
  const board = {
    placement: new Placement(),
    tick: () => {},
    place: () => {},
    found: () => {},
    up: () => {},
    down: () => void heard.push('down'),
    received: (_: number, { kind }: { readonly kind: string }) => void heard.push(kind),
  };
  const table = { get: async () => null, list: async () => [], change: async () => true };
  const { provider, ...self } = identity(1);
  const cluster = new Cluster(
    {
      self: { provider, ...self },
      address: '127.0.0.1:0',
      links: { secret, host: '127.0.0.1', port: 0 },
      hints: () => ({
        reachable: true,
        trouble: undefined,
        alive: [],
        look: () => {},
        show: (place) => {
          address = place.address;
        },
        close: async () => {},
      }),
    },
    {
      store: { readShard: silent },
      register: new Register(table, Date.now),
      walk: silent,
      board: board as unknown as Switchboard,
      release: () => [],
      abandon: () => {},
      forget: () => {},
      checkFence: () => {},
      aliveSinceMs: () => performance.now(),
      fresh: () => {},
      failed: () => {},
      log: { info: () => {}, warn: () => {} },
    },
  );
  await cluster.start();
  const other = await new TestNode(2).listen();
  nodes.push(other);
  other.links.want([{ ...self, address }]);
  await until('they are linked', () => other.seats.length === 1 && cluster.counts.links === 1);
  await cluster.leave();
  const closed = cluster.close();
  await until('it is asked', () => other.received.some(({ kind }) => kind === 'sync'));
  return { other, closed, heard };
}

// A busy node did not know yet that a drained one had no rooms any more and asked it for one: its devices were told UNAVAILABLE when the link ended.
describe('a node that leaves', () => {
  it('ends a link when all has come that the other one sent before it knew', async () => {
    const { other, closed, heard } = await leaving();
    other.links.send(1, { kind: 'owns', shards: [7] });
    other.links.send(1, { kind: 'synced', shard: 0 });
    await closed;
    expect(heard).toEqual(['owns', 'synced', 'down']);
  });

  it('waits for nobody who is gone', async () => {
    const { other, closed } = await leaving();
    await other.links.close();
    await closed;
  });

  it('does not wait for ever', async () => {
    const { closed, heard } = await leaving();
    await closed;
    expect(heard).toEqual(['down']);
  });
});
