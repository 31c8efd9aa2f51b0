// What a node holds that does nothing: 10,000 rooms, founded and then idle, and 10,000 authenticated connections, each subscribed to two of the
// rooms. Resident memory as the system sees it, mapped files and garbage included, and CPU time a second. Rooms leave memory after a minute, as they do at a
// provider; `--awake` keeps them in it.
// Run: node bench/cluster/idle.ts [--write] [--rooms 10000] [--connections 10000] [--settle 90] [--seconds 30] [--awake]
import { parseArgs } from 'node:util';
import type { ProviderNode } from '../../deploy/dev/provider/provider.ts';
import { BenchCluster, cpuOf, residentOf, Services } from '../lib/cluster.ts';
import { people } from '../lib/people.ts';
import { Child } from '../micro/lib/child.ts';
import { writeResult } from '../micro/lib/figures.ts';

const { values: flags } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    rooms: { type: 'string', default: '10000' },
    connections: { type: 'string', default: '10000' },
    settle: { type: 'string', default: '90' },
    seconds: { type: 'string', default: '30' },
    awake: { type: 'boolean', default: false },
  },
});
const rooms = Number(flags.rooms);
const connections = Number(flags.connections);
const members = 2;
const services = await Services.start();
const cluster = await BenchCluster.start(services, {
  nodes: 1,
  flags: flags.awake ? { '--room-idle-seconds': '86400' } : {},
});
const node = cluster.nodes[0] as ProviderNode;
const load = new Child(new URL('../lib/lanes-process.ts', import.meta.url));
const figures: Record<string, unknown>[] = [];

/** After actors fell asleep and the heap shrank by itself. */
async function measure(what: string): Promise<void> {
  await sleep(Number(flags.settle));
  const [cpu, began] = [cpuOf(node.pid), performance.now()];
  await sleep(Number(flags.seconds));
  const text = await (await fetch(`${node.opsUrl}/metrics`)).text();
  const gauge = (name: string) => Number(new RegExp(`^luxchat_${name} (\\d+)$`, 'm').exec(text)?.[1]);
  figures.push({
    what,
    'resident MB': Math.round(residentOf(node.pid) / 1024 ** 2),
    'CPU ms/s': Math.round(((cpuOf(node.pid) - cpu) / (performance.now() - began)) * 10) / 10,
    'actors in memory': gauge('actors'),
    connections: gauge('connections'),
  });
  console.error(figures.at(-1));
}

await measure('a node that has just started');
const logins = await people(cluster, connections);
await load.call('people', { ports: cluster.ports, logins });
await measure('with the connections');
await load.call('found', { count: rooms, members, provider: cluster.provider, name: 'idle' });
await measure('with the connections and the rooms');
console.table(figures);
await load.stop();
await cluster.stop();
await services.stop();
const { awake, settle } = flags;
if (flags.write)
  writeResult(awake ? 'cluster-idle-awake' : 'cluster-idle', { rooms, connections, members, settle, awake }, figures);

function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
