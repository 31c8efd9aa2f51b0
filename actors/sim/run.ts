// Runs the simulator by hand: `--seed 7` one seed with its trace, `--soak [seconds]` random seeds, `--seeds [count]` seeds from 1. A number after
// that is the steps of each story; `--nodes 3` at the end makes it a provider of so many nodes, and a soak without it draws 1 to 3. `--unsettled`:
// the faults of that name instead of drawn ones.
// The only file here that knows a process and a clock.
import { randomInt } from 'node:crypto';
import process from 'node:process';
import { unsettled } from './faults.ts';
import { defaultSteps, simulate } from './simulate.ts';

const args = process.argv.slice(2);
const isUnsettled = args.includes('--unsettled');
if (isUnsettled) args.splice(args.indexOf('--unsettled'), 1);
const faults = isUnsettled ? unsettled : {};
const at = args.indexOf('--nodes');
const nodes = at < 0 ? undefined : Number(args.splice(at, 2)[1]);
const [mode = '', value = '', third = ''] = args;
const steps = Number(third) || defaultSteps;

if (mode === '--seed' && /^\d+$/.test(value)) {
  const result = simulate({
    seed: Number(value),
    steps,
    nodes: nodes ?? 1,
    faults,
    trace: (line) => console.log(line),
  });
  console.log(result);
  process.exitCode = result.violations.length > 0 ? 1 : 0;
} else if (mode === '--soak' || mode === '--seeds') {
  process.exitCode = mode === '--soak' ? soak(Number(value) || 600) : range(Number(value) || 100);
} else {
  console.error(
    'usage: node actors/sim/run.ts --seed <number> [steps] | --soak [seconds] [steps] | --seeds [count] [steps]; and --nodes <count> or --unsettled',
  );
  process.exitCode = 2;
}

function soak(seconds: number): number {
  const until = performance.now() + seconds * 1000;
  return report(function* () {
    while (performance.now() < until) yield randomInt(2 ** 47);
  });
}

function range(count: number): number {
  return report(function* () {
    for (let seed = 1; seed <= count; seed++) yield seed;
  });
}

function report(seeds: () => Generator<number>): number {
  const started = performance.now();
  let runs = 0;
  let failed = 0;
  let events = 0;
  for (const seed of seeds()) {
    const count = nodes ?? (mode === '--soak' ? 1 + (seed % 3) : 1);
    const result = simulate({ seed, steps, nodes: count, faults });
    runs++;
    events += result.events;
    if (result.violations.length === 0) continue;
    failed++;
    console.log(
      `seed ${seed} fails; replay it with: node actors/sim/run.ts --seed ${seed} ${steps} --nodes ${count}${isUnsettled ? ' --unsettled' : ''}`,
    );
    for (const violation of result.violations.slice(0, 3)) console.log(`  ${violation}`);
  }
  const ms = performance.now() - started;
  console.log(
    `${runs} runs, ${failed} failed, ${(ms / runs).toFixed(1)} ms and ${Math.round(events / runs)} events a run`,
  );
  return failed > 0 ? 1 : 0;
}
