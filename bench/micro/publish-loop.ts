// What one delivery of a room's event costs the server, through the transport and through a bare uWebSockets.js publish loop, in one run.
// One at a time: one publish a loop turn. Coalesced: 16 a turn. Rounds of both kinds alternate; the figure is the median of their CPU time.
// Run: node bench/micro/publish-loop.ts [--write | --self-check]. The method and how the load generator was checked: README.md of this folder.
import { Child } from './lib/child.ts';
import { median, writeResult } from './lib/figures.ts';

const frameBytes = 300;
const burst = 16;
const rounds = 7;
// Shorter rounds show the constant cost of a round (two loop turns, cold caches) as if it were the publisher's.
const deliveriesPerRound = 200_000;
const payloadBytes = frameBytes + 2;

type Kind = 'bare' | 'second' | 'transport';
// With --self-check a second bare app stands in for the transport: the ratio then shows the noise of this machine.
const other: Kind = process.argv.includes('--self-check') ? 'second' : 'transport';
const kinds: readonly Kind[] = ['bare', other];
interface Figures {
  subscribers: number;
  burst: number;
  bareMicros: number;
  transportMicros: number;
  ratio: number;
  /** Median of the ratios of neighbouring rounds: less touched by other load on the machine. */
  pairedRatio: number;
  swarmBusy: number;
}

async function measure(server: Child, swarm: Child, subscribers: number, perTurn: number): Promise<Figures> {
  const micros: Record<Kind, number[]> = { bare: [], second: [], transport: [] };
  const turns = Math.max(4, Math.round(deliveriesPerRound / subscribers / perTurn));
  let swarmMicros = 0;
  let wallMicros = 0;
  // The first two rounds of each kind warm up.
  for (let i = -2; i < rounds; i++) {
    const order = i % 2 === 0 ? kinds : kinds.toReversed();
    for (const kind of order) {
      const name = `${kind}${subscribers}`;
      await swarm.call('reset', { name });
      const swarmBefore = await swarm.call<number>('cpu');
      const startedMs = performance.now();
      const took = await server.call<number>('round', { kind, frameBytes, turns, burst: perTurn });
      await swarm.call('received', { name, payloadBytes: turns * perTurn * payloadBytes });
      wallMicros += (performance.now() - startedMs) * 1000;
      swarmMicros += (await swarm.call<number>('cpu')) - swarmBefore;
      const totals = await swarm.call<{ payloadBytes: number }>('totals', { name });
      if (totals.payloadBytes !== turns * perTurn * payloadBytes * subscribers)
        throw new Error('deliveries do not add up');
      if (i >= 0) micros[kind].push(took / (turns * perTurn * subscribers));
    }
  }
  const bareMicros = median(micros.bare);
  const transportMicros = median(micros[other]);
  const pairedRatio = median(micros[other].map((value, i) => value / (micros.bare[i] ?? Number.NaN)));
  return {
    subscribers,
    burst: perTurn,
    bareMicros,
    transportMicros,
    ratio: transportMicros / bareMicros,
    pairedRatio,
    swarmBusy: swarmMicros / wallMicros,
  };
}

const figures: Figures[] = [];
for (const subscribers of [100, 1000]) {
  const server = new Child(new URL('./publish-loop-server.ts', import.meta.url));
  const swarm = new Child(new URL('./lib/swarm-process.ts', import.meta.url));
  const ports = await server.call<Record<Kind, number>>('listen');
  // In small turns, so that neither kind has the older sockets: where they lie in memory shows in the figures.
  for (let count = 0; count < subscribers; count += 20) {
    for (const kind of kinds)
      await swarm.call('open', { name: `${kind}${subscribers}`, count: 20, port: ports[kind], path: '/ws' });
  }
  for (const perTurn of [1, burst]) figures.push(await measure(server, swarm, subscribers, perTurn));
  const left = await server.call<Record<Kind, number>>('state');
  if (kinds.some((kind) => left[kind] !== subscribers))
    throw new Error(`a client was cut off, the load generator was the limit: ${JSON.stringify(left)}`);
  await swarm.stop();
  await server.stop();
}
console.table(
  figures.map((one) => ({
    subscribers: one.subscribers,
    'publishes a turn': one.burst,
    'bare µs/delivery': one.bareMicros.toFixed(3),
    'transport µs/delivery': one.transportMicros.toFixed(3),
    ratio: one.ratio.toFixed(3),
    'paired ratio': one.pairedRatio.toFixed(3),
    'swarm busy': one.swarmBusy.toFixed(2),
  })),
);
if (process.argv.includes('--write'))
  writeResult('micro-publish-loop', { frameBytes, burst, rounds, deliveriesPerRound }, figures);
