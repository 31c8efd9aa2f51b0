// Server memory of an idle connection: resident set and V8 heap per connection, in steps of 2,000 up to 10,000, without and with 10 topics each.
// The edge only, without what a session keeps on top; kernel socket buffers are not in it.
// Run: node bench/micro/idle-memory.ts [--write]; TRANSPORT=ws measures the fall-back.
import { Child } from './lib/child.ts';
import { writeResult } from './lib/figures.ts';

const step = 2000;
const steps = 5;
interface Memory {
  rss: number;
  heapUsed: number;
  external: number;
  connections: number;
}

const rows: Record<string, unknown>[] = [];
for (const topics of [0, 10]) {
  const server = new Child(new URL('./idle-memory-server.ts', import.meta.url), ['--expose-gc']);
  const swarm = new Child(new URL('./lib/swarm-process.ts', import.meta.url));
  const port = await server.call<number>('listen');
  // What the first connections make once for all is not theirs.
  await swarm.call('open', { name: 'warm', count: 200, port, path: '/ws' });
  await server.call('topics', topics);
  const empty = await server.call<Memory>('memory');
  for (let i = 1; i <= steps; i++) {
    await swarm.call('open', { name: 'idle', count: step, port, path: '/ws' });
    const now = await server.call<Memory>('memory');
    const count = now.connections - empty.connections;
    if (count !== i * step) throw new Error(`${count} connections instead of ${i * step}`);
    rows.push({
      topics,
      connections: count,
      'rss bytes each': Math.round((now.rss - empty.rss) / count),
      'heap bytes each': Math.round((now.heapUsed - empty.heapUsed) / count),
      'external bytes each': Math.round((now.external - empty.external) / count),
    });
  }
  await swarm.stop();
  await server.stop();
}
console.table(rows);
if (process.argv.includes('--write'))
  writeResult('micro-idle-memory', { step, steps, transport: process.env.TRANSPORT ?? 'uws' }, rows);
