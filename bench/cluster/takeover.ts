// How long rooms are out when their node dies: 500 rooms of one node of three, in each of them somebody writes all the time from a device at another
// node. kill -9; measured from there to the first acknowledgement of something that was sent after it, for each room.
// Run: node bench/cluster/takeover.ts [--write] [--rooms 500] [--rounds 3]
import { parseArgs } from 'node:util';
import { roomAddress } from '#actors/kernel/address.ts';
import { shardOf } from '#actors/log/shards.ts';
import type { ProviderNode } from '../../deploy/dev/provider/provider.ts';
import { BenchCluster, Services } from '../lib/cluster.ts';
import { people } from '../lib/people.ts';
import { Child } from '../micro/lib/child.ts';
import { median, writeResult } from '../micro/lib/figures.ts';

const { values: flags } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    rooms: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '3' },
  },
});
const wanted = Number(flags.rooms);
const members = 2;
const deadlineMs = 60_000;

const services = await Services.start();
const cluster = await BenchCluster.start(services, { nodes: 3, flags: { '--room-idle-seconds': '86400' } });
const load = new Child(new URL('../lib/lanes-process.ts', import.meta.url));
const victim = cluster.nodes[0] as ProviderNode;
const { provider } = cluster;
await load.call('people', { ports: cluster.ports.slice(1), logins: await people(cluster, 200) });
// A third of them is the victim's, and some more.
const rooms = await load.call<string[]>('found', { count: Math.ceil(wanted * 3.5), members, provider, name: 'take' });
const rows: Record<string, number>[] = [];
for (let n = 0; n < Number(flags.rounds); n++) {
  if (n > 0) {
    await victim.start();
    await cluster.balanced();
  }
  rows.push(await round());
  console.error(rows.at(-1));
}

async function round(): Promise<Record<string, number>> {
  const owners = await cluster.owners();
  const mine = rooms.flatMap((room, at) => (owners[shardOf(roomAddress(room))] === victim.name ? [at] : []));
  if (mine.length < wanted) throw new Error(`only ${mine.length} rooms are the victim's`);
  await load.call('waiting', { at: mine.slice(0, wanted) });
  await new Promise((resolve) => setTimeout(resolve, 4000));
  const back = await load.call<(number | null)[]>('kill', { pid: victim.pid, deadlineMs });
  const sorted = back.map((ms) => ms ?? deadlineMs).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
  return {
    rooms: back.length,
    'first ms': Math.round(at(0)),
    'p50 ms': Math.round(at(0.5)),
    'p99 ms': Math.round(at(0.99)),
    'max ms': Math.round(at(1)),
    'rooms/s': Math.round((1000 * back.length) / (at(1) - at(0))),
    'never back': back.filter((ms) => ms === null).length,
  };
}

const figures = [
  ...rows,
  Object.fromEntries(Object.keys(rows[0] ?? {}).map((key) => [key, median(rows.map((row) => row[key] as number))])),
].map((row, n) => ({ round: n < rows.length ? String(n + 1) : 'median', ...row }));
console.table(figures);
await load.stop();
await cluster.stop();
await services.stop();
if (flags.write) writeResult('cluster-takeover', { nodes: 3, rooms: wanted, members, rounds: rows.length }, figures);
