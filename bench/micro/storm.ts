// Everybody comes back at once: 2,000 people in rooms of ten whose connections broke, and who missed 50 messages each. Each connects, says hello,
// looks at the inbox, lists rooms, subscribes, fetches what was missed and checks that it is all there. Measured from the first connection
// attempt until the last one has everything. Run: node bench/micro/storm.ts [--write] [--people 2000] [--missed 50] [--profile FILE]
import { parseArgs } from 'node:util';
import { people } from '../lib/people.ts';
import { BenchServer } from '../lib/server.ts';
import type { Storm } from '../lib/storm-process.ts';
import { Child } from './lib/child.ts';
import { median, writeResult } from './lib/figures.ts';

const { values: flags } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    people: { type: 'string', default: '2000' },
    missed: { type: 'string', default: '50' },
    rounds: { type: 'string', default: '5' },
    profile: { type: 'string' },
    before: { type: 'string' },
  },
});
const count = Number(flags.people);
const missed = Number(flags.missed);
const members = 10;
const bodyBytes = 600;

interface Round extends Storm {
  readonly serverMicros: number;
  readonly loadMicros: number;
}

const kinds = flags.before === undefined ? ['now'] : ['before', 'now'];
const sides = new Map<string, { readonly server: BenchServer; readonly load: Child; readonly rounds: Round[] }>();
for (const kind of kinds) {
  const server = await BenchServer.start({ checkout: kind === 'before' ? flags.before : undefined });
  const load = new Child(new URL('../lib/storm-process.ts', import.meta.url));
  const logins = await people(server, count);
  await load.call('found', { port: server.port, provider: server.provider, logins, members });
  sides.set(kind, { server, load, rounds: [] });
}

async function storm(kind: string): Promise<void> {
  const { server, load, rounds } = sides.get(kind) as NonNullable<ReturnType<typeof sides.get>>;
  await load.call('miss', { missed, bodyBytes });
  const [before, loadBefore] = [await server.cpu(), await load.call<number>('cpu')];
  const one = await load.call<Storm>('storm');
  if (one.records !== count * missed) throw new Error(`${one.records} records instead of ${count * missed}`);
  rounds.push({
    ...one,
    serverMicros: (await server.cpu()) - before,
    loadMicros: (await load.call<number>('cpu')) - loadBefore,
  });
}

for (let n = 0; n < Number(flags.rounds); n++) for (const kind of kinds) await storm(kind);
if (flags.profile !== undefined) await sides.get('now')?.server.profile(flags.profile, () => storm('now'));
const figures = kinds.map((kind) => {
  const of = (pick: (one: Round) => number) => median((sides.get(kind)?.rounds ?? []).map(pick));
  return {
    kind,
    'all back after s': round(of((one) => one.wallMicros / 1e6)),
    'server CPU s': round(of((one) => one.serverMicros / 1e6)),
    'server µs/client': Math.round(of((one) => one.serverMicros / count)),
    'load CPU s': round(of((one) => one.loadMicros / 1e6)),
    'MB fetched': round(of((one) => one.bytes / 1e6)),
  };
});
console.table(figures);
for (const { server, load } of sides.values()) {
  await load.stop();
  await server.stop();
}
if (flags.write)
  writeResult('micro-storm', { people: count, missed, members, bodyBytes, rounds: Number(flags.rounds) }, figures);

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
