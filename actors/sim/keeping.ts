// One of several nodes takes and gives shards, with the real keeper, and asks whether it is still alive.
import { Keeper, type KeeperPorts } from '#actors/cluster/keeper.ts';
import type { Switchboard } from '#actors/cluster/switchboard.ts';
import type { Address } from '#actors/kernel/address.ts';
import type { System } from '#actors/kernel/system.ts';
import { shardOf } from '#actors/log/shards.ts';
import type { Generation, ShardOwner } from '#actors/ports/log-store.ts';
import type { LogDriver, LogHome } from './log-driver.ts';
import type { SimStore } from './store.ts';

/** How often a node looks at what it should have, and at its own fence, milliseconds. */
export const keepEveryMs = 200;
const fenceEveryMs = 1_000;

/** What it needs of its node. */
export interface Keeping {
  readonly home: LogHome & { readonly system: System };
  readonly store: SimStore;
  readonly logs: LogDriver;
  readonly board: Switchboard;
  /** The nodes that are believed to be there. */
  readonly others: () => Parameters<Keeper['tick']>[0];
  /** A planted mistake. */
  readonly alter: ((ports: KeeperPorts, self: Generation) => KeeperPorts) | undefined;
}

/** Begins to. */
export function keepShards({ home, store, logs, board, others, alter }: Keeping): Keeper {
  const { system, generation } = home;
  const shardOfAny = (shards: ReadonlySet<number>) => (address: Address) => shards.has(shardOf(address));
  const told =
    <T>(done: (answer: T) => void) =>
    (answer: T) => {
      done(answer);
      lookSoon();
    };
  const ports: KeeperPorts = {
    walk: (steps, done) => logs.walk(steps, told(done), { givesUp: true }),
    readShard: (shard, done) => {
      const heard = told(done);
      const read = home.inside((answer: { readonly value: ShardOwner | null } | null) => heard(answer?.value));
      store.ask({ asker: home }, (memory) => memory.readShard(shard), read);
    },
    release: (shards) => new Set(system.release(shardOfAny(shards)).map(shardOf)),
    abandon: (shards) => system.abandon(shardOfAny(shards)),
    forget: (shards) => logs.forgetStubs(shards),
    placeOf: (shard) => board.placement.of(shard),
    place: (shards, place) => board.place(shards, place),
    found: (shard, seat, askedMs) => board.found(shard, seat, askedMs),
    now: () => home.now(),
  };
  const keeper = new Keeper(generation, alter?.(ports, generation) ?? ports);
  let isSoon = false;
  const look = () => {
    keeper.tick(others());
    board.tick();
  };
  const lookSoon = () => {
    if (isSoon) return;
    isSoon = true;
    home.later(0, () => {
      isSoon = false;
      look();
    });
  };
  const keep = () => {
    look();
    home.later(keepEveryMs, keep);
  };
  const fence = () => {
    logs.check();
    home.later(fenceEveryMs, fence);
  };
  home.later(1, keep);
  home.later(fenceEveryMs, fence);
  return keeper;
}
