// Runs the benches that have an aim, one after the other, keeps their figures, and writes the table of aims and figures into README.md.
// Run on a machine that does nothing else: npm run bench [-- --table] (only the table, from the figures that are there)
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const benches = [
  'micro/message.ts',
  'micro/storm.ts',
  'micro/fan-out.ts',
  'micro/publish-loop.ts',
  'micro/append.ts',
  'micro/room-list.ts',
  'micro/start.ts',
  'micro/idle-session.ts',
  'k6/run.ts',
];

type Row = Readonly<Record<string, number | string | boolean>>;
interface Result {
  readonly commit: string;
  readonly figures: unknown;
}

/** What was measured, from the figures of one result file. */
type Pick = (rows: readonly Row[]) => string;
const aims: readonly { readonly what: string; readonly aim: string; readonly file: string; readonly pick: Pick }[] = [
  {
    what: 'durable group message, server CPU, 8 in flight',
    aim: '≤ 50 µs',
    file: 'micro-message',
    pick: (rows) => {
      const row = find(rows, { kind: 'provider', inFlight: 8 });
      return `${row['CPU µs/message']} µs, ${row['times the relay']} × the bare relay (${find(rows, { kind: 'relay', inFlight: 8 })['CPU µs/message']} µs)`;
    },
  },
  {
    what: 'the same, 1 in flight',
    aim: '–',
    file: 'micro-message',
    pick: (rows) => {
      const row = find(rows, { kind: 'provider', inFlight: 1 });
      return `${row['CPU µs/message']} µs, ${row['times the relay']} × the relay; ack p50 ${row['ack p50 ms']} ms, p99 ${row['ack p99 ms']} ms`;
    },
  },
  {
    what: 'durable group messages a second',
    aim: '≥ 20,000',
    file: 'micro-message',
    pick: (rows) => {
      const row = find(rows, { kind: 'provider', inFlight: 8 });
      return `${row['messages/s']} with the server busy for ${row['server busy']} of a core and the load for ${row['load busy']}`;
    },
  },
  ...[100, 1000].flatMap((members) =>
    [1, 16].map((burst) => ({
      what: `fan-out to ${members}, ${burst === 1 ? 'one at a time' : 'coalesced'}, transport alone`,
      aim: burst === 1 ? '≤ 1.15 × the bare loop' : '≤ 1.5 ×',
      file: 'micro-publish-loop',
      pick: (rows: readonly Row[]) => `${Number(find(rows, { subscribers: members, burst }).pairedRatio).toFixed(2)} ×`,
    })),
  ),
  ...[100, 1000].flatMap((members) =>
    [1, 16].map((inFlight) => ({
      what: `the same to ${members}, ${inFlight === 1 ? 'one at a time' : '16 in flight'}, whole server, durable`,
      aim: '–',
      file: 'micro-fan-out',
      pick: (rows: readonly Row[]) => {
        const row = find(rows, { members, 'in flight': inFlight });
        return `${row.ratio} × the relay, ${row['provider µs/delivery']} µs`;
      },
    })),
  ),
  {
    what: 'idle authenticated connection, resident memory',
    aim: '≤ 6 KiB',
    file: 'micro-idle-session',
    pick: (rows) => `${rows.at(-1)?.['resident bytes each']} bytes at ${rows.at(-1)?.connections}`,
  },
  {
    what: '2,000 clients back with 50 missed messages each',
    aim: '≤ 1.5 s',
    file: 'micro-storm',
    pick: (rows) => {
      const row = find(rows, { kind: 'now' });
      return `${row['all back after s']} s; server CPU ${row['server CPU s']} s`;
    },
  },
  {
    what: 'first list of 500 rooms',
    aim: '≤ 100 ms, whatever the history',
    file: 'micro-room-list',
    pick: (rows) => rows.map((row) => `${row['first list ms']} ms (${row.history}, ${row.rooms})`).join(', '),
  },
  {
    what: 'start to first login, warm compile cache',
    aim: '≤ 1 s',
    file: 'micro-start',
    pick: (rows) => `${find(rows, { kind: 'warm cache' })['first login ms']} ms`,
  },
  {
    what: 'k6, 1,000 sessions: ack and delivery p50 / p99 / p99.9 in ms',
    aim: 'p99 < 250',
    file: 'k6-session',
    pick: ([row = {}]) => `${row.ack_ms}; ${row.delivery_ms}; ${row.passed ? 'passed' : 'FAILED'}`,
  },
];

if (!process.argv.includes('--table')) {
  for (const bench of benches) {
    console.log(`\n${bench}`);
    spawnSync(process.execPath, [here(bench), '--write'], { stdio: 'inherit' });
  }
}
const lines = ['| what | aim | measured | commit |', '|---|---|---|---|', ...aims.map(lineOf)];
const readme = readFileSync(here('README.md'), 'utf8');
const table = `<!-- table -->\n${lines.join('\n')}\n<!-- /table -->`;
writeFileSync(
  here('README.md'),
  readme.replace(/<!-- table -->[\s\S]*<!-- \/table -->/, () => table),
);

function lineOf({ what, aim, file, pick }: (typeof aims)[number]): string {
  const path = here(`results/${file}.json`);
  if (!existsSync(path)) return `| ${what} | ${aim} | not yet | |`;
  const { commit, figures } = JSON.parse(readFileSync(path, 'utf8')) as Result;
  const rows = (Array.isArray(figures) ? figures : [figures]) as Row[];
  return `| ${what} | ${aim} | ${pick(rows)} | ${commit} |`;
}

function find(rows: readonly Row[], wanted: Row): Row {
  return rows.find((row) => Object.entries(wanted).every(([key, value]) => row[key] === value)) ?? {};
}
