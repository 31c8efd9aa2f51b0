// What one durable message in a group costs the whole server: CPU time from the frame of the sender to the last write to a member, and how many
// a second go through. Beside it, in the same run, a bare uWebSockets.js relay that stores nothing carries the same bytes to as many people.
// Run: node bench/micro/message.ts [--write] [--rooms 100] [--members 10] [--rounds 5] [--profile FILE] [--transport ws] [--before CHECKOUT]
//   [--in-flight 8] [--node-options '--flag …']
import { parseArgs } from 'node:util';
import { type LoadReport, submitBytes } from '../lib/load.ts';
import { people } from '../lib/people.ts';
import { BenchServer } from '../lib/server.ts';
import { Child } from './lib/child.ts';
import { median, writeResult } from './lib/figures.ts';

const { values: flags } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    rooms: { type: 'string', default: '100' },
    members: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '5' },
    profile: { type: 'string' },
    transport: { type: 'string', default: 'uws' },
    before: { type: 'string' },
    'in-flight': { type: 'string' },
    'node-options': { type: 'string' },
  },
});
const rooms = Number(flags.rooms);
const members = Number(flags.members);
const rounds = Number(flags.rounds);
const bodyBytes = 600;
const inFlights = flags['in-flight'] === undefined ? [1, 8] : [Number(flags['in-flight'])];
type Kind = 'relay' | 'before' | 'provider';
const kinds: readonly Kind[] = flags.before === undefined ? ['relay', 'provider'] : ['relay', 'before', 'provider'];

interface Round {
  readonly cpuMicros: number;
  readonly perSecond: number;
  readonly serverBusy: number;
  readonly loadBusy: number;
  readonly report: LoadReport;
}

const relay = new Child(new URL('../lib/relay-process.ts', import.meta.url));
const load = new Child(new URL('../lib/load-process.ts', import.meta.url));
const relayPort = await relay.call<number>('listen');
await load.call('relay', { port: relayPort, rooms, members, bytes: submitBytes(bodyBytes) });
const servers = new Map<Kind, BenchServer>();
for (const kind of kinds) if (kind !== 'relay') servers.set(kind, await startServer(kind));

async function startServer(kind: Kind): Promise<BenchServer> {
  const checkout = kind === 'before' ? flags.before : undefined;
  const options = kind === 'provider' ? flags['node-options'] : undefined;
  const nodeFlags = options?.split(' ') ?? [];
  const server = await BenchServer.start({ flags: { '--transport': flags.transport }, checkout, nodeFlags });
  const logins = await people(server, rooms * members);
  const { port, provider } = server;
  await load.call('provider', { kind, port, provider, name: 'message', logins, members, bodyBytes });
  return server;
}

async function round(kind: Kind, inFlight: number, messagesPerRoom: number): Promise<Round> {
  const cpu = () => servers.get(kind)?.cpu() ?? relay.call<number>('cpu');
  const [before, loadBefore] = [await cpu(), await load.call<number>('cpu')];
  const report = await load.call<LoadReport>('run', { kind, inFlight, messagesPerRoom, bodyBytes });
  const [spent, loadSpent] = [(await cpu()) - before, (await load.call<number>('cpu')) - loadBefore];
  const { messages, wallMicros } = report;
  return {
    cpuMicros: spent / messages,
    perSecond: messages / (wallMicros / 1e6),
    serverBusy: spent / wallMicros,
    loadBusy: loadSpent / wallMicros,
    report,
  };
}

const figures: Record<string, unknown>[] = [];
for (const inFlight of inFlights) {
  const seen: Record<Kind, Round[]> = { relay: [], before: [], provider: [] };
  const messagesPerRoom = Math.max(20, Math.round((inFlight === 1 ? 200_000 : 600_000) / rooms / members));
  // The first round of each kind warms up.
  for (let n = -1; n < rounds; n++) {
    for (const kind of n % 2 === 0 ? kinds : kinds.toReversed()) {
      const one = await round(kind, inFlight, messagesPerRoom);
      if (n >= 0) seen[kind].push(one);
    }
  }
  if (flags.profile !== undefined) {
    await servers.get('provider')?.profile(`${flags.profile}.${inFlight}`, async () => {
      await round('provider', inFlight, messagesPerRoom);
    });
    await servers.get('provider')?.allocations(`${flags.profile}.${inFlight}.heap`, async () => {
      await round('provider', inFlight, messagesPerRoom);
    });
  }
  const of = (kind: Kind, pick: (one: Round) => number) => median(seen[kind].map(pick));
  for (const kind of kinds) {
    figures.push({
      kind,
      inFlight,
      'CPU µs/message': round1(of(kind, (one) => one.cpuMicros)),
      'messages/s': Math.round(of(kind, (one) => one.perSecond)),
      'server busy': round2(of(kind, (one) => one.serverBusy)),
      'load busy': round2(of(kind, (one) => one.loadBusy)),
      'ack p50 ms': round1(of(kind, (one) => one.report.ackP50 / 1000)),
      'ack p99 ms': round1(of(kind, (one) => one.report.ackP99 / 1000)),
      'last p50 ms': round1(of(kind, (one) => one.report.lastP50 / 1000)),
      'times the relay': timesOther(seen[kind], seen.relay),
      ...(flags.before === undefined ? {} : { 'times before': timesOther(seen[kind], seen.before) }),
    });
  }
}
console.table(figures);
await load.stop();
await relay.stop();
for (const server of servers.values()) await server.stop();
if (flags.write)
  writeResult('micro-message', { rooms, members, rounds, bodyBytes, inFlights, transport: flags.transport }, figures);

/** Median of the ratios of CPU time of neighbouring rounds. */
function timesOther(ours: readonly Round[], others: readonly Round[]): number {
  return round2(median(ours.map((one, n) => one.cpuMicros / (others[n] as Round).cpuMicros)));
}

function round1(value: number): number {
  return Math.round(value * 10) / 10;
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
