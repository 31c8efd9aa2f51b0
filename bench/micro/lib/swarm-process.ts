// A swarm in a process of its own: start it with `new Child(swarmProcess)`. Calls: open, received, totals, reset, close, cpu.
import { serveCalls } from './child.ts';
import { cpuMicros } from './figures.ts';
import { Swarm, type SwarmTarget } from './swarm.ts';

const swarms = new Map<string, Swarm>();
const swarmOf = (name: string) => {
  const swarm = swarms.get(name) ?? new Swarm();
  swarms.set(name, swarm);
  return swarm;
};

serveCalls({
  open: ({ name, count, ...target }: { name: string; count: number } & SwarmTarget) =>
    swarmOf(name).open(target, count),
  received: ({ name, payloadBytes }: { name: string; payloadBytes: number }) => swarmOf(name).received(payloadBytes),
  totals: ({ name }: { name: string }) => swarmOf(name).totals(),
  reset: ({ name }: { name: string }) => swarmOf(name).reset(),
  close: ({ name }: { name: string }) => swarmOf(name).close(),
  cpu: () => cpuMicros(),
});
