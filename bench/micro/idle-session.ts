// Server memory of an authenticated connection that says nothing: welcomed, user actor asleep again. Resident set (without lmdb's mapped files) and heap, in steps.
// What a login keeps (device, tokens) is counted before. Run: node bench/micro/idle-session.ts [--write] [--connections 10000]
import { parseArgs } from 'node:util';
import { people } from '../lib/people.ts';
import { RawClient } from '../lib/raw-client.ts';
import { BenchServer, inParallel, type Memory } from '../lib/server.ts';
import { writeResult } from './lib/figures.ts';

const { values: flags } = parseArgs({
  options: { write: { type: 'boolean', default: false }, connections: { type: 'string', default: '10000' } },
});
const count = Number(flags.connections);
const steps = 5;
const server = await BenchServer.start({ flags: { '--user-idle-seconds': '1' } });
const logins = await people(server, count);
const clients: RawClient[] = [];
// What the first ones make once for all is not theirs.
await open(0, 200);
const empty = await settled();
const figures: Record<string, unknown>[] = [];
for (let step = 1; step <= steps; step++) {
  await open(clients.length, Math.round(200 + ((count - 200) * step) / steps));
  const memory = await settled();
  const connections = clients.length - 200;
  figures.push({
    connections,
    'resident bytes each': Math.round((memory.anonymous - empty.anonymous) / connections),
    'heap bytes each': Math.round((memory.heapUsed - empty.heapUsed) / connections),
    'external bytes each': Math.round((memory.external - empty.external) / connections),
  });
}
console.table(figures);
for (const client of clients) client.wire.cut();
await server.stop();
if (flags.write) writeResult('micro-idle-session', { connections: count, steps }, figures);

async function open(from: number, to: number): Promise<void> {
  clients.push(...(await inParallel(to - from, 50, (n) => RawClient.open(server.port, logins[from + n]!))));
}

/** After user actors fell asleep and garbage was collected. */
async function settled(): Promise<Memory> {
  await new Promise((resolve) => setTimeout(resolve, 3000));
  return server.memory();
}
