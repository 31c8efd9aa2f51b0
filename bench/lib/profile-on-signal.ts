// Preloaded into a node of a measured cluster (`--import`): the first SIGUSR2 begins a CPU profile, the second writes it to the path in BENCH_PROFILE.
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';

const inspector = new Session();
let running = false;

process.on('SIGUSR2', () => void (running ? end() : begin()));

async function begin(): Promise<void> {
  running = true;
  inspector.connect();
  await inspector.post('Profiler.enable');
  await inspector.post('Profiler.setSamplingInterval', { interval: 200 });
  await inspector.post('Profiler.start');
}

async function end(): Promise<void> {
  running = false;
  const { profile } = await inspector.post('Profiler.stop');
  writeFileSync(process.env.BENCH_PROFILE ?? 'bench.cpuprofile', JSON.stringify(profile));
  inspector.disconnect();
}
