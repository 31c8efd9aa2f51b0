// Which shards a keeper takes, and from whom; and that keepers agree.
import { describe, expect, it } from 'vitest';
import { shardCount } from '../log/shards.ts';
import { defaultKeeperLimits } from './keeper.ts';
import { b, c, chosen, dead, generationOf, self, shards, stage } from './testing/keeper-stage.ts';

const { settleMs, readMs } = defaultKeeperLimits;

describe('a keeper takes', () => {
  it('all shards where it is alone, without fencing where nobody had them', () => {
    const { keeper, count, did } = stage();
    keeper.tick([]);
    expect(count('here')).toBe(shardCount);
    expect(did.some((what) => what.startsWith('fence'))).toBe(false);
  });

  it('its share of the shards of a dead node, and fences that node first', () => {
    const { keeper, owners, placement, did } = stage();
    for (const shard of shards) owners.set(shard, dead);
    keeper.tick([b]);
    const own = chosen('a', ['a', 'b']);
    expect(placement.shardsOf('here')).toEqual(own);
    expect(did.slice(0, 2)).toEqual(['fence z', `give ${own[0]} to a`]);
    expect(did.filter((what) => what === 'fence z')).toHaveLength(own.length);
  });

  it('nothing of a node that is alive, linked or not, whoever should have it', () => {
    const { keeper, owners, count, placement, did } = stage();
    for (const shard of shards) owners.set(shard, generationOf(b));
    keeper.tick([{ ...b, linked: null }]);
    expect([count('nobody'), did]).toEqual([shardCount, []]);
    keeper.tick([b]);
    expect(count('nobody')).toBe(shardCount);
    expect(placement.of(0)).toBe('nobody');
  });

  // A node that nobody can reach, because it has another secret or a wire is cut, shows itself in Redis: what it should have had stayed with nobody.
  it('what a node should have that can not be reached, but no sooner than its link may come', () => {
    const { keeper, owners, world, count } = stage();
    for (const shard of shards) owners.set(shard, dead);
    const unlinked = { ...b, linked: null };
    for (world.now = 0; world.now < settleMs; world.now += 500) keeper.tick([unlinked]);
    expect(count('here')).toBe(chosen('a', ['a', 'b']).length);
    world.now = settleMs + readMs;
    keeper.tick([unlinked]);
    expect(count('here')).toBe(shardCount);
  });

  it('nothing of a node that is linked, and says where it is', () => {
    const { keeper, owners, placement } = stage();
    for (const shard of shards) owners.set(shard, generationOf(b));
    keeper.tick([b]);
    expect(placement.shardsOf(2)).toHaveLength(shardCount);
  });

  it('from an earlier process of a node whose next one is alive', () => {
    const { keeper, owners, placement } = stage();
    for (const shard of shards) owners.set(shard, { node: 'b', gen: 2 });
    keeper.tick([b]);
    expect(placement.shardsOf('here')).toEqual(chosen('a', ['a', 'b']));
  });

  it('nothing while it leaves, and what a leaving node had', () => {
    const leaving = stage();
    leaving.keeper.leave();
    leaving.keeper.tick([]);
    expect(leaving.count('here')).toBe(0);
    const staying = stage();
    for (const shard of shards) staying.owners.set(shard, dead);
    staying.keeper.tick([{ ...b, leaving: true }]);
    expect(staying.count('here')).toBe(shardCount);
  });

  it('at once what the store says is its own already', () => {
    const { keeper, owners, count, did } = stage();
    for (const shard of shards) owners.set(shard, self);
    keeper.tick([b]);
    expect([count('here'), did]).toEqual([shardCount, []]);
  });

  it('nothing when somebody was faster', () => {
    const { keeper, owners, world, count } = stage();
    for (const shard of shards) owners.set(shard, dead);
    world.isSlow = true;
    keeper.tick([]);
    for (const read of world.keptBack.splice(0)) read();
    for (const shard of shards) owners.set(shard, generationOf(c));
    for (const walk of world.keptBack.splice(0)) walk();
    expect(count('here')).toBe(0);
  });

  it('asks the store again about a shard that nobody says they have, once in a while, and once at a time', () => {
    const { keeper, owners, world } = stage();
    for (const shard of shards) owners.set(shard, generationOf(b));
    const apart = [{ ...b, linked: null }];
    keeper.tick(apart);
    world.now = readMs - 1;
    keeper.tick(apart);
    expect(world.reads).toBe(shardCount);
    world.now++;
    world.isSlow = true;
    keeper.tick(apart);
    world.now += 10 * readMs;
    keeper.tick(apart);
    expect(world.reads).toBe(2 * shardCount);
  });

  it('goes on after the store failed', () => {
    const { keeper, world, count } = stage();
    world.fails = true;
    keeper.tick([]);
    expect(count('here')).toBe(0);
    world.fails = false;
    world.now = readMs;
    keeper.tick([]);
    expect(count('here')).toBe(shardCount);
  });
});

// Each look through all actors, and each word about shards through all that are heard, cost as much as a turn may take: once a look, not once a shard.
it('a leaving keeper looks through its actors once a look, and tells of all its shards at once', () => {
  const { keeper, world, count, owned } = stage();
  owned();
  [world.passes, world.told] = [0, 0];
  keeper.leave();
  keeper.tick([b]);
  expect([count('nobody'), world.passes, world.told]).toEqual([shardCount, 1, 2]);
});

it('three keepers that see the same list agree, and none moves what is where it should be', () => {
  const { keeper, world, did, share } = stage();
  share([b, c]);
  keeper.tick([b, c]);
  world.now = 10 * settleMs;
  keeper.tick([b, c]);
  expect(did).toEqual([]);
});
