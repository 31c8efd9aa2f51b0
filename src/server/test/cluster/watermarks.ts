// The most that each node was seen to hold of what must stay bounded whatever devices and other nodes do. Nodes are asked again and again while things
// happen, each after so many events of the history, so that the worst moments are the best watched.
import { defaultHeldLimits } from '#actors/cluster/held.ts';
import { limits as protocol } from '#proto/rules/limits.ts';
import type { ProviderNode } from '../../../../deploy/dev/provider/provider.ts';
import { linkLimits } from '../../cluster/link.ts';
import { defaultLimits } from '../../transport/limits.ts';
import type { Recorder } from '../history/recorder.ts';
import type { ClusterStage } from './cluster-stage.ts';

/** Metrics that are watched. */
export const watched = ['devices', 'nodes', 'letters', 'memory'] as const;

const metricOf = {
  devices: 'device_bytes_waiting',
  nodes: 'node_bytes_waiting',
  letters: 'letters_waiting',
  memory: 'process_resident_memory_bytes',
} as const;

export type Marks = { readonly [K in (typeof watched)[number]]: number };

/** Events between two looks at a node. */
const everyEvents = 100;

/** What a process takes besides for new rooms, shards and sessions of a node that died, and what its collector has not come to yet. */
const restMax = 128 * 1024 * 1024;

export class Watermarks {
  /** The most that any node held when it began. */
  readonly base: Marks;
  readonly #stage: ClusterStage;
  readonly #most = new Map<string, Marks>();
  readonly #watching: Promise<unknown>;
  #over = false;

  private constructor(stage: ClusterStage, recorder: Recorder, base: Marks) {
    this.#stage = stage;
    this.base = base;
    this.#watching = Promise.all(stage.provider.nodes.map((node) => this.#watch(node, recorder)));
  }

  /** All nodes must run. */
  static async begin(stage: ClusterStage, recorder: Recorder): Promise<Watermarks> {
    const all = await Promise.all(stage.provider.nodes.map((node) => marksOf(stage, node)));
    return new Watermarks(stage, recorder, all.reduce(higher));
  }

  /** No more; the most of each node, by name. While the history goes on, and no node is paused. */
  async end(): Promise<ReadonlyMap<string, Marks>> {
    this.#over = true;
    await this.#watching;
    console.table(Object.fromEntries([['before', this.base], ...this.#most]));
    return this.#most;
  }

  async #watch(node: ProviderNode, recorder: Recorder): Promise<void> {
    while (!this.#over) {
      await recorder.after(everyEvents);
      // One that is down holds nothing; one that is paused answers when it wakes.
      const marks = await marksOf(this.#stage, node).catch(() => null);
      if (marks === null) continue;
      const most = this.#most.get(node.name);
      this.#most.set(node.name, most === undefined ? marks : higher(most, marks));
    }
  }
}

/** What a node holds now. Rejects where it does not answer or lacks one of the metrics. */
export async function marksOf(stage: ClusterStage, node: ProviderNode): Promise<Marks> {
  const metrics = await stage.metrics(node);
  return marks((name) => {
    const value = metrics.get(metricOf[name]);
    if (value === undefined) throw new Error(`${node.name} does not tell ${metricOf[name]}`);
    return value;
  });
}

/**
 * What the limits let one of three nodes hold. A device that reads nothing has its backlog here, and one batch over it. (Those that read have next to nothing
 * there.) Every process may hold as much as the one that held most before, all that may wait at once, and the rest.
 */
export function boundsOf(base: Marks, { stalled, devices }: { stalled: number; devices: number }): Marks {
  const { backpressureBytesMax, messageBytesMax } = defaultLimits;
  const waiting = stalled * (backpressureBytesMax + messageBytesMax);
  const nodes = 2 * linkLimits.waitingBytesMax;
  const { lettersMax, bytesMax } = defaultHeldLimits;
  const letters = lettersMax + devices * protocol.requestsMax;
  return { devices: waiting, nodes, letters, memory: base.memory + waiting + nodes + bytesMax + restMax };
}

function higher(a: Marks, b: Marks): Marks {
  return marks((name) => Math.max(a[name], b[name]));
}

function marks(read: (name: keyof Marks) => number): Marks {
  return { devices: read('devices'), nodes: read('nodes'), letters: read('letters'), memory: read('memory') };
}
