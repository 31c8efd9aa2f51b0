// Decides which shards this node takes and which it gives away, and does both step by step: those of dead nodes are taken, those that another node
// should have are handed over once their actors have stopped. Pure; its host brings the store and the list of who is there.
// Guarantees: a shard is `here` only after the store said so, and no longer here before the store is asked to give it away (rule 9); what was
// left of its logs is forgotten before it is here again (rule 14). That lists of who is there differ between nodes, or are wrong, costs time and nothing
// else: the fence decides.
import { handOver, keepShard, type OwnershipSteps, takeShard } from '../log/ownership.ts';
import { sameGeneration } from '../log/segments.ts';
import { shardCount } from '../log/shards.ts';
import type { Generation, ShardOwner } from '../ports/log-store.ts';
import type { Place } from './placement.ts';
import { chosenFor } from './rendezvous.ts';

/** A node that is held for alive. */
export interface LiveNode extends Generation {
  /** It is about to stop: it gets nothing more, and gives what it has. */
  readonly leaving: boolean;
  /** Its seat, where there is a link to it. */
  readonly linked: number | null;
}

export interface KeeperPorts {
  /** Carries out steps on the store. `undefined` = the store failed; what was asked may have happened. */
  readonly walk: (
    steps: OwnershipSteps<ShardOwner | null>,
    done: (owner: ShardOwner | null | undefined) => void,
  ) => void;
  /** Who owns a shard, by the store; `undefined` = it failed. */
  readonly readShard: (shard: number, done: (owner: ShardOwner | null | undefined) => void) => void;
  /** Asks the actors of these shards to stop; the shards that still have some. */
  readonly release: (shards: ReadonlySet<number>) => ReadonlySet<number>;
  /** Drops the actors of these shards at once. */
  readonly abandon: (shards: ReadonlySet<number>) => void;
  /** Forgets what closed logs of these shards left in memory to go on by. */
  readonly forget: (shards: ReadonlySet<number>) => void;
  readonly placeOf: (shard: number) => Place;
  readonly place: (shards: readonly number[], place: 'here' | 'giving' | 'nobody') => void;
  /** The store says that the node of this seat has it, and was asked at `askedMs`. */
  readonly found: (shard: number, seat: number, askedMs: number) => void;
  /** Milliseconds, of a clock that never goes back. */
  readonly now: () => number;
}

export interface KeeperLimits {
  /**
   * A node must be there for so long before it is given shards: one that starts and dies in a loop takes none. And without a link for so long it is not
   * waited for to take what a dead one had. Default 3,000 ms.
   */
  readonly settleMs: number;
  /** Actors that have not stopped by then are dropped, with what they hold in memory only. Default 3,000 ms. */
  readonly stopMs: number;
  /** Shards that are given away at a time; a leaving node gives all. Default 8. */
  readonly givingMax: number;
  /** Between two reads of the same shard's owner while nobody says that they have it. Default 1,000 ms. */
  readonly readMs: number;
}

export const defaultKeeperLimits: KeeperLimits = {
  settleMs: 3_000,
  stopMs: 3_000,
  givingMax: 8,
  readMs: 1_000,
};

interface Shard {
  readonly number: number;
  /** Something is asked of the store. */
  busy: boolean;
  /** When its actors were asked to stop; null = it is not given away. */
  givingSinceMs: number | null;
  /** As the store had it when it became this node's; null = it is not. */
  own: ShardOwner | null;
  /** It may have been given away, or may be yet: nothing of it may run here until the store has said that it is this node's and stays so. */
  unsure: boolean;
  readMs: number;
}

export class Keeper {
  readonly #self: Generation;
  readonly #ports: KeeperPorts;
  readonly #limits: KeeperLimits;
  readonly #shards: readonly Shard[];
  /** Since when each process is there. */
  #seenMs = new Map<string, number>();
  /** When there was last a link to it, or it was first seen. */
  #linkedMs = new Map<string, number>();
  #live: readonly LiveNode[] = [];
  /** Where shards are by now, not yet told. */
  readonly #news = new Map<number, 'here' | 'giving' | 'nobody'>();
  #leaving = false;

