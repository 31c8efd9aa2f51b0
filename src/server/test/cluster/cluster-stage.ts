// A provider of several real nodes for tests, and people who log in at one of them. Cassandra and Redis are the run's own, or the test's.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LuxchatClient } from '#client/luxchat-client.ts';
import { createDevice, openDevice } from '#client/node/device-folder.ts';
import { standInLogin } from '#client/node/stand-in-walk.ts';
import {
  type Provider,
  type ProviderNode,
  type ProviderOptions,
  startNodes,
} from '../../../../deploy/dev/provider/provider.ts';
import { eventually } from '../harness.ts';

const password = 'moien-moien';

/** For load, and so that rooms move often. */
const loose = [
  ['logins-per-minute', '100000'],
  ['http-requests-per-source', '1000'],
  ['connections-per-source-second', '10000'],
  ['limit-invitations', 'off'],
  ['send-burst', '100000'],
  ['send-per-second', '10000'],
].flatMap(([name, value]) => [`--${name}`, value as string]);

export class ClusterStage {
  readonly provider: Provider;

  private constructor(provider: Provider) {
    this.provider = provider;
  }

  static async start(
    options: Omit<ProviderOptions, 'flags'> & { readonly flags?: readonly string[] },
  ): Promise<ClusterStage> {
    return new ClusterStage(await startNodes({ ...options, flags: [...loose, ...(options.flags ?? [])] }));
  }

  /** By number, from 1. */
  node(number: number): ProviderNode {
    return this.provider.nodes[number - 1] as ProviderNode;
  }

  /** Its port for devices. */
  portOf(node: ProviderNode): number {
    return Number(new URL(node.url).port);
  }

  /** Logs a person in on a new device, at this node, or at another one first; in step when it resolves. */
  async device(
    user: string,
    at: ProviderNode,
    { name = 'test', loginAt = at }: { readonly name?: string; readonly loginAt?: ProviderNode } = {},
  ): Promise<LuxchatClient> {
    const folder = mkdtempSync(join(tmpdir(), 'luxchat-device-'));
    const login = await standInLogin(
      { server: loginAt.url },
      { user, password, deviceName: name, askCode: () => this.code(user) },
    );
    await createDevice(folder, at.url, login);
    const client = await openDevice(folder, { backoffMaxMs: 500 });
    await client.start();
    await client.synced();
    return client;
  }

  /** Metrics of a node, by name, or by `name kind` where they have kinds; those with other labels are left out. */
  async metrics(node: ProviderNode): Promise<ReadonlyMap<string, number>> {
    const text = await (await fetch(`${node.opsUrl}/metrics`)).text();
    const lines = text.matchAll(/^luxchat_(\w+)(?:\{kind="([^"]+)"\})? (\S+)$/gm);
    return new Map(
      Array.from(lines, ([, name = '', kind, value]) => [kind === undefined ? name : `${name} ${kind}`, Number(value)]),
    );
  }

  /** Shards of each node, in the order of the nodes; those that are down have none. */
  async shards(): Promise<number[]> {
    return await Promise.all(
      this.provider.nodes.map(async (node) => (node.alive() ? ((await this.metrics(node)).get('shards') ?? 0) : 0)),
    );
  }

  /** Starts those again that ended, as whoever watches over them would: again and again, since Cassandra may be away. */
  async restartDead(): Promise<void> {
    for (const node of this.provider.nodes) {
      if (!node.alive())
        await eventually(
          `${node.name} starts`,
          () =>
            node.start().then(
              () => true,
              () => false,
            ),
          120_000,
        );
    }
  }

  /** Every node that runs has its share. */
  async spread(): Promise<void> {
    const running = this.provider.nodes.filter((node) => node.alive()).length;
    await eventually(
      'each has its share of all',
      async () => {
        const shards = (await this.shards()).filter((count) => count > 64 / (2 * running));
        return shards.length === running && shards.reduce((a, b) => a + b) === 64;
      },
      30_000,
    );
  }

  stop(): Promise<void> {
    return this.provider.stop();
  }

  /** The newest code that the stand-in "sent" to this person, once it is there. */
  async code(user: string): Promise<string> {
    const seen = this.#codes.get(user);
    for (;;) {
      const codes = [...this.provider.codes().matchAll(new RegExp(`SMS code for ${user} is (\\d+)`, 'g'))];
      const code = codes.at(-1)?.[1];
      if (code !== undefined && codes.length !== seen) {
        this.#codes.set(user, codes.length);
        return code;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  readonly #codes = new Map<string, number>();
}
