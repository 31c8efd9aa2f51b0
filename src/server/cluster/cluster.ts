// This node among the others: links, who is there, which shards are here, and whether this process may still speak. Ties together what the other files
// of this folder and actors/cluster know; decides nothing itself.
import { Keeper } from '#actors/cluster/keeper.ts';
import type { Packet } from '#actors/cluster/packets.ts';
import type { Switchboard } from '#actors/cluster/switchboard.ts';
import type { Address } from '#actors/kernel/address.ts';
import type { OwnershipSteps } from '#actors/log/ownership.ts';
import { shardCount, shardOf } from '#actors/log/shards.ts';
import type { OwnershipStore, ShardOwner } from '#actors/ports/log-store.ts';
import type { Hints } from './hints.ts';
import { Links, type LinksOptions, type NodePlace } from './links.ts';
import { Neighbours } from './neighbours.ts';
import { type Register, registerLimits } from './register.ts';

/** Times, milliseconds. */
export const clusterLimits = {
  /** Between two looks at everything. */
  lookMs: 200,
  /** Between two reads of the register, for nodes that Redis does not show. */
  registerMs: 5_000,
  /** Between two reads of this process's own fence while nothing else reads it. */
  fenceMs: 2_000,
  /** Without such a read that began so recently and said alive, nothing is shown any more. */
  staleMs: 6_000,
  /** Until Redis that has not answered yet counts as away. */
  redisMs: 3_000,
  /** Others are alive and none is linked for so long: this node is not ready. */
  aloneMs: 10_000,
  /** Between two words in the log about nodes that do not accept this one. */
  unprovenMs: 60_000,
  /** For handing everything over at the end. */
  leaveMs: 15_000,
  /** Until the others have heard where everything is, at the end. */
  farewellMs: 2_000,
};

/** What the cluster needs of the rest of its node. */
export interface ClusterPorts {
  readonly store: Pick<OwnershipStore, 'readShard'>;
  readonly register: Register;
  /** Carries out steps of ownership; rejects when the store does. */
  readonly walk: (steps: OwnershipSteps<ShardOwner | null>) => Promise<ShardOwner | null>;
  readonly board: Switchboard;
  readonly release: (isTheirs: (address: Address) => boolean) => readonly Address[];
  readonly abandon: (isTheirs: (address: Address) => boolean) => void;
  /** Forgets what closed logs of these shards left in memory to go on by. */
  readonly forget: (shards: ReadonlySet<number>) => void;
  /** Reads the fence now. */
  readonly checkFence: () => void;
  /** When the newest read of the fence that said alive began, by `performance.now`. */
  readonly aliveSinceMs: () => number;
  /** Nothing that this node shows is fresh any more, or it is again. */
  readonly fresh: (isFresh: boolean) => void;
  /** The store did not answer something about shards or nodes. It is asked again. */
  readonly failed: (cause: unknown) => void;
  readonly log: {
    info(event: string, fields?: Record<string, number>): void;
    warn(event: string, fields?: Record<string, number>, cause?: unknown): void;
  };
}

export interface ClusterOptions {
  readonly self: Omit<NodePlace, 'address'> & { readonly provider: string };
  /** `host:port` where the others reach it; the port that was opened where it is 0. */
  readonly address: string;
  readonly links: Pick<LinksOptions, 'secret' | 'host' | 'port' | 'tls'>;
  readonly hints: (changed: () => void) => Hints | null;
}

export class Cluster {
  readonly #ports: ClusterPorts;
  readonly #options: ClusterOptions;
  readonly #links: Links;
  readonly #keeper: Keeper;
  readonly #neighbours: Neighbours;
  readonly #timers: NodeJS.Timeout[] = [];
  #hints: Hints | null = null;
  #place: NodePlace | null = null;
  #places: readonly NodePlace[] = [];
  #others = 0;
  /** When others were last linked, or nobody was there. */
  #linkedMs = performance.now();
  #unprovenMs = Number.NEGATIVE_INFINITY;
  #looking = false;
  #isFresh = true;
  #isLeaving = false;
  /** Links over which an answer is awaited before they are ended, by seat. */
  readonly #farewells = new Map<number, () => void>();
  #isClosed = false;
  /** null = it was never asked for long enough to tell. */
  #canAskRedis: boolean | null = null;
  #beganMs = performance.now();

