// The processes of the one node, one after the other and sometimes two at a time: each starts by making a generation and fencing those before it.
// Devices connect to the newest that is ready; an older one that still lives goes on with those it has, as a machine does that was cut off.
import type { Generation } from '#actors/ports/log-store.ts';
import type { DeviceEnd } from './link.ts';
import { Link } from './link.ts';
import { type NodeOptions, SimNode } from './node.ts';
import type { Random } from './random.ts';
import type { Asker } from './store.ts';

/** What every process is made of, without what differs between them. */
export type ProcessOptions = Omit<NodeOptions, 'generation' | 'skewMs' | 'died'>;

export interface ClusterOptions extends ProcessOptions {
  readonly random: Random;
  readonly linkDelayMs: () => number;
  readonly skewMsMax: number;
}

const node = 'n1';
const retryMs = 100;
/** Milliseconds until a dead process is followed by the next. */
const restartMsMax = 1_500;

export class Cluster {
  /** The newest process that is ready. */
  current: SimNode | null = null;
  readonly #options: ClusterOptions;
  readonly #living = new Set<SimNode>();
  readonly #troubled = new WeakSet<SimNode>();
  #links = 0;
  #starting = false;

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  /** Starts a process; it follows the one that is there, if one is. */
  start(): void {
    if (this.#starting) return;
    this.#starting = true;
    const boot: Asker = { dead: false };
    const { store, schedule, random, skewMsMax } = this.#options;
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
            const ready = () => this.#ready(generation, random.between(-skewMsMax, skewMsMax));
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

  /** A connection of a device to the process of the moment. */
  connect(device: DeviceEnd): { readonly link: Link; readonly isSound: () => boolean } | null {
    const process = this.current;
    if (process === null) return null;
    const { schedule, random, linkDelayMs } = this.#options;
    const id = ++this.#links;
    const link = new Link({ id, schedule, random, delayMs: linkDelayMs(), node: process, device });
    schedule.after(1, () => process.inside(() => process.accept(link))());
    return { link, isSound: () => !process.dead && !this.#troubled.has(process) };
  }

  /** The process dies; another one starts a little later. */
  crash(): void {
    this.current?.die();
  }

  /** Another process takes over from one that lives on; for so long it stands still first. */
  takeOver(stillMs: number): void {
    const old = this.current;
    if (old === null) return;
    this.#troubled.add(old);
    if (stillMs > 0) {
      old.standStill();
      this.#options.schedule.after(stillMs, () => old.goOn());
    }
    this.start();
  }

  /** Every process but the newest is gone for good. */
  settle(): void {
    for (const process of [...this.#living]) if (process !== this.current) process.die();
    if (this.current === null) this.start();
  }

  /** Processes that were ever ready. */
  processes = 0;

  #ready(generation: Generation, skewMs: number): void {
    this.#starting = false;
    this.processes++;
    this.#options.trace(`process ${generation.gen} is ready`);
    if (this.current !== null) this.#troubled.add(this.current);
    this.current = new SimNode({
      ...this.#options,
      generation,
      skewMs,
      died: (process) => this.#died(process),
    });
    this.#living.add(this.current);
  }

  #died(process: SimNode): void {
    this.#options.trace(`process ${process.generation.gen} is gone`);
    this.#living.delete(process);
    if (this.current !== process) return;
    this.current = null;
    this.#options.schedule.after(this.#options.random.between(20, restartMsMax), () => {
      if (this.current === null) this.start();
    });
  }
}
