// Devices that stop reading while they stay connected, in a room that talks as much as it can: what they cost the nodes, and what becomes of them. That
// nobody else noticed, and that they have everything in the end, is for the history to show.
import type { ProviderNode } from '../../../../../deploy/dev/provider/provider.ts';
import { eventually } from '../../harness.ts';
import type { Talking } from '../../history/crowd/crowd.ts';
import type { Talker } from '../../history/talk/talker.ts';
import type { ClusterStage } from '../cluster-stage.ts';
import type { Trial } from '../trial.ts';

/** As long as a body may be: some hundred of them fill what kernels keep for a loopback socket and what the server lets wait. */
const bodyBytes = 48 * 1024;

/** Until a node has cut off every device that reads nothing; and until those have come back, milliseconds. */
const [cutOffMs, backMs] = [60_000, 60_000];

const slowCloses = 'closes_total DISCONNECT_SLOW_READER';

export class Stalled {
  readonly #stage: ClusterStage;
  readonly #trial: Trial;
  readonly #talkers: readonly Talker[];
  readonly #loud: Talking;
  /** How many devices each node had cut off as slow before. */
  readonly #before: ReadonlyMap<ProviderNode, number>;

  private constructor(
    stage: ClusterStage,
    trial: Trial,
    parts: { talkers: readonly Talker[]; loud: Talking; before: ReadonlyMap<ProviderNode, number> },
  ) {
    this.#stage = stage;
    this.#trial = trial;
    this.#talkers = parts.talkers;
    this.#loud = parts.loud;
    this.#before = parts.before;
  }

  /** From now on as many members of a room as there are nodes, one at each, read nothing, and the others are loud. The room is counted from the last one. */
  static async begin(stage: ClusterStage, trial: Trial, fromLast: number): Promise<Stalled> {
    const { talkers: all } = trial.crowd;
    const { nodes } = stage.provider;
    const room = [...new Set(all.flatMap(({ rooms }) => rooms))].at(-fromLast) ?? '';
    const members = all.filter(({ rooms }) => rooms.includes(room));
    const [writers, talkers] = [members.slice(0, -nodes.length), members.slice(-nodes.length)];
    await eventually('they are there', () => talkers.every(({ live }) => live));
    const before = new Map<ProviderNode, number>();
    for (const node of nodes) before.set(node, await slowAt(stage, node));
    for (const talker of talkers) talker.stall();
    const body = crypto.getRandomValues(new Uint8Array(bodyBytes));
    const work = writers.map((writer) => () => writer.send(room, body));
    return new Stalled(stage, trial, { talkers, loud: trial.crowd.talking(work, 0), before });
  }

  /** How many read nothing. */
  get count(): number {
    return this.#talkers.length;
  }

  /** Resolves when these nodes have cut off all that read nothing from them, and nobody else; then the room is as quiet as any. How many those were. */
  async cutOff(nodes: readonly ProviderNode[]): Promise<number> {
    let count = 0;
    for (const node of nodes) {
      const { length } = this.#talkers.filter((talker) => talker.node === node.name);
      const expected = (this.#before.get(node) ?? 0) + length;
      await eventually(
        `${node.name} cuts them off`,
        async () => (await slowAt(this.#stage, node)) >= expected,
        cutOffMs,
      );
      if ((await slowAt(this.#stage, node)) > expected) throw new Error(`${node.name} cut off somebody who reads`);
      count += length;
    }
    await this.#loud.stop();
    return count;
  }

  /** They read on; resolves when each has found out that its connection is over, and has another one. What they missed they fetch from then on. */
  async end(): Promise<void> {
    const { history } = this.#trial.recorder;
    const from = history.length;
    for (const talker of this.#talkers) talker.unstall();
    const back = () => new Set(history.slice(from).map((event) => (event.kind === 'opened' ? event.device : '')));
    await eventually('they are back', () => this.#talkers.every(({ key }) => back().has(key)), backMs);
  }
}

async function slowAt(stage: ClusterStage, node: ProviderNode): Promise<number> {
  return (await stage.metrics(node)).get(slowCloses) ?? 0;
}