  constructor(options: ClusterOptions, ports: ClusterPorts) {
    const { self } = options;
    const { board } = ports;
    this.#options = options;
    this.#ports = ports;
    this.#neighbours = new Neighbours(self.node);
    this.#links = new Links({
      ...options.links,
      self,
      up: ({ seat }) => {
        ports.log.info('node linked', { seat });
        board.up(seat);
        if (this.#isLeaving) this.#links.send(seat, { kind: 'leaving' });
        this.#lookSoon();
      },
      down: ({ seat }) => {
        ports.log.warn('node link ended', { seat });
        this.#farewells.get(seat)?.();
        board.down(seat);
        this.#lookSoon();
      },
      unproven: (seat) => this.#unproven(seat),
      received: (seat, packet) => {
        board.received(seat, packet);
        if (packet.kind === 'synced') this.#farewells.get(seat)?.();
        if (packet.kind === 'leaving') this.#neighbours.leaves(seat);
        if (packet.kind === 'owns' || packet.kind === 'leaving') this.#lookSoon();
      },
    });
    this.#keeper = new Keeper(self, {
      walk: (steps, done) => this.#told(ports.walk(steps), done),
      readShard: (shard, done) => this.#told(ports.store.readShard(shard), done),
      release: (shards) => new Set(ports.release(ofShards(shards)).map(shardOf)),
      abandon: (shards) => ports.abandon(ofShards(shards)),
      forget: (shards) => ports.forget(shards),
      placeOf: (shard) => board.placement.of(shard),
      place: (shards, place) => {
        board.place(shards, place);
        const have = this.#keeper.held;
        if (place === 'here') ports.log.info('shards came', { count: shards.length, have });
        else if (place === 'nobody') ports.log.info('shards went', { count: shards.length, have });
      },
      found: (shard, seat, askedMs) => board.found(shard, seat, askedMs),
      now: () => performance.now(),
    });
  }

  /** Sends to a node with a link. */
  send(seat: number, packet: Packet): void {
    this.#links.send(seat, packet);
  }

  /** Opens the port, shows itself, and begins to take what it should have. */
  async start(): Promise<void> {
    const { self, address } = this.#options;
    const port = await this.#links.listen();
    const { node, gen, seat } = self;
    const place = { node, gen, seat, address: address.replace(/:0$/, `:${port}`) };
    this.#place = place;
    await this.#ports.register.put(place);
    await this.#readRegister();
    this.#hints = this.#options.hints(() => this.#lookSoon());
    this.#hints?.show({ ...place, leaving: false });
    this.#every(clusterLimits.lookMs, () => {
      this.#look();
      if (this.#neighbours.isInDoubt) this.#hints?.look();
    });
    this.#every(clusterLimits.registerMs, () => void this.#readRegister());
    this.#every(registerLimits.renewMs, () => void this.#ports.register.put(place).catch(this.#ports.failed));
    this.#every(clusterLimits.fenceMs, () => this.#ports.checkFence());
    this.#ports.checkFence();
    this.#look();
  }

  /** False: this process was paused or cut off from the store, and shows nothing. */
  get isFresh(): boolean {
    return this.#isFresh;
  }

  /** False: others are alive, and there is a link to none of them. Whoever connects here can reach nobody there. */
  get isLinked(): boolean {
    return performance.now() - this.#linkedMs < clusterLimits.aloneMs;
  }

  /** Shards that are here; nodes that are linked, and bytes that wait for them. */
  get counts(): {
    readonly shards: number;
    readonly links: number;
    readonly waitingBytes: number;
    readonly ignoredPackets: number;
    readonly redisAnswers: boolean;
  } {
    const { linked, waitingBytes, ignored } = this.#links;
    return {
      shards: this.#keeper.held,
      links: linked.length,
      waitingBytes,
      ignoredPackets: ignored,
      redisAnswers: this.#canAskRedis ?? false,
    };
  }

  /** Gives everything to the others, where there are any. Resolves when nothing is left, or to false when patience ended. */
  async leave(): Promise<boolean> {
    this.#keeper.leave();
    this.#isLeaving = true;
    for (const { seat } of this.#links.linked) this.#links.send(seat, { kind: 'leaving' });
    if (this.#place !== null) this.#hints?.show({ ...this.#place, leaving: true });
    const until = performance.now() + clusterLimits.leaveMs;
    while (this.#keeper.held > 0 && this.#others > 0) {
      if (performance.now() > until) return false;
      await new Promise((resolve) => setTimeout(resolve, 20));
      this.#look();
    }
    return true;
  }

  /** After `leave`: when there are no sessions any more. */
  async close(): Promise<void> {
    if (this.#isLeaving) await this.#farewell();
    this.#isClosed = true;
    for (const timer of this.#timers) clearInterval(timer);
    await this.#hints?.close();
    await this.#links.close();
  }

  /**
   * Others may not have heard yet that nothing is here any more, and what they ask here until then would be lost with the link. So each is asked something that it
   * answers in its turn: whatever it sent before has come by then, and has gone back.
   */
  async #farewell(): Promise<void> {
    const answers = this.#links.linked.map(({ seat }) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#farewells.set(seat, resolve);
      // Of a shard that it gives away it would answer late.
      const shard = shards.find((each) => this.#ports.board.placement.of(each) !== seat) ?? 0;
      this.#links.send(seat, { kind: 'sync', shard });
      return promise;
    });
    const late = Promise.withResolvers<unknown>();
    const timer = setTimeout(late.resolve, clusterLimits.farewellMs, null);
    await Promise.race([Promise.all(answers), late.promise]);
    clearTimeout(timer);
  }

  #every(ms: number, run: () => void): void {
    this.#timers.push(setInterval(run, ms));
  }

  /** An answer of the store, or that there was none; then everything is looked at again. */
  #told<T>(asked: Promise<T>, done: (answer: T | undefined) => void): void {
    const failed = (cause: unknown) => {
      // A store that closes under a last question is none that fails.
      if (!this.#isClosed) this.#ports.failed(cause);
      done(undefined);
    };
    void asked.then(done, failed).then(() => this.#lookSoon());
  }

  #lookSoon(): void {
    if (this.#looking) return;
    this.#looking = true;
    setImmediate(() => {
      this.#looking = false;
      this.#look();
    });
  }

  #look(): void {
    // An answer of the store may come when all is over.
    if (this.#isClosed) return;
    const now = performance.now();
    this.#lookAtOneself(now);
    this.#lookAtRedis();
    const links = this.#links;
    const linked = new Set(links.linked.map(({ seat }) => seat));
    const live = this.#neighbours.look(
      {
        places: this.#places,
        signs: this.#hints?.alive ?? [],
        canAskRedis: this.#hints === null ? false : this.#canAskRedis,
        isLinked: (seat) => linked.has(seat),
        isGone: (seat) => links.isGone(seat),
        isStrange: (seat) => links.isStrange(seat),
      },
      now,
    );
    if (live.length === 0 || linked.size > 0) this.#linkedMs = now;
    this.#others = live.filter(({ leaving }) => !leaving).length;
    links.want(this.#neighbours.places);
    if (this.#isFresh) this.#keeper.tick(live);
    this.#ports.board.tick();
  }

  #unproven(seat: number): void {
    const now = performance.now();
    if (now - this.#unprovenMs < clusterLimits.unprovenMs) return;
    this.#unprovenMs = now;
    this.#ports.log.warn('node not accepted', { seat });
  }

  /** Rule of freshness: a process that was paused or cut off must not go on showing what may be old. It guards freshness only, never safety. */
  #lookAtOneself(now: number): void {
    const isFresh = now - this.#ports.aliveSinceMs() < clusterLimits.staleMs;
    if (isFresh === this.#isFresh) return;
    this.#isFresh = isFresh;
    this.#ports.fresh(isFresh);
    if (!isFresh) this.#ports.checkFence();
  }

  /** Without it a machine that vanishes is missed for longer: somebody should know. */
  #lookAtRedis(): void {
    if (this.#hints === null) return;
    const { reachable, trouble } = this.#hints;
    // At the start it is given time to answer at all.
    const isEarly = this.#canAskRedis === null && performance.now() - this.#beganMs < clusterLimits.redisMs;
    if (reachable === this.#canAskRedis || (!reachable && isEarly)) return;
    this.#canAskRedis = reachable;
    if (reachable) this.#ports.log.info('redis answers');
    else this.#ports.log.warn('redis does not answer', {}, trouble);
  }

  async #readRegister(): Promise<void> {
    try {
      this.#places = await this.#ports.register.list();
    } catch (cause) {
      // The links and Redis show whom they show.
      if (!this.#isClosed) this.#ports.failed(cause);
    }
  }
}

const shards = Array.from({ length: shardCount }, (_, shard) => shard);

function ofShards(shards: ReadonlySet<number>): (address: Address) => boolean {
  return (address) => shards.has(shardOf(address));
}
