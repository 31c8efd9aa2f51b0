// The processes of the nodes: each node has one after the other and sometimes two at a time; each starts by making a generation and fencing those of
// its node before it. Devices connect to the newest of some node that is ready; an older one that still lives goes on with those it has, as a machine
// does that was cut off.
import { firstSession } from '#actors/cluster/seats.ts';
import type { Generation } from '#actors/ports/log-store.ts';
import type { DeviceEnd } from './link.ts';
import { Link } from './link.ts';
import { type NodeOptions, SimNode } from './node.ts';
import { Peers } from './peers.ts';
import type { Random } from './random.ts';
import type { Asker } from './store.ts';

/** What every process is made of, without what differs between them. */
export type ProcessOptions = Omit<NodeOptions, 'generation' | 'skewMs' | 'died' | 'town'>;

export interface ClusterOptions extends ProcessOptions {
  readonly random: Random;
  readonly linkDelayMs: () => number;
  /** Between nodes. Default 2. */
  readonly peerDelayMs?: () => number;
  readonly skewMsMax: number;
  /** Default 1. */
  readonly nodes?: number;
}

const retryMs = 100;
/** Milliseconds until a dead process is followed by the next. */
const restartMsMax = 1_500;
/** Milliseconds from when a log is opened elsewhere to when a process that has it and stood still goes on. */
const wakeMsMax = 100;

/** A node: the newest of its processes that is ready, and whether the next one is being started. */
interface Place {
  readonly node: string;
  current: SimNode | null;
  starting: boolean;
}

export class Cluster {
  readonly #options: ClusterOptions;
  readonly #places: readonly Place[];
  readonly #peers: Peers | null;
  readonly #living = new Set<SimNode>();
  readonly #troubled = new WeakSet<SimNode>();
  #links = 0;
  #seats = 0;

  constructor(options: ClusterOptions) {
    this.#options = options;
    const count = options.nodes ?? 1;
    this.#places = Array.from({ length: count }, (_, n) => ({ node: `n${n + 1}`, current: null, starting: false }));
    this.#peers =
      count > 1 ? new Peers(options.schedule, options.random.fork(), options.peerDelayMs ?? (() => 2)) : null;
  }

  /** The newest process of each node that is ready. */
  get processesNow(): SimNode[] {
    return this.#places.flatMap(({ current }) => (current === null ? [] : [current]));
  }

  /** Starts a process on every node; it follows the one that is there, if one is. */
  start(): void {
    for (const place of this.#places) this.#start(place);
  }

  /** A connection of a device to some process of the moment. */
  connect(device: DeviceEnd): { readonly link: Link; readonly isSound: () => boolean } | null {
    const process = this.#some()?.current;
    if (process == null) return null;
    const { schedule, random, linkDelayMs } = this.#options;
    const id = firstSession(process.seat) + ++this.#links;
    const link = new Link({ id, schedule, random, delayMs: linkDelayMs(), node: process.connections, device });
    schedule.after(1, () => process.inside(() => process.connections.accept(link))());
    return { link, isSound: () => !process.dead && !this.#troubled.has(process) };
  }

  /** A process dies; another one starts a little later. */
  crash(): void {
    this.#some()?.current?.die();
  }

  /** It goes on after so long, or when its successor is about to read what it has in mind to write. */
  #wakeLater(old: SimNode, stillMs: number): void {
    const { schedule, random, store } = this.#options;
    const goOn = () => {
      stop();
      old.goOn();
    };
    const stop = store.watch((log) => {
      if (old.hasLog(log) && random.chance(store.faults.wakes)) schedule.after(random.between(0, wakeMsMax), goOn);
    });
    schedule.after(stillMs, goOn);
  }

  /** A process gives its shards away before it stops, as at a planned restart: mostly the one that came last, so that they come back to where they
   *  were. Only where there are several nodes. */
  leave(): void {
    if (this.#peers === null) return;
    const newest = this.processesNow.sort((a, b) => b.seat - a.seat)[0];
    const leaver = this.#options.random.chance(0.7) ? newest : this.#some()?.current;
    if (leaver == null) return;
    this.#options.trace(`${leaver.generation.node} process ${leaver.generation.gen} leaves`);
    leaver.leave();
  }

  /** Every process dies. */
  crashAll(): void {
    for (const process of this.processesNow) process.die();
  }

  /** Another process takes over from one that lives on; for so long it stands still first. Of several nodes the others may do so by themselves. */
  takeOver(stillMs: number): void {
    const place = this.#some();
    const old = place?.current;
    if (place == null || old == null) return;
    this.#troubled.add(old);
    if (stillMs > 0) {
      old.standStill();
      this.#wakeLater(old, stillMs);
    }
    if (this.#peers === null || this.#options.random.chance(0.3)) this.#start(place);
  }

  /** A link between two nodes breaks, where there are several. */
  breakPeers(): void {
    this.#peers?.break();
  }

  /** Every process but the newest of each node is gone for good. */
  settle(): void {
    const newest = new Set(this.processesNow);
    for (const process of [...this.#living]) if (!newest.has(process)) process.die();
    for (const place of this.#places) if (place.current === null) this.#start(place);
  }

  /** Processes that were ever ready. */
  processes = 0;

  /** Some node with a process that is ready. */
  #some(): Place | undefined {
    const ready = this.#places.filter(({ current }) => current !== null);
    return ready.length < 2 ? ready[0] : this.#options.random.pick(ready);
  }

  #start(place: Place): void {
    if (place.starting) return;
    place.starting = true;
    const boot: Asker = { dead: false };
    const { store, schedule, random, skewMsMax } = this.#options;
    const { node } = place;
    const insist = <T>(work: Parameters<typeof store.ask<T>>[1], then: (value: T) => void): void => {
      store.ask({ asker: boot }, work, (answer) => {
        if (answer === null) schedule.after(retryMs, () => insist(work, then));
        else then(answer.value);
      });
    };
    insist(
      (memory) => memory.createGeneration(node),
      (generation) =>
        insist(
          (memory) => memory.readAlive(node, generation),
          (alive) => {
            let left = alive.filter(({ gen }) => gen < generation.gen).length;
            const ready = () => this.#ready(place, generation, random.between(-skewMsMax, skewMsMax));
            if (left === 0) return ready();
            for (const earlier of alive) {
              if (earlier.gen > generation.gen) continue;
              insist(
                (memory) => memory.fence(earlier),
                () => {
                  if (--left === 0) ready();
                },
              );
            }
          },
        ),
    );
  }

  #ready(place: Place, generation: Generation, skewMs: number): void {
    place.starting = false;
    this.processes++;
    this.#options.trace(`${this.#peers === null ? '' : `${place.node} `}process ${generation.gen} is ready`);
    if (place.current !== null) this.#troubled.add(place.current);
    const process: SimNode = new SimNode({
      ...this.#options,
      generation,
      skewMs,
      died: (dead) => this.#died(place, dead),
      ...(this.#peers === null ? {} : { town: { seat: ++this.#seats, peers: this.#peers } }),
    });
    place.current = process;
    this.#living.add(process);
  }

  #died(place: Place, process: SimNode): void {
    this.#options.trace(`process ${process.generation.gen} of ${place.node} is gone`);
    this.#living.delete(process);
    if (place.current !== process) return;
    place.current = null;
    this.#options.schedule.after(this.#options.random.between(20, restartMsMax), () => {
      if (place.current === null) this.#start(place);
    });
  }
}
