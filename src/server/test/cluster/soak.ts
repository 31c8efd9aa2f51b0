// `npm run soak:cluster [-- seconds]`: the faults of `replicas`, and chaos with random seeds, for as long as you like (default an hour), on real
// processes. What fails is printed with its seed.
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const until = Date.now() + 1_000 * (Number(process.argv[2]) || 3_600);
let failed = 0;
for (let run = 1; Date.now() < until; run++) {
  const seed = randomInt(1_000_000_000);
  const { status } = spawnSync('vitest', ['run', '--silent=false', 'src/server/test/cluster/replicas'], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, TALK_SEED: String(seed), CHAOS_FAULTS: '30' },
  });
  if (status !== 0) failed++;
  console.log(
    `run ${run}, seed ${seed}: ${status === 0 ? 'every promise was kept' : 'FAILED; play it again with TALK_SEED and CHAOS_FAULTS=30'}`,
  );
}
process.exitCode = failed > 0 ? 1 : 0;
