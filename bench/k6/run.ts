// Starts a provider, logs a thousand people in, founds a hundred rooms of ten, and lets k6 be those people. Fails when a threshold fails, when a
// message did not reach everybody, or when the load generator was too slow to send what it should.
// Run: npm run bench:k6 [-- --write] [--connections 1000] [--rate 200] [--seconds 30]
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { toHex } from '#proto/rules/bytes/base.ts';
import { enrolled, people } from '../lib/people.ts';
import { foundGroup } from '../lib/rooms.ts';
import { BenchServer, inParallel } from '../lib/server.ts';
import { writeResult } from '../micro/lib/figures.ts';
import type { Person } from './session.ts';

const { values: flags } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    connections: { type: 'string', default: '1000' },
    rate: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '30' },
  },
});
const connections = Number(flags.connections);
const members = 10;
const parameters = {
  connections,
  members,
  messagesPerSecond: Number(flags.rate),
  seconds: Number(flags.seconds),
  bodyBytes: 600,
  vus: 4,
  ackP99Ms: 250,
  deliveryP99Ms: 250,
};

interface Summary {
  readonly metrics: Readonly<
    Record<string, { values: Record<string, number>; thresholds?: Record<string, { ok: boolean }> }>
  >;
}

let k6CpuSeconds = 0;
const k6 = findK6();
if (k6 === null) {
  console.error(
    'k6 is not here: get it with `go install go.k6.io/k6@v1.8.1` (it is looked for on PATH and in ~/go/bin).',
  );
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), 'luxchat-k6-'));
const server = await BenchServer.start();
try {
  writeFileSync(join(folder, 'people.json'), JSON.stringify(await prepare(server)), { mode: 0o600 });
  const script = join(folder, 'session.js');
  const entry = fileURLToPath(new URL('./session.ts', import.meta.url));
  const external = ['k6', 'k6/*'];
  await build({ entryPoints: [entry], outfile: script, bundle: true, format: 'esm', target: 'es2020', external });
  let failed = false;
  const spent = await server.spend(async () => {
    failed = (await run(k6, script, server.port)) !== 0;
  });
  const { metrics } = JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8')) as Summary;
  const complaints = judge(metrics);
  const figures = {
    ...figuresOf(metrics),
    serverCpuSeconds: Math.round(spent.cpuMicros / 1e4) / 100,
    k6CpuSeconds,
    wallSeconds: Math.round(spent.wallMicros / 1e6),
    passed: !failed && complaints.length === 0,
  };
  console.table(figures);
  for (const complaint of complaints) console.error(complaint);
  if (flags.write) writeResult('k6-session', parameters, figures);
  process.exitCode = figures.passed ? 0 : 1;
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

function findK6(): string | null {
  const own = join(homedir(), 'go/bin/k6');
  if (spawnSync('k6', ['version']).status === 0) return 'k6';
  return existsSync(own) ? own : null;
}

/** Everybody enrolled, every room founded; then all connections are closed again: k6 opens its own. */
async function prepare(at: BenchServer): Promise<Person[]> {
  const seats = await enrolled(at.port, await people(at, connections));
  const rooms = await inParallel(connections / members, 20, async (n) => {
    const own = seats.slice(n * members, (n + 1) * members);
    const { room, control } = await foundGroup(own, at.provider, `k6 ${n}`);
    return own.map(({ login }, seat) => ({
      token: login.accessToken,
      device: login.deviceNumber,
      room,
      member: seat + 1,
      controlNumber: control.number,
      controlHash: toHex(control.hash),
    }));
  });
  for (const { client } of seats) client.wire.cut();
  return rooms.flat();
}

function run(program: string, script: string, port: number): Promise<number | null> {
  const { seconds, messagesPerSecond, bodyBytes, vus, ackP99Ms, deliveryP99Ms } = parameters;
  const writeFrom = 10_000;
  const writeUntil = writeFrom + seconds * 1000;
  const env = {
    URL: `ws://127.0.0.1:${port}/ws`,
    PEOPLE: join(folder, 'people.json'),
    SUMMARY: join(folder, 'summary.json'),
    VUS: vus,
    WRITE_FROM: writeFrom,
    WRITE_UNTIL: writeUntil,
    END_AT: writeUntil + 5000,
    PERIOD: (connections / messagesPerSecond) * 1000,
    BODY_BYTES: bodyBytes,
    ACK_P99_MS: ackP99Ms,
    DELIVERY_P99_MS: deliveryP99Ms,
  };
  const args = Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  const quiet = { K6_NO_USAGE_REPORT: 'true', K6_AUTO_EXTENSION_RESOLUTION: 'false' };
  const child = spawn(program, ['run', '--quiet', '--no-color', ...args, script], {
    env: { ...process.env, ...quiet },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const sampler = setInterval(() => {
    k6CpuSeconds = cpuSecondsOf(child.pid) ?? k6CpuSeconds;
  }, 500);
  return new Promise((resolve) =>
    child.once('exit', (code) => {
      clearInterval(sampler);
      resolve(code);
    }),
  );
}

/** User and system time of a process, by ticks of 10 ms; null where it is gone. */
function cpuSecondsOf(pid: number | undefined): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [user = 0, system = 0] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13)
      .map(Number);
    return (user + system) / 100;
  } catch {
    // It ended between two looks.
    return null;
  }
}

/** What thresholds can't say: everybody was there, everything came to everybody, and as much was sent as should be. */
function judge(metrics: Summary['metrics']): string[] {
  const count = (name: string) => metrics[name]?.values.count ?? 0;
  const wanted = parameters.messagesPerSecond * parameters.seconds;
  const complaints: string[] = [];
  if (count('subscribed_ms') !== connections) complaints.push(`${count('subscribed_ms')} of ${connections} were there`);
  if (count('messages_acked') !== count('messages_sent'))
    complaints.push(`${count('messages_acked')} of ${count('messages_sent')} messages were acknowledged`);
  if (count('deliveries') !== count('messages_sent') * members)
    complaints.push(`${count('deliveries')} deliveries of ${count('messages_sent') * members}`);
  if (count('messages_sent') < 0.98 * wanted)
    complaints.push(
      `k6 sent ${count('messages_sent')} messages instead of ${wanted}: the load generator was the limit`,
    );
  return complaints;
}

function figuresOf(metrics: Summary['metrics']): Record<string, unknown> {
  const rows: Record<string, unknown> = {};
  for (const name of ['welcome_ms', 'room_list_ms', 'subscribed_ms', 'ack_ms', 'delivery_ms']) {
    const { med = 0, 'p(99)': p99 = 0, 'p(99.9)': p999 = 0 } = metrics[name]?.values ?? {};
    rows[name] = [med, p99, p999].map((value) => value.toFixed(1)).join(' / ');
  }
  for (const name of ['messages_sent', 'deliveries', 'rejected', 'gaps', 'connections_lost'])
    rows[name] = metrics[name]?.values.count ?? 0;
  return rows;
}
