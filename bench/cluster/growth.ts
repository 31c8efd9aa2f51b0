// What a message costs as rooms and nodes grow: the same number of messages under way all the time, going round all rooms, three members each on nodes
// of their own. First 10 to 10,000 rooms on one node, then 1,000 rooms on one, two and three nodes, in alternating rounds.
// Run: node bench/cluster/growth.ts [--write] [--rooms 10,100,1000,10000] [--nodes 1,2,3] [--in-flight 10] [--messages 4000] [--rounds 5]
import { parseArgs } from 'node:util';
import { BenchCluster, Services } from '../lib/cluster.ts';
import { people } from '../lib/people.ts';
import { Child } from '../micro/lib/child.ts';
import { median, writeResult } from '../micro/lib/figures.ts';

const { values: flags } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    rooms: { type: 'string', default: '10,100,1000,10000' },
    nodes: { type: 'string', default: '1,2,3' },
    'in-flight': { type: 'string', default: '10' },
    messages: { type: 'string', default: '4000' },
    rounds: { type: 'string', default: '5' },
  },
});
const members = 3;
const peopleCount = 300;
const inFlight = Number(flags['in-flight']);
const messages = Number(flags.messages);
const rounds = Number(flags.rounds);
const numbers = (text: string) => text.split(',').map(Number);

interface Report {
  readonly wallMicros: number;
  readonly ackP50: number;
  readonly ackP99: number;
}

interface Round extends Report {
  readonly cpuMicros: number;
  readonly cassandraMicros: number;
  readonly loadMicros: number;
}

interface Side {
  readonly cluster: BenchCluster;
  readonly load: Child;
  rooms: number;
}

const services = await Services.start();
const sides: Side[] = [];
const figures: Record<string, unknown>[] = [];

/** Rooms stay in memory, as they would where somebody writes in each every minute. */
async function start(nodes: number, keyspace: string): Promise<Side> {
  const cluster = await BenchCluster.start(services, { nodes, keyspace, flags: { '--room-idle-seconds': '86400' } });
  const load = new Child(new URL('../lib/lanes-process.ts', import.meta.url));
  const side = { cluster, load, rooms: 0 };
  sides.push(side);
  await load.call('people', { ports: cluster.ports, logins: await people(cluster, peopleCount) });
  return side;
}

async function grow(side: Side, count: number): Promise<void> {
  const { provider, keyspace: name } = side.cluster;
  await side.load.call('found', { count, members, provider, name });
  side.rooms = count;
}

async function round({ cluster, load }: Side): Promise<Round> {
  const before = { cpu: cluster.cpu(), cassandra: services.cassandraCpu(), load: await load.call<number>('cpu') };
  const report = await load.call<Report>('steady', { inFlight, messages });
  return {
    ...report,
    cpuMicros: cluster.cpu() - before.cpu,
    cassandraMicros: services.cassandraCpu() - before.cassandra,
    loadMicros: (await load.call<number>('cpu')) - before.load,
  };
}

function note(growing: 'rooms' | 'nodes', { cluster, rooms }: Side, seen: readonly Round[]): void {
  const of = (pick: (one: Round) => number) => median(seen.map(pick));
  const row = {
    growing,
    nodes: cluster.nodes.length,
    rooms,
    'CPU µs/message': round1(of((one) => one.cpuMicros / messages)),
    'CPU µs/delivery': round1(of((one) => one.cpuMicros / messages / members)),
    'Cassandra µs/message': round1(of((one) => one.cassandraMicros / messages)),
    'messages/s': Math.round(of((one) => (messages / one.wallMicros) * 1e6)),
    'ack p50 ms': round1(of((one) => one.ackP50 / 1000)),
    'ack p99 ms': round1(of((one) => one.ackP99 / 1000)),
    'load busy': Math.round(of((one) => one.loadMicros / one.wallMicros) * 100) / 100,
  };
  console.error(row);
  figures.push(row);
}

const growing = await start(1, 'rooms');
for (const count of numbers(flags.rooms)) {
  await grow(growing, count);
  await round(growing);
  const seen: Round[] = [];
  for (let n = 0; n < rounds; n++) seen.push(await round(growing));
  note('rooms', growing, seen);
}
await growing.load.stop();
await growing.cluster.stop();
sides.pop();

const spread = new Map<Side, Round[]>();
for (const nodes of numbers(flags.nodes)) {
  const side = await start(nodes, `nodes_${nodes}`);
  await grow(side, Math.min(1_000, Math.max(...numbers(flags.rooms))));
  await round(side);
  spread.set(side, []);
}
for (let n = 0; n < rounds; n++) {
  const order = [...spread.keys()];
  for (const side of n % 2 === 0 ? order : order.toReversed()) spread.get(side)?.push(await round(side));
}
for (const [side, seen] of spread) note('nodes', side, seen);
console.table(figures);
for (const { load, cluster } of sides) {
  await load.stop();
  await cluster.stop();
}
await services.stop();
if (flags.write) writeResult('cluster-growth', { members, people: peopleCount, inFlight, messages, rounds }, figures);

function round1(value: number): number {
  return Math.round(value * 10) / 10;
}
