// People on different nodes of one provider: they talk, and go on talking when the node that has their room is killed.
import { afterAll, describe, expect, it } from 'vitest';
import { chosenFor } from '#actors/cluster/rendezvous.ts';
import { roomAddress } from '#actors/kernel/address.ts';
import { shardOf } from '#actors/log/shards.ts';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { confirm, eventually, logOut } from '../../harness.ts';
import type { Place } from './place.ts';

/** How long it may take, from the kill on, until one reads what the other writes: most of it is until the node counts as dead. */
const heardMs = 10_000;

/** The nodes must run; they do afterwards. */
export function peopleOnNodes(given: () => Place): void {
  describe('people on several nodes', () => peopleTests(given));
}

function peopleTests(given: () => Place): void {
  const clients: LuxchatClient[] = [];
  afterAll(async () => {
    for (const client of clients) await client.close();
  });

  const texts = async (client: LuxchatClient, room: string) =>
    (await client.timeline(room, { limit: 200 })).flatMap(({ content }) =>
      content?.body?.$case === 'text' ? [content.body.value.text] : [],
    );

  /** Alice at node 1 and somebody at node 3 whose room with her is at this node. */
  const pairWithRoomAt = async (node: string) => {
    const { stage } = given();
    const alice = await stage.device('alice', stage.node(1));
    clients.push(alice);
    for (let n = 1; ; n++) {
      const bob = await stage.device(`bob${n}`, stage.node(3));
      clients.push(bob);
      const room = await alice.startDirect(bob.user);
      const names = stage.provider.nodes.map(({ name }) => name);
      if (chosenFor(shardOf(roomAddress(room)), names) === node) return { alice, bob, room };
    }
  };

  // The node of the login kept it in its memory, and the other one made one up.
  it('keeps the name of a device that logs in at one node and says its first hello at another', async () => {
    const { stage } = given();
    const client = await stage.device('carol', stage.node(2), { name: 'carol’s phone', loginAt: stage.node(1) });
    clients.push(client);
    expect((await client.devices()).map(({ name }) => name)).toEqual(['carol’s phone']);
  });

  it('cuts a device at one node that is logged out from a device at another', async () => {
    const { stage } = given();
    const first = await stage.device('dora', stage.node(1));
    const second = await stage.device('dora', stage.node(3), { name: 'lost' });
    clients.push(first, second);
    await confirm(second, first);
    await logOut(first, second);
    expect((await first.devices()).map(({ device }) => device)).toEqual([first.device]);
  });

  it('lets two people on two nodes talk, and go on when the node that has their room is killed', async () => {
    const { stage } = given();
    const { alice, bob, room } = await pairWithRoomAt(stage.node(2).name);
    await eventually('bob is invited', () => bob.rooms().some((each) => each.room === room), 20_000, [bob]);
    await bob.accept(room);
    await alice.send(room, 'moien');
    await eventually('bob reads it', async () => (await texts(bob, room)).includes('moien'), 20_000, [bob]);
    const sent = ['moien'];
    for (let n = 1; n <= 20; n++) {
      if (n === 6) await stage.node(2).kill();
      for (const client of [alice, bob]) {
        const text = `${client === alice ? 'alice' : 'bob'} ${n}`;
        await client.send(room, text);
        sent.push(text);
      }
      if (n < 6) continue;
      // Not only in the end: they hear each other on.
      for (const [reader, name] of [
        [alice, 'bob'],
        [bob, 'alice'],
      ] as const)
        await eventually(
          `${name} is heard`,
          async () => (await texts(reader, room)).includes(`${name} ${n}`),
          heardMs,
          [reader],
        );
    }
    for (const client of [alice, bob]) {
      await eventually('all are there', async () => (await texts(client, room)).length >= sent.length, 30_000, [
        alice,
        bob,
      ]);
      expect((await texts(client, room)).sort()).toEqual([...sent].sort());
    }
    expect(await texts(alice, room)).toEqual(await texts(bob, room));
    await eventually('the others have all shards', async () => {
      const shards = await stage.shards();
      return shards.reduce((a, b) => a + b) === 64;
    });
  }, 120_000);

  it('gives a node that comes back its share', async () => {
    const { stage } = given();
    await stage.node(2).start();
    await stage.spread();
  }, 60_000);
}
