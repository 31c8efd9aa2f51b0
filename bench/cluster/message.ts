// What a durable group message costs on Cassandra: one node, one Cassandra, 100 rooms of ten, one and eight messages in flight a room. Beside it, in
// the same run, what the same Cassandra does for the bare driver: single rows of the same bytes into a table like that of the logs, as many in flight.
// Run: node bench/cluster/message.ts [--write] [--rooms 100] [--members 10] [--rounds 5] [--in-flight 8] [--seconds 4]
//   [--beside CHECKOUT,CHECKOUT] [--profile FILE]
import { parseArgs } from 'node:util';
import type { BareReport } from '../lib/bare-process.ts';
import { BenchCluster, Services } from '../lib/cluster.ts';
import type { LoadReport } from '../lib/load.ts';
import { people } from '../lib/people.ts';
import { Child } from '../micro/lib/child.ts';
import { median, writeResult } from '../micro/lib/figures.ts';

const { values: flags } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    rooms: { type: 'string', default: '100' },
    members: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    'in-flight': { type: 'string' },
    beside: { type: 'string' },
    profile: { type: 'string' },
  },
});
const rooms = Number(flags.rooms);
const members = Number(flags.members);
const rounds = Number(flags.rounds);
const seconds = Number(flags.seconds);
const bodyBytes = 600;
const inFlights = flags['in-flight'] === undefined ? [1, 8] : [Number(flags['in-flight'])];
const checkouts = flags.beside?.split(',') ?? [];
if (flags.profile !== undefined) process.env.BENCH_PROFILE = flags.profile;

interface Round {
  readonly perSecond: number;
  readonly ackP50: number;
  readonly ackP99: number;
  readonly cpuMicros: number;
  readonly busy: number;
  readonly cassandraMicros: number;
  readonly cassandraBusy: number;
  readonly loadBusy: number;
}

/** Carries out so many messages a room, or writes in their place. */
interface Side {
  readonly kind: string;
  cpu(): Promise<number> | number;
  loadCpu(): Promise<number>;
  run(inFlight: number, perRoom: number): Promise<{ wallMicros: number; p50: number; p99: number }>;
}

const services = await Services.start();
const clusters: BenchCluster[] = [];
const children: Child[] = [];
const sides: Side[] = [];
for (const [n, checkout] of [undefined, ...checkouts].entries())
  sides.push(await nodeSide(checkout ?? 'provider', { checkout, keyspace: n === 0 ? 'luxchat' : `beside_${n}` }));
sides.unshift(await bareSide());

async function nodeSide(kind: string, options: { checkout: string | undefined; keyspace: string }): Promise<Side> {
  const cluster = await BenchCluster.start(services, { nodes: 1, ...options });
  const load = new Child(new URL('../lib/load-process.ts', import.meta.url));
  clusters.push(cluster);
  children.push(load);
  const logins = await people(cluster, rooms * members);
  const target = { kind, port: cluster.ports, provider: cluster.provider, name: 'message', logins, members, bodyBytes };
  await load.call('provider', target);
  return {
    kind,
    cpu: () => cluster.cpu(),
    loadCpu: () => load.call('cpu'),
    async run(inFlight, messagesPerRoom) {
      const report = await load.call<LoadReport>('run', { kind, inFlight, messagesPerRoom, bodyBytes });
      return { wallMicros: report.wallMicros, p50: report.ackP50, p99: report.ackP99 };
    },
  };
}

async function bareSide(): Promise<Side> {
  const client = await services.client('luxchat');
  // Rows as heavy as those of messages, which are the newest ones of any room.
  await sides[0]?.run(1, 20);
  const { rows: places } = await client.execute('select distinct log, segment from log_rows');
  const place = places.find(({ log }) => (log as string).startsWith('room/'));
  const newest = 'select row from log_rows where log = ? and segment = ? order by seq desc limit 10';
  const { rows } = await client.execute(newest, [place?.log, place?.segment], { prepare: true });
  const bytes = median(rows.map(({ row }) => (row as Buffer).length));
  await services.bareTable('luxchat');
  await client.shutdown();
  const bare = new Child(new URL('../lib/bare-process.ts', import.meta.url));
  children.push(bare);
  const { contactPoints, port } = services.cassandra;
  await bare.call('open', { contactPoints, port, keyspace: 'luxchat', bytes });
  console.error(`bare rows of ${bytes} bytes`);
  return {
    kind: 'bare',
    cpu: () => bare.call('cpu'),
    loadCpu: async () => 0,
    run: (inFlight, perRoom) => bare.call<BareReport>('run', { inFlight: inFlight * rooms, writes: rooms * perRoom }),
  };
}

