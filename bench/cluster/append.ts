// The write path alone: the log runner on Cassandra, 100 rooms with one and eight rows in flight each, beside the bare driver that writes single rows of
// the same bytes. To try changes of the store: each checkout of `--beside` runs in the same run, on the same keyspace.
// Run: node bench/cluster/append.ts [--write] [--rounds 7] [--seconds 3] [--in-flight 1,8] [--beside CHECKOUT,CHECKOUT]
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CassandraStore } from '#server/storage/cassandra/store.ts';
import type { BareReport } from '../lib/bare-process.ts';
import { Services } from '../lib/cluster.ts';
import { Child } from '../micro/lib/child.ts';
import { median, writeResult } from '../micro/lib/figures.ts';

const { values: flags } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '3' },
    'in-flight': { type: 'string', default: '1,8' },
    beside: { type: 'string' },
  },
});
const rooms = 100;
/** Of a message with a body of 600. */
const rowBytes = 828;
const rounds = Number(flags.rounds);
const ms = Number(flags.seconds) * 1000;
const inFlights = flags['in-flight'].split(',').map(Number);
const keyspace = 'luxchat';

interface Round extends BareReport {
  readonly cpuMicros: number;
  readonly cassandraMicros: number;
}

const services = await Services.start();
const { contactPoints, port } = services.cassandra;
const place = { contactPoints, port, localDataCenter: 'datacenter1', keyspace };
await (await CassandraStore.open({ ...place, replicationFactor: 1, now: Date.now })).close();
await services.bareTable(keyspace);
const bare = new Child(new URL('../lib/bare-process.ts', import.meta.url));
await bare.call('open', { contactPoints, port, keyspace, bytes: rowBytes + 8 });
const sides: { readonly kind: string; readonly child: Child; readonly factor: number }[] = [
  { kind: 'bare', child: bare, factor: rooms },
];
const here = fileURLToPath(new URL('../..', import.meta.url));
for (const [n, checkout] of [here, ...(flags.beside?.split(',') ?? [])].entries()) {
  const child = new Child(new URL('../lib/append-process.ts', import.meta.url));
  await child.call('open', { checkout, name: `v${n}`, contactPoints, port, keyspace, rooms, rowBytes });
  sides.push({ kind: n === 0 ? 'runner' : checkout, child, factor: 1 });
}

async function round({ child, factor }: (typeof sides)[number], inFlight: number): Promise<Round> {
  const [cpu, cassandra] = [await child.call<number>('cpu'), services.cassandraCpu()];
  const report = await child.call<BareReport>('run', { inFlight: inFlight * factor, ms });
  const spent = (await child.call<number>('cpu')) - cpu;
  return { ...report, cpuMicros: spent, cassandraMicros: services.cassandraCpu() - cassandra };
}

const figures: Record<string, unknown>[] = [];
for (const inFlight of inFlights) {
  const seen = sides.map((): Round[] => []);
  for (const side of sides) await round(side, inFlight);
  for (let n = 0; n < rounds; n++) {
    const order = [...sides.keys()];
    for (const at of n % 2 === 0 ? order : order.toReversed()) seen[at]!.push(await round(sides[at]!, inFlight));
  }
  const rate = (one: Round) => (one.writes / one.wallMicros) * 1e6;
  for (const [at, { kind }] of sides.entries()) {
    const of = (pick: (one: Round) => number) => median(seen[at]!.map(pick));
    const times = (pick: (one: Round) => number, other: number) =>
      round2(median(seen[at]!.map((one, n) => pick(one) / pick(seen[other]![n] as Round))));
    const row = {
      kind,
      inFlight,
      'rows/s': Math.round(of(rate)),
      'times bare': times(rate, 0),
      'times runner': times(rate, 1),
      'ack p50 ms': round2(of((one) => one.p50 / 1000)),
      'p50 times bare': times((one) => one.p50, 0),
      'ack p99 ms': round2(of((one) => one.p99 / 1000)),
      'CPU µs/row': round2(of((one) => one.cpuMicros / one.writes)),
      'Cassandra µs/row': round2(of((one) => one.cassandraMicros / one.writes)),
    };
    console.error(JSON.stringify(row));
    figures.push(row);
  }
}
console.table(figures);
for (const { child, kind } of sides) {
  if (kind !== 'bare') await child.call('close');
  await child.stop();
}
await services.stop();
if (flags.write) writeResult('cluster-append', { rooms, rowBytes, rounds, seconds: ms / 1000 }, figures);

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
