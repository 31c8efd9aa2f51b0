// Nothing is left behind by a test that dies, or whose provider does not start.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { eventually, ProviderProcess } from './harness.ts';

const root = new URL('../../..', import.meta.url).pathname;

/** Where the provider has its folder: its processes name it. */
let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'luxchat-harness-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(place, { recursive: true, force: true });
});

/** Programs that work in that place. */
function programs(): string[] {
  return execFileSync('ps', ['-A', '-ww', '-o', 'args'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(`--data ${place}`));
}

// It went on for days, on a folder that no test knew any more.
it('a provider does not outlive a test that is killed while it starts', async () => {
  const harness = JSON.stringify(new URL('./harness.ts', import.meta.url).pathname);
  const script = `import { ProviderProcess } from ${harness}; await ProviderProcess.start();`;
  const test = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    env: { ...process.env, TMPDIR: place },
    stdio: 'inherit',
  });
  await eventually('the provider is there', () => programs().length > 0, 30_000);
  test.kill('SIGKILL');
  await eventually('the provider is gone', () => programs().length === 0);
  await eventually('its folder is gone', () =>
    readdirSync(place).every((name) => !name.startsWith('luxchat-provider')),
  );
});

it('a provider that does not start leaves no folder', async () => {
  vi.stubEnv('TMPDIR', place);
  await expect(ProviderProcess.start(['--send-burst', 'many'])).rejects.toThrow('ended with 2');
  expect(readdirSync(place)).toEqual([]);
});
