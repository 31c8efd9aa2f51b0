// `npm run dev:cluster [-- --nodes 3] [--folder DIR] [--replicas 3]`: a provider of three nodes on a real Cassandra and Redis, until Ctrl-C.
import { openSync, readSync, watchFile } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startCassandra } from '../cassandra/cassandra.ts';
import { DevFailure } from '../failure.ts';
import { say } from '../progress.ts';
import { startRedis } from '../redis/redis.ts';
import { startNodes } from './provider.ts';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '3' },
    replicas: { type: 'string', default: '1' },
    folder: { type: 'string' },
  },
});

try {
  const at = (name: string) => (values.folder === undefined ? {} : { folder: join(values.folder, name) });
  const cassandra = await startCassandra({ nodes: values.replicas === '3' ? 3 : 1, ...at('cassandra') });
  const redis = await startRedis();
  const provider = await startNodes({
    nodes: Number(values.nodes),
    cassandra,
    redis: redis.address,
    ...at('nodes'),
  });
  for (const node of provider.nodes) say(`${node.name}  pid ${node.pid}  ${node.url}   metrics ${node.opsUrl}/metrics`);
  say(`Open a terminal client: npx luxchat login --server ${provider.nodes[0]?.url}   the code "by SMS" appears here`);
  say('Kill a node: kill -9 PID   Ctrl-C ends everything');
  showCodes(join(provider.folder, 'luxid.out'));
  const alive = setInterval(() => {}, 60_000);
  const end = async () => {
    clearInterval(alive);
    await provider.stop();
    await redis.stop();
    await cassandra.stop();
    process.exit(0);
  };
  process.once('SIGINT', () => void end()).once('SIGTERM', () => void end());
} catch (error) {
  if (!(error instanceof DevFailure)) throw error;
  say(error.message);
  process.exitCode = 1;
}

/** Passes on what the stand-in LuxID says. */
function showCodes(path: string): void {
  const file = openSync(path, 'r');
  const buffer = Buffer.alloc(64 * 1024);
  const more = () => {
    for (let read = readSync(file, buffer); read > 0; read = readSync(file, buffer))
      process.stderr.write(buffer.subarray(0, read));
  };
  more();
  watchFile(path, { interval: 200 }, more);
}