async function round(side: Side, inFlight: number, perRoom: number): Promise<Round> {
  const [cpu, load, cassandra] = [await side.cpu(), await side.loadCpu(), services.cassandraCpu()];
  const { wallMicros, p50, p99 } = await side.run(inFlight, perRoom);
  const spent = { cpu: (await side.cpu()) - cpu, cassandra: services.cassandraCpu() - cassandra };
  const messages = perRoom * rooms;
  return {
    perSecond: messages / (wallMicros / 1e6),
    ackP50: p50,
    ackP99: p99,
    cpuMicros: spent.cpu / messages,
    busy: spent.cpu / wallMicros,
    cassandraMicros: spent.cassandra / messages,
    cassandraBusy: spent.cassandra / wallMicros,
    loadBusy: ((await side.loadCpu()) - load) / wallMicros,
  };
}

const figures: Record<string, unknown>[] = [];
for (const inFlight of inFlights) {
  const seen = new Map<Side, Round[]>(sides.map((side) => [side, []]));
  const perRoom = new Map<Side, number>();
  // The first rounds warm up both and say how long a round is.
  for (const side of sides) {
    await round(side, inFlight, 20);
    const { perSecond } = await round(side, inFlight, 60);
    perRoom.set(side, Math.max(50, Math.round((perSecond * seconds) / rooms)));
  }
  for (let n = 0; n < rounds; n++)
    for (const side of n % 2 === 0 ? sides : sides.toReversed()) {
      const one = await round(side, inFlight, perRoom.get(side)!);
      seen.get(side)?.push(one);
      console.error(side.kind, inFlight, Math.round(one.perSecond), round1(one.ackP50 / 1000));
    }
  if (flags.profile !== undefined)
    await clusters[0]?.profile(() => round(sides[1]!, inFlight, perRoom.get(sides[1]!)!));
  for (const side of sides) {
    const own = seen.get(side) as Round[];
    const of = (pick: (one: Round) => number) => median(own.map(pick));
    const times = (pick: (one: Round) => number, other: Side) =>
      round2(median(own.map((one, n) => pick(one) / pick(seen.get(other)?.[n] as Round))));
    figures.push({
      kind: side.kind,
      inFlight,
      'messages/s': Math.round(of((one) => one.perSecond)),
      'times bare': times((one) => one.perSecond, sides[0]!),
      'ack p50 ms': round1(of((one) => one.ackP50) / 1000),
      'p50 times bare': times((one) => one.ackP50, sides[0]!),
      'ack p99 ms': round1(of((one) => one.ackP99) / 1000),
      'CPU µs/message': round1(of((one) => one.cpuMicros)),
      'CPU µs/delivery': round1(of((one) => one.cpuMicros) / (side.kind === 'bare' ? 1 : members)),
      'Cassandra µs/message': round1(of((one) => one.cassandraMicros)),
      'server busy': round2(of((one) => one.busy)),
      'Cassandra busy': round2(of((one) => one.cassandraBusy)),
      'load busy': round2(of((one) => one.loadBusy)),
      ...(checkouts.length === 0 ? {} : { 'times provider': times((one) => one.perSecond, sides[1]!) }),
    });
  }
}
console.table(figures);
for (const child of children) await child.stop();
for (const cluster of clusters) await cluster.stop();
await services.stop();
if (flags.write) writeResult('cluster-message', { rooms, members, rounds, seconds, bodyBytes, inFlights }, figures);

function round1(value: number): number {
  return Math.round(value * 10) / 10;
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
