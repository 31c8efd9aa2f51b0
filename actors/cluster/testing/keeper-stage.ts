// For tests: a keeper over shards whose owners the test sets, two other nodes that may be there, and what it did.
import type { OwnershipReply, OwnershipRequest, OwnershipSteps } from '../../log/ownership.ts';
import { shardCount } from '../../log/shards.ts';
import type { Generation, ShardOwner } from '../../ports/log-store.ts';
import { Keeper, type KeeperLimits, type LiveNode } from '../keeper.ts';
import { type Place, Placement } from '../placement.ts';
import { chosenFor } from '../rendezvous.ts';

/** The node of the keeper. */
export const self: Generation = { node: 'a', gen: 7 };
/** Two others. */
export const b: LiveNode = { node: 'b', gen: 3, leaving: false, linked: 2 };
export const c: LiveNode = { node: 'c', gen: 5, leaving: false, linked: 3 };
/** The generation of a node. */
export const generationOf = ({ node, gen }: Generation): Generation => ({ node, gen });
/** One that is no more. */
export const dead: Generation = { node: 'z', gen: 1 };
/** All shards. */
export const shards = Array.from({ length: shardCount }, (_, shard) => shard);
/** Shards that this node should have of several. */
export const chosen = (node: string, nodes: readonly string[]) =>
  shards.filter((shard) => chosenFor(shard, nodes) === node);

/** Owners of shards; each change counts. */
class Owners extends Map<number, Generation | null> {
  readonly #versions = new Map<number, number>();
  override set(shard: number, owner: Generation | null): this {
    this.#versions?.set(shard, (this.#versions.get(shard) ?? 0) + 1);
    return super.set(shard, owner);
  }
  read(shard: number): ShardOwner | null {
    const owner = this.get(shard);
    return owner == null ? null : { ...owner, version: this.#versions.get(shard) ?? 0 };
  }
}

/** A keeper over a store that answers at once, unless it is told to be silent. */
export function stage(limits: Partial<KeeperLimits> = {}) {
  const placement = new Placement();
  const owners = new Owners();
  const did: string[] = [];
  /** Shards of which something was left to go on by. */
  const stubs = new Set<number>();
  const world = {
    now: 0,
    actors: 0,
    fails: false,
    reads: 0,
    passes: 0,
    told: 0,
    keptBack: [] as (() => void)[],
    isSlow: false,
  };
  const later = (run: () => void) => (world.isSlow ? void world.keptBack.push(run) : run());
  const carryOut = (request: OwnershipRequest): OwnershipReply => {
    switch (request.op) {
      case 'fence':
        did.push(`fence ${request.generation.node}`);
        return { op: 'fence' };
      case 'readShard':
        return { op: 'readShard', owner: owners.read(request.shard) };
      case 'casShard': {
        const { shard, expected, owner } = request;
        const applied = (owners.read(shard)?.version ?? 0) === (expected?.version ?? 0);
        did.push(`give ${shard} to ${owner.node}${applied ? '' : ' in vain'}`);
        if (applied) owners.set(shard, owner);
        return { op: 'casShard', applied };
      }
    }
  };
  const run = (steps: OwnershipSteps<ShardOwner | null>): ShardOwner | null => {
    let step = steps.next({ op: 'fence' });
    while (!step.done) step = steps.next(carryOut(step.value));
    return step.value;
  };
  const keeper = new Keeper(
    self,
    {
      walk: (steps, done) => later(() => done(world.fails ? undefined : run(steps))),
      readShard: (shard, done) => {
        world.reads++;
        later(() => done(world.fails ? undefined : owners.read(shard)));
      },
      release: (of) => {
        world.passes++;
        return new Set(world.actors > 0 ? of : []);
      },
      abandon: (of) => {
        did.push(`abandon ${[...of]}`);
        world.actors = 0;
      },
      forget: (of) => {
        for (const shard of of) stubs.delete(shard);
      },
      placeOf: (shard) => placement.of(shard),
      place: (of, place) => {
        world.told++;
        for (const shard of of) placement.set(shard, place);
      },
      found: (shard, seat) => void placement.set(shard, seat),
      now: () => world.now,
    },
    limits,
  );
  const count = (place: Place) => placement.shardsOf(place).length;
  /** Both own what they should, and this node believes so. */
  const share = (nodes: readonly LiveNode[]) => {
    for (const shard of shards) {
      const node = chosenFor(shard, [self.node, ...nodes.map((each) => each.node)]);
      const other = nodes.find((each) => each.node === node);
      owners.set(shard, other ? generationOf(other) : self);
      placement.set(shard, other?.linked ?? (other ? 'nobody' : 'here'));
    }
  };
  const owned = () => {
    keeper.tick([]);
    did.length = 0;
    world.reads = 0;
  };
  return { keeper, world, placement, owners, did, stubs, count, share, owned };
}
