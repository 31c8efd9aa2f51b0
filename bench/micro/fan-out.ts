// What a delivery costs the whole server, durable and checked, in one room of 100 and one of 1,000, beside a bare uWebSockets.js relay with as many
// subscribers in the same run. One at a time: the next message after everybody has the last. Coalesced: 16 members have one under way each.
// Run: node bench/micro/fan-out.ts [--write] [--rounds 5]
import { parseArgs } from 'node:util';
import { type LoadReport, submitBytes } from '../lib/load.ts';
import { people } from '../lib/people.ts';
import { BenchServer } from '../lib/server.ts';
import { Child } from './lib/child.ts';
import { median, writeResult } from './lib/figures.ts';

const { values: flags } = parseArgs({
  options: { write: { type: 'boolean', default: false }, rounds: { type: 'string', default: '5' } },
});
const rounds = Number(flags.rounds);
const bodyBytes = 600;
const deliveriesPerRound = 100_000;
const figures: Record<string, unknown>[] = [];

const server = await BenchServer.start();
const logins = await people(server, 1000);
for (const members of [100, 1000]) {
  const relay = new Child(new URL('../lib/relay-process.ts', import.meta.url));
  const load = new Child(new URL('../lib/load-process.ts', import.meta.url));
  const port = await relay.call<number>('listen');
  await load.call('relay', { port, rooms: 1, members, bytes: submitBytes(bodyBytes) });
  const target = { kind: 'provider', port: server.port, provider: server.provider, name: `fan-out ${members}` };
  await load.call('provider', { ...target, logins: logins.slice(0, members), members, bodyBytes });
  for (const inFlight of [1, 16]) {
    const cpu = { relay: [] as number[], provider: [] as number[], load: [] as number[] };
    const messagesPerRoom = Math.max(inFlight * 2, Math.round(deliveriesPerRound / members));
    for (let n = -1; n < rounds; n++) {
      for (const kind of n % 2 === 0 ? (['relay', 'provider'] as const) : (['provider', 'relay'] as const)) {
        const cpuNow = () => (kind === 'relay' ? relay.call<number>('cpu') : server.cpu());
        const [before, loadBefore] = [await cpuNow(), await load.call<number>('cpu')];
        const { deliveries, wallMicros } = await load.call<LoadReport>('run', {
          kind,
          inFlight,
          messagesPerRoom,
          wait: inFlight === 1,
        });
        const spent = (await cpuNow()) - before;
        if (n < 0) continue;
        cpu[kind].push(spent / deliveries);
        cpu.load.push(((await load.call<number>('cpu')) - loadBefore) / wallMicros);
      }
    }
    figures.push({
      members,
      'in flight': inFlight,
      'relay µs/delivery': round(median(cpu.relay)),
      'provider µs/delivery': round(median(cpu.provider)),
      ratio: round(median(cpu.provider.map((value, n) => value / (cpu.relay[n] as number)))),
      'load busy': round(median(cpu.load)),
    });
  }
  await load.stop();
  await relay.stop();
}
await server.stop();
console.table(figures);
if (flags.write) writeResult('micro-fan-out', { rounds, bodyBytes, deliveriesPerRound }, figures);

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
