// `npm run dev:cluster [-- --nodes 3] [--folder DIR] [--replicas 3] [--port N]`: a provider of three nodes on a real Cassandra and Redis, with a balancer in
// front and a console to end and start nodes, until Ctrl-C.
import { openSync, readSync, watchFile } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { startCassandra } from '../cassandra/cassandra.ts';
import { DevFailure } from '../failure.ts';
import { freePort } from '../ports.ts';
import { say } from '../progress.ts';
import { startRedis } from '../redis/redis.ts';
import { type Balancer, startBalancer } from './balancer.ts';
import { DevConsole } from './console.ts';
import { numbersOf } from './look.ts';
import { type Provider, startNodes } from './provider.ts';

const host = '127.0.0.1';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '3' },
    replicas: { type: 'string', default: '1' },
    folder: { type: 'string' },
    port: { type: 'string' },
  },
});

try {
  await run();
} catch (error) {
  if (!(error instanceof DevFailure)) throw error;
  say(error.message);
  process.exit(1);
}

async function run(): Promise<void> {
  const at = (name: string) => (values.folder === undefined ? {} : { folder: join(values.folder, name) });
  let provider: Provider | undefined;
  let typed: DevConsole | undefined;
  // The nodes must know its address, so it is there before them.
  const balancer = await openBalancer(() => provider?.nodes ?? []);
  const cassandra = await startCassandra({ nodes: values.replicas === '3' ? 3 : 1, ...at('cassandra') });
  const redis = await startRedis();
  const running = await startNodes({
    nodes: Number(values.nodes),
    cassandra,
    redis: redis.address,
    publicUrl: balancer.url,
    ended: (name, end) => typed?.ended(name, end),
    ...at('nodes'),
  });
  provider = running;
  const end = async () => {
    typed = undefined;
    balancer.close();
    await running.stop();
    await redis.stop();
    await cassandra.stop();
    process.exit(0);
  };
  const quit = () => void end();
  process.once('SIGINT', quit).once('SIGTERM', quit);
  announce(running, balancer);
  showCodes(join(running.folder, 'luxid.out'));
  const opened = new DevConsole({ nodes: running.nodes, address: balancer.url, numbers: numbersOf, say, quit });
  typed = opened;
  // Without a terminal too: a script types as a person does. Its end ends nothing.
  createInterface({ input: process.stdin, terminal: false }).on('line', (line) => void opened.take(line));
}

async function openBalancer(targets: () => Provider['nodes']): Promise<Balancer> {
  const port = values.port === undefined ? await freePort([host]) : Number(values.port);
  try {
    return await startBalancer({ host, port, targets });
  } catch (cause) {
    throw new DevFailure('PORTS_TAKEN', `The balancer can't listen at ${host}:${values.port ?? port}.`, {
      next: 'Choose another one with --port, or none for any that is free.',
      cause,
    });
  }
}

function announce({ nodes }: Provider, { url }: Balancer): void {
  const login = (server: string) => `npx luxchat -p alice login --server ${server} --user alice --password moien-moien`;
  say(`Balancer  ${url}   leads to a node that is ready. Log in there (the code "by SMS" appears here):`);
  say(`  ${login(url)}`);
  for (const { name, pid, url: own, opsUrl } of nodes) {
    say(`${name}  pid ${pid}  ${own}   metrics ${opsUrl}/metrics   to be at this one only:`);
    say(`  ${login(own)}`);
  }
  say(`Kill one and see: kill n2, then start n2. Also: drain n2, pause n2, status, help. Ctrl-C ends everything`);
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