  constructor(self: Generation, ports: KeeperPorts, limits: Partial<KeeperLimits> = {}) {
    this.#self = self;
    this.#ports = ports;
    this.#limits = { ...defaultKeeperLimits, ...limits };
    this.#shards = Array.from({ length: shardCount }, (_, number) => ({
      number,
      busy: false,
      givingSinceMs: null,
      own: null,
      unsure: false,
      readMs: Number.NEGATIVE_INFINITY,
    }));
  }

  /** From now on all shards are given away, as far as there is anyone to have them. */
  leave(): void {
    this.#leaving = true;
  }

  /** Shards that are here or still being given away. */
  get held(): number {
    return this.#shards.filter(({ number }) => ['here', 'giving'].includes(this.#ports.placeOf(number) as string))
      .length;
  }

  /** Looks at everything. To be called every 200 ms or so, with the others that are alive, and when something about them has changed. */
  tick(others: readonly LiveNode[]): void {
    const now = this.#ports.now();
    // Whoever is gone is looked after at once.
    if (this.#live.some((before) => !others.some((node) => sameGeneration(node, before)))) {
      for (const shard of this.#shards) shard.readMs = Number.NEGATIVE_INFINITY;
    }
    this.#live = others;
    const since = (times: ReadonlyMap<string, number>, node: LiveNode) => times.get(nameOf(node)) ?? now;
    this.#seenMs = new Map(others.map((node) => [nameOf(node), since(this.#seenMs, node)]));
    this.#linkedMs = new Map(
      others.map((node) => [nameOf(node), node.linked === null ? since(this.#linkedMs, node) : now]),
    );
    this.#tell();
    for (const shard of this.#shards) {
      if (shard.busy) continue;
      const place = this.#ports.placeOf(shard.number);
      if (place === 'here') this.#consider(shard, now);
      else if (place === 'nobody' && now - shard.readMs >= this.#limits.readMs) this.#look(shard, now);
    }
    this.#tell();
    this.#stop(now);
    this.#tell();
  }

  /** Says where shards are by now: of many at once, since each saying looks through all that are heard. */
  #tell(): void {
    for (const place of ['giving', 'nobody', 'here'] as const) {
      const shards = [...this.#news.keys()].filter((shard) => this.#news.get(shard) === place);
      for (const shard of shards) this.#news.delete(shard);
      if (shards.length === 0) continue;
      // Rule 14: wherever they come from, somebody else may have begun to open their logs.
      if (place === 'here') this.#ports.forget(new Set(shards));
      this.#ports.place(shards, place);
    }
  }

  /** A shard of this node's: should somebody else have it? */
  #consider(shard: Shard, now: number): void {
    if (this.#heirOf(shard.number, now) === null) return;
    const giving = this.#shards.filter(({ givingSinceMs }) => givingSinceMs !== null).length;
    if (!this.#leaving && giving >= this.#limits.givingMax) return;
    shard.givingSinceMs = now;
    this.#news.set(shard.number, 'giving');
  }

  /** Stops the actors of all shards that are given away, and gives those that have none left. */
  #stop(now: number): void {
    const giving = this.#shards.filter(({ busy, number }) => !busy && this.#ports.placeOf(number) === 'giving');
    if (giving.length === 0) return;
    const left = this.#ports.release(new Set(giving.map(({ number }) => number)));
    const isLate = ({ number, givingSinceMs }: Shard) =>
      left.has(number) && now - (givingSinceMs ?? now) >= this.#limits.stopMs;
    const late = giving.filter(isLate);
    if (late.length > 0) this.#ports.abandon(new Set(late.map(({ number }) => number)));
    for (const shard of giving) if (!left.has(shard.number) || isLate(shard)) this.#give(shard, now);
  }

  #give(shard: Shard, now: number): void {
    const { number } = shard;
    const { walk } = this.#ports;
    const { own } = shard;
    if (own === null) return this.#learn(shard, now);
    const heir = this.#heirOf(number, now);
    // Whoever should have had it is gone again, and nothing was asked.
    if (heir === null && !shard.unsure) return this.#given(shard, own);
    shard.busy = true;
    shard.unsure = true;
    // One that was not answered is settled by the answer to the next, since both expect the same version.
    const steps =
      heir === null
        ? keepShard(number, own)
        : handOver({ shard: number, from: own, to: { node: heir.node, gen: heir.gen } });
    walk(steps, (owner) => {
      shard.busy = false;
      if (owner !== undefined) this.#given(shard, owner);
    });
  }

  /** It is here and nobody noted since when: the version is the store's to say. */
  #learn(shard: Shard, now: number): void {
    shard.busy = true;
    this.#ports.readShard(shard.number, (owner) => {
      shard.busy = false;
      if (owner === undefined) return;
      if (!sameGeneration(owner, this.#self)) return this.#given(shard, owner);
      shard.own = owner;
      this.#give(shard, now);
    });
  }

  /** The store said who owns it, and nothing that was asked before changes that any more. */
  #given(shard: Shard, owner: ShardOwner | null): void {
    shard.givingSinceMs = null;
    shard.unsure = false;
    if (sameGeneration(owner, this.#self)) return this.#have(shard, owner);
    shard.own = null;
    shard.readMs = this.#ports.now();
    this.#news.set(shard.number, 'nobody');
  }

  #have(shard: Shard, owner: ShardOwner | null): void {
    shard.own = owner;
    this.#news.set(shard.number, 'here');
  }

  /** Nobody says that they have it: what does the store say? */
  #look(shard: Shard, now: number): void {
    shard.busy = true;
    shard.readMs = now;
    this.#ports.readShard(shard.number, (owner) => {
      shard.busy = false;
      if (owner === undefined || this.#ports.placeOf(shard.number) !== 'nobody') return;
      if (sameGeneration(owner, this.#self)) return this.#have(shard, owner);
      const alive = owner === null ? undefined : this.#live.find((node) => sameGeneration(node, owner));
      if (alive === undefined && !this.#leaving && this.#isChosen(shard.number, this.#ports.now()))
        this.#take(shard, owner);
      // An older process may have said that it has it, and is gone.
      if (alive !== undefined && alive.linked !== null) this.#ports.found(shard.number, alive.linked, now);
    });
  }

  #take(shard: Shard, from: ShardOwner | null): void {
    const { number } = shard;
    shard.busy = true;
    this.#ports.walk(takeShard({ shard: number, from, to: this.#self }), (owner) => {
      shard.busy = false;
      if (owner !== undefined && sameGeneration(owner, this.#self)) this.#have(shard, owner);
    });
  }

  /** Who should have a shard instead of this node: someone who has been there for a while, with a link. */
  #heirOf(shard: number, now: number): LiveNode | null {
    const staying = this.#live.filter(({ leaving }) => !leaving);
    const names = staying.map(({ node }) => node);
    const chosen = chosenFor(shard, this.#leaving ? names : [...names, this.#self.node]);
    const heir = staying.find(({ node }) => node === chosen);
    if (heir === undefined || heir.linked === null) return null;
    const isSettled = now - (this.#seenMs.get(nameOf(heir)) ?? now) >= this.#limits.settleMs;
    return this.#leaving || isSettled ? heir : null;
  }

  /** Of those that can be reached: whatever another one takes meanwhile, the store gives to one of them only. */
  #isChosen(shard: number, now: number): boolean {
    const isThere = (node: LiveNode) => now - (this.#linkedMs.get(nameOf(node)) ?? now) < this.#limits.settleMs;
    const names = this.#live.filter((node) => !node.leaving && isThere(node)).map(({ node }) => node);
    return chosenFor(shard, [...names, this.#self.node]) === this.#self.node;
  }
}

function nameOf({ node, gen }: Generation): string {
  return `${node}/${gen}`;
}
