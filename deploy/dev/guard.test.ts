// No server outlives the process that started it, however that process ends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { waitFor } from './progress.ts';

it.each(['SIGKILL', 'SIGINT', 'exit'] as const)('ends servers and removes their folders at %s', async (how) => {
  const folder = mkdtempSync(join(tmpdir(), 'luxchat-guard-'));
  const here = (name: string) => JSON.stringify(join(import.meta.dirname, name));
  const script = `
    import { startGuard } from ${here('guard.ts')};
    import { startProcess } from ${here('server-process.ts')};
    const guard = startGuard();
    guard.removes(${JSON.stringify(folder)});
    const output = ${JSON.stringify(join(folder, 'output'))};
    const server = startProcess({ command: '/bin/sh', args: ['-c', 'trap "" TERM INT HUP; sleep 600; sleep 600'], output }, guard);
    console.log(server.pid);
    ${how === 'exit' ? 'setTimeout(() => process.exit(0), 300);' : 'setTimeout(() => {}, 60_000);'}`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = await once(parent.stdout, 'data');
  const server = Number(String(said));
  expect(runs(server)).toBe(true);
  if (how !== 'exit') parent.kill(how);
  expect(await waitFor(() => !runs(server) && !existsSync(folder), { deadlineMs: 10_000 })).toBe(true);
});

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
