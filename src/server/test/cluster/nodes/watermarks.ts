// The most that each node was seen to hold of what must stay bounded whatever devices and other nodes do. Nodes are asked again and again while things
// happen, each after so many events of the history, so that the worst moments are the best watched. And what a node holds on to in its memory, at a moment.
import { defaultHeldLimits } from '#actors/cluster/held.ts';
import { limits as protocol } from '#proto/rules/limits.ts';
import type { ProviderNode } from '../../../../../deploy/dev/provider/provider.ts';
import { linkLimits } from '../../../cluster/link.ts';
import { defaultLimits } from '../../../transport/limits.ts';
import { eventually } from '../../harness.ts';
import type { Recorder } from '../../history/recorder.ts';
import type { ClusterStage } from '../cluster-stage.ts';

/** Metrics that are watched. */
export const watched = ['devices', 'nodes', 'letters'] as const;

const metricOf = {
  devices: 'device_bytes_waiting',
  nodes: 'node_bytes_waiting',
  letters: 'letters_waiting',
} as const;

export type Marks = { readonly [K in (typeof watched)[number]]: number };

/** Events between two looks at a node. */
const everyEvents = 100;

/** What a process may hold on to besides, for new rooms, shards and sessions of a node that died, bytes. What stalled devices leave behind would be more. */
export const restMax = 48 * 1024 * 1024;

export class Watermarks {
  readonly #stage: ClusterStage;
  readonly #most = new Map<string, Marks>();
  readonly #watching: Promise<unknown>;
  #over = false;

  constructor(stage: ClusterStage, recorder: Recorder) {
    this.#stage = stage;
    this.#watching = Promise.all(stage.provider.nodes.map((node) => this.#watch(node, recorder)));
  }

  /** No more; the most of each node, by name. While the history goes on, and no node is paused. */
  async end(): Promise<ReadonlyMap<string, Marks>> {
    this.#over = true;
    await this.#watching;
    console.table(Object.fromEntries(this.#most));
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

/** Bytes that a running node holds on to, but for those that wait for devices and other nodes just then, which have bounds of their own. */
export async function heldBy(stage: ClusterStage, node: ProviderNode): Promise<number> {
  const said = () => [...node.output().matchAll(/^live (\d+)$/gm)];
  const { length } = said();
  process.kill(node.pid, 'SIGUSR2');
  await eventually(`${node.name} says what it holds`, () => said().length > length);
  const { devices, nodes } = await marksOf(stage, node);
  return Number(said().at(-1)?.[1]) - devices - nodes;
}

/**
 * What the limits let one of three nodes hold. A device that reads nothing has its backlog here, and one batch over it. (Those that read have next to nothing
 * there.)
 */
export function boundsOf({ stalled, devices }: { stalled: number; devices: number }): Marks {
  const { backpressureBytesMax, messageBytesMax } = defaultLimits;
  const letters = defaultHeldLimits.lettersMax + devices * protocol.requestsMax;
  const nodes = 2 * linkLimits.waitingBytesMax;
  return { devices: stalled * (backpressureBytesMax + messageBytesMax), nodes, letters };
}

function higher(a: Marks, b: Marks): Marks {
  return marks((name) => Math.max(a[name], b[name]));
}

function marks(read: (name: keyof Marks) => number): Marks {
  return { devices: read('devices'), nodes: read('nodes'), letters: read('letters') };
}
