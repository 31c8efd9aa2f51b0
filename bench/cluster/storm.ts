// A node dies and everybody comes back at once: 2,000 people in rooms of ten who missed 50 messages each; one node of three is killed, and in the same
// moment all of them connect to the two that are left, say hello, look at the inbox, list rooms, subscribe, and fetch what they missed, also from rooms
// that were the dead node's. Measured from the kill until the last one has everything. `calm`: the same with all three alive.
// Run: node bench/cluster/storm.ts [--write] [--people 2000] [--missed 50] [--rounds 3]
import { parseArgs } from 'node:util';
import type { ProviderNode } from '../../deploy/dev/provider/provider.ts';
import { BenchCluster, cpuOf, Services } from '../lib/cluster.ts';
import { people } from '../lib/people.ts';
import type { Storm } from '../lib/storm-process.ts';
import { Child } from '../micro/lib/child.ts';
import { median, writeResult } from '../micro/lib/figures.ts';

const { values: flags } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    people: { type: 'string', default: '2000' },
    missed: { type: 'string', default: '50' },
    rounds: { type: 'string', default: '3' },
  },
});
const count = Number(flags.people);
const missed = Number(flags.missed);
const members = 10;
const bodyBytes = 600;

interface Round extends Storm {
  readonly nodesMicros: number;
  readonly cassandraMicros: number;
  readonly loadMicros: number;
}

const services = await Services.start();
const cluster = await BenchCluster.start(services, { nodes: 3 });
const load = new Child(new URL('../lib/storm-process.ts', import.meta.url));
const [victim, ...others] = cluster.nodes as [ProviderNode, ...ProviderNode[]];
const logins = await people(cluster, count);
await load.call('found', { port: cluster.ports, provider: cluster.provider, logins, members });
const seen: Record<'calm' | 'killed', Round[]> = { calm: [], killed: [] };

async function round(kind: 'calm' | 'killed'): Promise<void> {
  await load.call('miss', { missed, bodyBytes });
  const alive = kind === 'calm' ? cluster.nodes : others;
  const cpu = async () => ({
    nodes: alive.reduce((sum, { pid }) => sum + cpuOf(pid), 0),
    cassandra: services.cassandraCpu(),
    load: await load.call<number>('cpu'),
  });
  const before = await cpu();
  const given = kind === 'calm' ? null : { kill: victim.pid, port: cluster.ports.slice(1) };
  const one = await load.call<Storm>('storm', given);
  const after = await cpu();
  if (one.records !== count * missed) throw new Error(`${one.records} records instead of ${count * missed}`);
  seen[kind].push({
    ...one,
    nodesMicros: after.nodes - before.nodes,
    cassandraMicros: after.cassandra - before.cassandra,
    loadMicros: after.load - before.load,
  });
  console.error(kind, one);
  if (kind === 'calm') return;
  await victim.start();
  await cluster.balanced();
}

for (let n = 0; n < Number(flags.rounds); n++) for (const kind of ['calm', 'killed'] as const) await round(kind);
const figures = (['calm', 'killed'] as const).map((kind) => {
  const of = (pick: (one: Round) => number) => round2(median(seen[kind].map(pick)));
  return {
    kind,
    'all back after s': of((one) => one.wallMicros / 1e6),
    'half back after s': of((one) => one.p50 / 1e6),
    'asked again': of((one) => one.again),
    'connected again': of((one) => one.reconnects),
    'nodes CPU s': of((one) => one.nodesMicros / 1e6),
    'Cassandra CPU s': of((one) => one.cassandraMicros / 1e6),
    'load CPU s': of((one) => one.loadMicros / 1e6),
    'MB fetched': of((one) => one.bytes / 1e6),
  };
});
console.table(figures);
await load.stop();
await cluster.stop();
await services.stop();
if (flags.write)
  writeResult('cluster-storm', { people: count, missed, members, bodyBytes, rounds: Number(flags.rounds) }, figures);

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
